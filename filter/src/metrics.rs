//! Counters: one per dashboard, verdict and reason, and one per key. Defined once per VM, because each definition of the
//! same name makes a new id.

use std::collections::BTreeMap;

use gate::{Gate, Record};

use crate::host::{Host, HostResult};

/// A counter's labels without text, so that counting allocates nothing.
type Labels = (Option<usize>, &'static str, &'static str);

/// Ids of counters already defined in this VM, by name.
#[derive(Debug, Default)]
pub struct Registry(BTreeMap<String, u32>);

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
    decisions: BTreeMap<Labels, u32>,
    keys: BTreeMap<String, u32>,
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
        let labels = (record.dashboard, record.verdict.word(), record.code);
        let id = match self.decisions.get(&labels) {
            Some(id) => *id,
            None => {
                let dashboard = record.dashboard.and_then(|index| gate.dashboard_names().nth(index)).unwrap_or("none");
                let (_, verdict, code) = labels;
                let name = format!("dashgate_decisions_total.dashboard={dashboard}.verdict={verdict}.reason={code}");
                let id = registry.id(host, name)?;
                self.decisions.insert(labels, id);
                id
            }
        };
        host.increment(id)?;
        for key in &record.keys {
            let id = match self.keys.get(key) {
                Some(id) => *id,
                None => {
                    let id = registry.id(host, format!("dashgate_sessions_verified_total.key={key}"))?;
                    self.keys.insert(key.clone(), id);
                    id
                }
            };
            host.increment(id)?;
        }
        Ok(())
    }
}
