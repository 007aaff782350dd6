//! The names in locks: filter state that the gate writes, dashboards that its policy has, routes that are in the files. A lock with a
//! wrong one shuts a dashboard for everybody, or lets any permit through. Decides nothing about where a lock stands.

use super::extension_policy::targets;
use super::lock_routes;
use super::patch::Patch;
use super::resource::Resource;
use super::routes::Route;
use crate::check::Report;
use crate::envoy::LOCK;
use crate::envoy::permits::{self, Permit};
use crate::fields::nearest;
use crate::place::Place;

/// What the policies of the files say of their dashboards.
#[derive(Default)]
pub struct Dashboards {
    /// Their names.
    pub names: Vec<String>,
    /// What else is known of them.
    pub permits: Vec<Permit>,
    policies: usize,
}

impl Dashboards {
    fn of(resources: &[Resource<'_>]) -> Self {
        let mut found = Self::default();
        for resource in resources {
            resource.place.walk(&mut |place| {
                let names: Vec<&str> =
                    place.list("dashboards").iter().filter_map(|dashboard| dashboard.text("name")).collect();
                found.policies += usize::from(!names.is_empty());
                found.names.extend(names.into_iter().map(str::to_owned));
                found.permits.extend(permits::of_policy(place.node));
            });
        }
        found
    }

    /// Whether one is called so.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// The one that was probably meant, as findings say it.
    fn meant(&self, name: &str) -> String {
        let meant = nearest(name, self.names.iter().map(String::as_str));
        meant.map(|meant| format!("; {meant} is one")).unwrap_or_default()
    }
}

/// Checks every lock of the files against the policies in them.
pub fn check(resources: &[Resource<'_>], patches: &[Patch<'_>], routes: &[Route<'_>], report: &mut Report) {
    let dashboards = Dashboards::of(resources);
    for resource in resources.iter().filter(|resource| matches!(resource.kind, "EnvoyFilter" | "EnvoyPatchPolicy")) {
        resource.place.walk(&mut |place| check_key(place, report));
        if !dashboards.names.is_empty() {
            resource.place.walk(&mut |place| check_state(place, &dashboards, report));
        }
        // Of several policies each may have a lock of its own.
        if dashboards.policies == 1 {
            resource.place.walk(&mut |place| check_rules(place, &dashboards, report));
        }
    }
    check_expressions(resources, &dashboards, report);
    lock_routes::check(patches, routes, &dashboards, report);
    lock_routes::check_expressions(resources, routes, &dashboards, report);
    if !dashboards.permits.is_empty() {
        check_routes(patches, routes, &dashboards.permits, report);
    }
}

/// Filter state by nearly the gate's name.
fn check_key(place: &Place<'_>, report: &mut Report) {
    let Some(key) = place.member("key").filter(|_| place.member("string_match").is_some()) else { return };
    let said = key.node.text().unwrap_or_default();
    if said != LOCK && nearest(said, [LOCK].into_iter()).is_some() {
        report
            .problem(key.finding(format!("is nothing that the gate writes; {LOCK} is: what asks for it meets nobody")));
    }
}

fn check_state(place: &Place<'_>, dashboards: &Dashboards, report: &mut Report) {
    if place.text("key") != Some(LOCK) {
        return;
    }
    let Some(exact) = place.deep(&["string_match", "exact"]) else { return };
    let said = exact.node.text().unwrap_or_default();
    if !dashboards.has(said) {
        let meant = dashboards.meant(said);
        report.problem(exact.finding(format!("names no dashboard of the policy{meant}: nobody has that permit")));
    }
}

/// An RBAC filter that lists permits and leaves out a dashboard shuts it.
fn check_rules(place: &Place<'_>, dashboards: &Dashboards, report: &mut Report) {
    let Some(rules) = place.member("rules").filter(|_| place.is_a("filters.http.rbac.v3.RBAC")) else { return };
    if rules.word("action").is_some_and(|action| action != "ALLOW" && action != "0") {
        return;
    }
    let (mut named, mut is_open_ended, mut asks) = (Vec::new(), false, false);
    rules.walk(&mut |place| {
        if place.text("key") == Some(LOCK) {
            asks = true;
            match place.deep(&["string_match", "exact"]).and_then(|exact| exact.node.text()) {
                Some(name) => named.push(name),
                None => is_open_ended = true,
            }
        }
    });
    if rules.member("policies").is_none_or(|policies| policies.members().is_empty()) {
        report.problem(rules.finding("has no policies: it keeps out everybody"));
    } else if let Some(name) =
        dashboards.names.iter().find(|name| asks && !is_open_ended && !named.contains(&name.as_str()))
    {
        report.problem(
            rules.finding(format!("has no word of {name}, a dashboard of the policy: it keeps out everybody there")),
        );
    }
}

/// A patch that gives one route its lock: where it says the route's name, that name, and the permit it asks for.
fn of_route<'a>(patch: &Patch<'a>) -> Option<(Place<'a>, String, Option<Place<'a>>)> {
    let name = patch.place.deep(&["match", "routeConfiguration", "vhost", "route", "name"])?;
    let states = patch.value.as_ref()?.member("match")?.list("filter_state");
    let state = states.iter().find(|state| state.text("key") == Some(LOCK))?;
    let said = name.scalar()?;
    Some((name, said, state.deep(&["string_match", "exact"])))
}

/// Istio names routes: a VirtualService's entry by its own name, a rule of the Gateway API by its own, too, where it has one, else by
/// namespace, name and number (Istio 1.30, `conversion.go`).
pub fn named<'r, 'a>(routes: &'r [Route<'a>]) -> Vec<(String, Place<'a>, &'r Route<'a>)> {
    let mut found = Vec::new();
    for route in routes.iter().filter(|route| route.is_http) {
        let resource = &route.resource;
        if resource.kind == "VirtualService" {
            let leads = |entry: &Place<'_>| !entry.list("route").is_empty();
            for entry in resource.list("http").into_iter().filter(leads) {
                found.push((entry.text("name").unwrap_or_default().to_owned(), entry, route));
            }
            continue;
        }
        for (index, rule) in resource.list("rules").into_iter().enumerate() {
            if !rule.list("backendRefs").is_empty() {
                let numbered = || format!("{}.{}.{index}", resource.namespace, resource.name);
                found.push((rule.text("name").map_or_else(numbered, str::to_owned), rule, route));
            }
        }
    }
    found
}

