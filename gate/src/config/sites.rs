//! Which origin serves which dashboards, and which hosts share their cookies. Says nothing of what a dashboard allows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compile::Compiler;
use super::reader::Named;
use crate::policy::{Dashboard, Site};
use crate::table::Table;

impl Compiler {
    /// The sites by authority, and those that are every host under a parent by the parent's.
    pub(super) fn sites(&mut self, dashboards: &mut [Dashboard]) -> (Table<Arc<Site>>, Table<Arc<Site>>) {
        let mut by_origin = Named(Vec::new());
        for (index, dashboard) in dashboards.iter().enumerate() {
            let origin = dashboard.origin.as_str();
            let new = || Site {
                origin: origin.to_owned(),
                prefixes: BTreeMap::new(),
                owned: BTreeMap::new(),
                depth: 0,
                cookies: Vec::new(),
            };
            let Some(site) = by_origin.entry(origin, new) else { continue };
            let is_owned = dashboard.slot.is_some_and(|slot| slot.in_path);
            let depth = dashboard.path.iter().filter(|byte| **byte == b'/').count();
            site.depth = site.depth.max(depth.saturating_add(usize::from(is_owned)));
            let prefixes = if is_owned { &mut site.owned } else { &mut site.prefixes };
            if prefixes.insert(dashboard.path.clone(), index).is_some() {
                self.problem(format!("dashboards[{index}].url"), "is the url of an earlier dashboard");
            }
        }
        let hosts = self.hosts(dashboards);
        let (mut sites, mut parents) = (Table::default(), Table::default());
        for (origin, mut site) in by_origin.0 {
            site.cookies = hosts.find(host(&origin)).map(|(_, cookies)| cookies.clone()).unwrap_or_default();
            let site = Arc::new(site);
            for authority in authorities(&origin) {
                let (table, authority) = match authority.strip_prefix("*.") {
                    Some(parent) => (&mut parents, parent),
                    None => (&mut sites, authority.as_str()),
                };
                if let Some(other) = table.insert(authority.as_bytes().into(), Arc::clone(&site)) {
                    let message = format!("{} and {origin} are the same authority to a request", other.origin);
                    self.problem("dashboards", message);
                }
            }
        }
        (sites, parents)
    }

    /// The session cookies of each host. Browsers keep cookies by host, whatever the port: so dashboards on two ports
    /// of one host can overwrite each other's as those of one origin can.
    pub(super) fn hosts(&mut self, dashboards: &mut [Dashboard]) -> Named<(usize, Vec<String>)> {
        let mut hosts: Named<(usize, Vec<String>)> = Named(Vec::new());
        for (index, dashboard) in dashboards.iter().enumerate() {
            let Some((count, cookies)) = hosts.entry(host(&dashboard.origin), Default::default) else { continue };
            *count = count.saturating_add(1);
            if cookies.contains(&dashboard.cookie) {
                self.problem(format!("dashboards[{index}].cookie"), "is the cookie of another dashboard of this host");
            } else if !dashboard.open {
                cookies.push(dashboard.cookie.clone());
            }
        }
        for dashboard in dashboards {
            let is_owned = dashboard.slot.is_some_and(|slot| slot.in_path);
            dashboard.shares_host =
                is_owned || hosts.find(host(&dashboard.origin)).is_some_and(|(count, _)| *count > 1);
        }
        hosts
    }
}

/// The host of an origin: what is between the scheme and the port.
fn host(origin: &str) -> &str {
    let (_, authority) = origin.split_once("://").unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    }
}

/// The authorities a request to an origin may write: the default port may be spelled out.
fn authorities(origin: &str) -> Vec<String> {
    let (scheme, authority) = origin.split_once("://").unwrap_or_default();
    let has_port = authority.rsplit(']').next().is_some_and(|tail| tail.contains(':'));
    match scheme {
        _ if has_port => vec![authority.to_owned()],
        "http" => vec![authority.to_owned(), format!("{authority}:80")],
        _ => vec![authority.to_owned(), format!("{authority}:443")],
    }
}
