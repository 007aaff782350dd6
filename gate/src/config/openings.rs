//! What is allowed but unwise, and warned of: doors that a dashboard's settings leave open. Refuses nothing.

use std::sync::Arc;

use super::compile::Compiler;
use super::reader::Reader;
use crate::policy::{Carriers, Dashboard, Kind};

impl Compiler {
    pub(super) fn warn_of_openings(
        &mut self,
        path: &str,
        item: &Reader<'_>,
        cookie: &str,
        keep: Carriers,
        keeps_own: bool,
    ) {
        if item.text("null_origin") == Some("allow") {
            self.warning(
                format!("{path}.null_origin"),
                "lets every sandboxed frame of every site in as if it were this dashboard's own page",
            );
        }
        if item.text("missing_origin") == Some("allow") {
            self.warning(
                format!("{path}.missing_origin"),
                "leaves WebSockets and writes of clients that send no Origin to the session alone",
            );
        }
        if !cookie.starts_with("__Host-") {
            self.warning(
                format!("{path}.cookie"),
                "does not begin with __Host-, so a sibling or parent host can set it",
            );
        }
        if keep.cookie || keep.bearer || keep.marker {
            self.warning(
                format!("{path}.keep"),
                "hands the backend's owner tokens that can be replayed here until they expire",
            );
        }
        if keeps_own {
            self.warning(
                format!("{path}.keep"),
                "hands the backend's owner sessions that can be replayed until they end, at every dashboard that takes them",
            );
        }
    }

    /// An express id alone says that somebody visited the app, which anybody can.
    pub(super) fn warn_of_visitors(&mut self, path: &str, kinds: &[Arc<Kind>], require_all: bool) {
        let visitors = kinds.iter().filter(|kind| kind.is_for_every_visitor()).count();
        if visitors > 0 && (!require_all || visitors == kinds.len()) {
            self.warning(
                format!("{path}.sessions"),
                "lets an express session in alone: express-session signs an id for every visitor (saveUninitialized), \
                 and for all cookies of the app alike. Say require: all beside a kind that names somebody",
            );
        }
    }

    pub(super) fn warn_of_sharing(&mut self, index: usize, dashboards: &[Dashboard], silenced: bool) {
        let Some(this) = dashboards.get(index) else { return };
        let others: Vec<&str> = dashboards
            .iter()
            .filter(|other| other.origin == this.origin && other.name != this.name)
            .map(|other| other.name.as_str())
            .chain(this.slot.filter(|slot| slot.in_path).map(|_| "everybody its path names"))
            .collect();
        if !others.is_empty() && !silenced {
            self.warning(
                format!("dashboards[{index}].url"),
                format!(
                    "shares its origin with {}: scripts of each can use the visitor's sessions of the others. \
                         Give each dashboard a host of its own, or say shared_origin: true",
                    others.join(", ")
                ),
            );
        }
    }
}