/// Whether every part of a route has a lock of its own, for one dashboard.
pub fn is_locked(route: &Route<'_>, patches: &[Patch<'_>]) -> bool {
    let locks: Vec<String> = patches
        .iter()
        .filter(|patch| patch.applies_to == "HTTP_ROUTE")
        .filter_map(of_route)
        .filter_map(|(_, name, exact)| exact.map(|_| name))
        .collect();
    let parts = named(std::slice::from_ref(route));
    !parts.is_empty() && parts.iter().all(|(name, ..)| locks.contains(name))
}

fn check_routes(patches: &[Patch<'_>], routes: &[Route<'_>], permits: &[Permit], report: &mut Report) {
    let locks: Vec<_> = patches.iter().filter(|patch| patch.applies_to == "HTTP_ROUTE").filter_map(of_route).collect();
    let known = named(routes);
    if locks.is_empty() || known.is_empty() {
        return;
    }
    let without =
        if lock_routes::binds(patches) { "nobody gets there" } else { "it takes the permit to any dashboard" };
    for (place, said, exact) in &locks {
        let Some((_, _, route)) = known.iter().find(|(name, ..)| name == said) else {
            let meant = nearest(said, known.iter().map(|(name, ..)| name.as_str()));
            let meant = meant.map(|meant| format!("; {meant} is one")).unwrap_or_default();
            report.problem(
                place.finding(format!("names no route of the files{meant}: the patch changes nothing, and {without}")),
            );
            continue;
        };
        let own = of_hosts(route, permits);
        let Some(exact) = exact else { continue };
        if !own.is_empty() && !own.iter().any(|permit| Some(permit.name.as_str()) == exact.node.text()) {
            report.problem(exact.finding(format!(
                "is not the permit to {}, whose host {} is for: nobody gets there",
                own[0].name, route.resource.title
            )));
        }
    }
    for (name, place, route) in &known {
        let is_locked = locks.iter().any(|(_, said, _)| said == name);
        if !is_locked && permits.len() > 1 && !of_hosts(route, permits).is_empty() {
            let what = if name.is_empty() { "has no name, and so no lock" } else { "has no lock" };
            report.warning(place.finding(format!("{what} of its own, as others have: {without}")));
        }
    }
}

