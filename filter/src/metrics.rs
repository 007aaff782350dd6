//! Counters: one per dashboard, verdict and reason, and one per key. Defined once per VM, because each definition of the
//! same name makes a new id.

use std::collections::HashMap;

use gate::{Gate, Quick, Record, Verdict};

use crate::host::{Host, HostResult};

/// Ids of counters already defined in this VM, by name.
#[derive(Debug, Default)]
pub struct Registry(HashMap<String, u32, Quick>);

impl Registry {
    fn id(&mut self, host: &mut impl Host, name: String) -> HostResult<u32> {
        if let Some(id) = self.0.get(&name) {
            return Ok(*id);
        }
        let id = host.define_counter(&name)?;
        self.0.insert(name, id);
        Ok(id)
    }
}

/// One configuration's counters.
#[derive(Debug, Default)]
pub struct Counters {
    /// By dashboard, the first for none; each has few verdicts and codes, so a search costs less than a tree's.
    decisions: Vec<Vec<(Verdict, &'static str, u32)>>,
    /// Few: a list.
    keys: Vec<(String, u32)>,
}

impl Counters {
    /// Counts a decision, and the keys that verified its sessions.
    ///
    /// # Errors
    /// Where the host refuses a counter.
    pub fn count(
        &mut self,
        host: &mut impl Host,
        registry: &mut Registry,
        gate: &Gate,
        record: &Record,
    ) -> HostResult<()> {
        let id = self.decision(host, registry, gate, record)?;
        host.increment(id)?;
        for key in record.keys() {
            let id = match self.keys.iter().find(|(known, _)| known == key) {
                Some((_, id)) => *id,
                None => {
                    let id = registry.id(host, format!("dashgate_sessions_verified_total.key={key}"))?;
                    self.keys.push((key.to_owned(), id));
                    id
                }
            };
            host.increment(id)?;
        }
        Ok(())
    }

    fn decision(
        &mut self,
        host: &mut impl Host,
        registry: &mut Registry,
        gate: &Gate,
        record: &Record,
    ) -> HostResult<u32> {
        let place = record.dashboard.map_or(0, |index| index.saturating_add(1));
        let known = self.decisions.get(place).into_iter().flatten();
        for (verdict, code, id) in known {
            if *verdict == record.verdict && *code == record.code {
                return Ok(*id);
            }
        }
        let (verdict, code) = (record.verdict, record.code);
        let dashboard = record.dashboard.and_then(|index| gate.dashboard_name(index)).unwrap_or("none");
        let verdict_word = verdict.word();
        let name = format!("dashgate_decisions_total.dashboard={dashboard}.verdict={verdict_word}.reason={code}");
        let id = registry.id(host, name)?;
        if self.decisions.len() <= place {
            self.decisions.resize_with(place.saturating_add(1), Vec::new);
        }
        if let Some(counters) = self.decisions.get_mut(place) {
            counters.push((verdict, code, id));
        }
        Ok(id)
    }
}
