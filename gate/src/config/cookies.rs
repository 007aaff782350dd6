//! Cookies that session kinds name: each holds one thing only, and what a sibling host can do to it is said.

use std::sync::Arc;

use super::compile::Compiler;
use super::reader::Named;
use crate::cookie::Names;
use crate::policy::{Dashboard, Kind};

/// The cookies of a session kind that has some of its own.
struct Own {
    kind: String,
    /// The name it is configured with.
    cookie: Vec<u8>,
    all: Names,
}

impl Own {
    fn of((name, kind): &(String, Arc<Kind>)) -> Option<Self> {
        let cookie = kind.own_cookie().filter(|cookie| !cookie.is_empty())?.to_vec();
        let mut all = Names::default();
        all.insert(&cookie, kind.is_login());
        Some(Self { kind: name.clone(), cookie, all })
    }

    fn clashes(&self, other: &Self) -> bool {
        self.all.contains(&other.cookie) || other.all.contains(&self.cookie)
    }
}

impl Compiler {
    /// Refuses one cookie for two things: it would be removed, kept or read for the one where the other is meant.
    pub(super) fn check_cookies(&mut self, kinds: &Named<Arc<Kind>>, dashboards: &[Dashboard]) {
        let cookies: Vec<Own> = kinds.0.iter().filter_map(Own::of).collect();
        for (place, own) in cookies.iter().enumerate() {
            let path = format!("sessions.{}.cookie", own.kind);
            if let Some(other) = cookies.iter().take(place).find(|other| own.clashes(other)) {
                self.problem(&path, format!("is the cookie of sessions.{}, too", other.kind));
            }
            if let Some(dashboard) = dashboards.iter().find(|dashboard| own.all.contains(dashboard.cookie.as_bytes())) {
                self.problem(&path, format!("is the cookie of dashboards[{}], too", dashboard.index));
            }
            if !own.cookie.starts_with(b"__Host-") {
                self.warning(
                    &path,
                    "does not begin with __Host-, so every sibling host can set one for this host, too (Domain): its own \
                     session in the visitor's place, or a second one, which gets every request refused",
                );
            }
        }
    }
}