/// The dashboards on the hosts of a route.
pub fn of_hosts<'p>(route: &Route<'_>, permits: &'p [Permit]) -> Vec<&'p Permit> {
    let list = if route.resource.kind == "VirtualService" { "hosts" } else { "hostnames" };
    let hosts: Vec<&str> = route.resource.list(list).iter().filter_map(|host| host.node.text()).collect();
    permits.iter().filter(|permit| hosts.contains(&permit.host.as_str())).collect()
}

/// Checks the expressions of a SecurityPolicy that ask for the gate's word.
fn check_expressions(resources: &[Resource<'_>], dashboards: &Dashboards, report: &mut Report) {
    for policy in resources.iter().filter(|resource| resource.kind == "SecurityPolicy") {
        let Some(authorization) = policy.spec(&["authorization"]) else { continue };
        let (mut named, mut is_open_ended) = (Vec::new(), false);
        for cel in authorization.list("rules").iter().filter_map(|rule| rule.member("cel")) {
            let text = cel.node.text().unwrap_or_default().replace('"', "'");
            check_cel_key(&cel, &text, report);
            let Some((_, asked)) = text.split_once(LOCK) else { continue };
            match compared(asked) {
                Some((true, name)) => {
                    if !dashboards.names.is_empty() && !dashboards.has(name) {
                        let meant = dashboards.meant(name);
                        report.problem(
                            cel.finding(format!("names no dashboard of the policy{meant}: nobody has that permit")),
                        );
                    }
                    named.push(name.to_owned());
                }
                Some((false, name)) => {
                    report.problem(cel.finding(format!(
                        "compares filter state, which is bytes, with text, and never meets: b'{name}'"
                    )))
                }
                None => is_open_ended = true,
            }
            check_cel_route(&cel, &text, resources, report);
        }
        // One for a route need not know of the others.
        let is_whole = targets(policy, resources).iter().any(|target| target.kind == "Gateway");
        if is_whole && dashboards.policies == 1 && !named.is_empty() && !is_open_ended {
            for name in dashboards.names.iter().filter(|name| !named.contains(name)) {
                report.problem(authorization.finding(format!(
                    "has no word of {name}, a dashboard of the policy: it keeps out everybody there"
                )));
            }
        }
    }
}

fn check_cel_key(cel: &Place<'_>, text: &str, report: &mut Report) {
    for (_, rest) in text.match_indices("filter_state['").map(|(index, found)| text.split_at(index + found.len())) {
        let key = rest.split('\'').next().unwrap_or_default();
        if key != LOCK && nearest(key, [LOCK].into_iter()).is_some() {
            report.problem(
                cel.finding(format!("is nothing that the gate writes; {LOCK} is: what asks for it meets nobody")),
            );
        }
    }
}

/// What comes after the key: `'] == b'name'`, and whether it is bytes.
fn compared(asked: &str) -> Option<(bool, &str)> {
    let value = asked.strip_prefix("']")?.trim_start().strip_prefix("==")?.trim_start();
    let is_bytes = value.starts_with('b');
    let name = value.trim_start_matches('b').strip_prefix('\'')?.split('\'').next()?;
    Some((is_bytes, name))
}

/// Envoy Gateway's name of a route: `httproute/namespace/name/…`.
fn check_cel_route(cel: &Place<'_>, text: &str, resources: &[Resource<'_>], report: &mut Report) {
    let Some((_, rest)) = text.split_once("xds.route_name.startsWith('") else { return };
    let prefix = rest.split('\'').next().unwrap_or_default();
    let routes = || resources.iter().filter(|found| found.kind.ends_with("Route"));
    let name =
        |found: &Resource<'_>| format!("{}/{}/{}/", found.kind.to_ascii_lowercase(), found.namespace, found.name);
    if routes().next().is_some() && !routes().any(|found| name(found).starts_with(prefix)) {
        let known: Vec<String> = routes().map(name).collect();
        let meant = nearest(prefix, known.iter().map(String::as_str))
            .map(|meant| format!("; {meant} is one"))
            .unwrap_or_default();
        report.problem(cel.finding(format!("names no route of the files{meant}: nobody gets through by this rule")));
    }
}
