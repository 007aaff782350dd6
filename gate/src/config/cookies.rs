//! Cookies that session kinds name: each holds one thing only, and what a sibling host can do to it is said.

use std::sync::Arc;

use super::compile::{Compiler, Named};
use crate::policy::{Dashboard, Kind};

impl Compiler {
    /// Refuses one cookie for two things: it would be removed, kept or read for the one where the other is meant.
    pub(super) fn check_cookies(&mut self, kinds: &Named<Arc<Kind>>, dashboards: &[Dashboard]) {
        let own = |(name, kind): &(String, Arc<Kind>)| Some((name.clone(), kind.own_cookie()?.to_vec()));
        let cookies: Vec<(String, Vec<u8>)> = kinds.0.iter().filter_map(own).collect();
        for (place, (name, cookie)) in cookies.iter().enumerate().filter(|(_, (_, cookie))| !cookie.is_empty()) {
            let path = format!("sessions.{name}.cookie");
            if let Some((other, _)) = cookies.iter().take(place).find(|(_, other)| other == cookie) {
                self.problem(&path, format!("is the cookie of sessions.{other}, too"));
            }
            if let Some(dashboard) = dashboards.iter().find(|dashboard| dashboard.cookie.as_bytes() == cookie) {
                self.problem(&path, format!("is the cookie of dashboards[{}], too", dashboard.index));
            }
            if !cookie.starts_with(b"__Host-") {
                self.warning(
                    &path,
                    "does not begin with __Host-, so every sibling host can set one for this host, too (Domain): its own \
                     session in the visitor's place, or a second one, which gets every request refused",
                );
            }
        }
    }
}
