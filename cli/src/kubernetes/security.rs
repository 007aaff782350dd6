//! The lock as Envoy Gateway's own policy has it: a SecurityPolicy that denies whoever shows no permit in filter state, by CEL. It
//! needs no patch. Decides whether one locks a Gateway, and which routes have taken it off.

use super::expression::{Demand, alternatives};
use super::extension_policy::targets;
use super::resource::Resource;
use super::routes::Route;
use crate::check::Report;
use crate::envoy::LOCK;
use crate::place::Place;

/// Whether some policy locks every listener of a Gateway that leads to backends.
pub fn locks(gateway: &(String, String), resources: &[Resource<'_>], routes: &[Route<'_>]) -> bool {
    resources.iter().filter(|policy| is_lock(policy) && policy.namespace == gateway.0).any(|policy| {
        targets(policy, resources).iter().filter(|target| target.kind == "Gateway" && target.name == gateway.1).any(
            |target| {
                let Some(section) = &target.section else { return true };
                let hanging = routes.iter().filter(|route| !route.backends.is_empty());
                let parents = hanging.flat_map(|route| &route.parents);
                parents
                    .filter(|(namespace, name, _)| *namespace == gateway.0 && *name == gateway.1)
                    .all(|(_, _, listener)| listener.as_ref() == Some(section))
            },
        )
    })
}

/// Whether a policy lets nobody through but by the gate's word.
pub fn is_lock(policy: &Resource<'_>) -> bool {
    let Some(authorization) = authorization(policy) else { return false };
    let rules = authorization.list("rules");
    let denies = authorization.text("defaultAction").is_none_or(|action| action == "Deny");
    denies && asks(policy) && rules.iter().all(|rule| rule.text("action") == Some("Deny") || demands(rule))
}

fn authorization<'a>(policy: &Resource<'a>) -> Option<Place<'a>> {
    (policy.kind == "SecurityPolicy").then(|| policy.spec(&["authorization"]))?
}

fn asks(policy: &Resource<'_>) -> bool {
    let rules = authorization(policy).map(|authorization| authorization.list("rules")).unwrap_or_default();
    rules.iter().any(|rule| rule.text("cel").is_some_and(|cel| cel.contains(LOCK)))
}

/// One alternative without the permit is one too many. What may be one in a way that is not understood is told as that.
fn demands(rule: &Place<'_>) -> bool {
    let Some(cel) = rule.text("cel") else { return false };
    let Some(all) = alternatives(cel) else { return cel.contains(LOCK) };
    all.iter().all(|one| one.iter().any(|demand| matches!(demand, Demand::Permit(_) | Demand::Other { may_ask: true })))
}

/// Whether each alternative is one that surely asks for the gate's word.
fn is_plain(cel: &str) -> bool {
    let permits = |one: &Vec<Demand>| one.iter().any(|demand| matches!(demand, Demand::Permit(_)));
    alternatives(cel).is_some_and(|all| all.iter().all(permits))
}

/// What a rule that allows by a permit asks for besides: pairs of a permit and the names of routes it leads by, which may be none.
pub fn ways(cel: &str) -> Vec<(String, Option<String>)> {
    let read = |one: Vec<Demand>| {
        let route = one.iter().find_map(|demand| match demand {
            Demand::Route(name) => Some(name.clone()),
            _ => None,
        });
        one.into_iter().find_map(|demand| match demand {
            Demand::Permit(name) => Some((name, route.clone())),
            _ => None,
        })
    };
    alternatives(cel).unwrap_or_default().into_iter().filter_map(read).collect()
}

/// Whether every rule of a lock leads by routes of some name alone.
pub fn binds(policy: &Resource<'_>) -> bool {
    let rules = authorization(policy).map(|authorization| authorization.list("rules")).unwrap_or_default();
    is_lock(policy)
        && rules.iter().filter(|rule| rule.text("action") != Some("Deny")).all(|rule| {
            rule.text("cel").is_some_and(|cel| is_plain(cel) && ways(cel).iter().all(|(_, route)| route.is_some()))
        })
}

fn unclear<'a>(rule: &Place<'a>) -> Option<Place<'a>> {
    let cel = rule.member("cel").filter(|_| rule.text("action") != Some("Deny"))?;
    (!is_plain(cel.node.text()?)).then_some(cel)
}

/// Checks those that ask for the permit, and what routes put in their place. `patched`: another lock stands behind this one.
pub fn check(resources: &[Resource<'_>], patched: bool, report: &mut Report) {
    let lock = resources.iter().find(|policy| is_lock(policy));
    for policy in resources.iter().filter(|policy| policy.kind == "SecurityPolicy") {
        if let Some(authorization) = authorization(policy).filter(|_| asks(policy) && !is_lock(policy)) {
            report.problem(authorization.finding(format!(
                "asks for filter state {LOCK}, and lets others through all the same: defaultAction: Deny, and each rule that allows \
                 must demand it"
            )));
        }
        if is_lock(policy) {
            for cel in
                authorization(policy).map(|found| found.list("rules")).unwrap_or_default().iter().filter_map(unclear)
            {
                report.warning(cel.finding(format!(
                    "asks for the permit in a way that is not judged here: filter_state['{LOCK}'] == b'NAME' && \
                     xds.route_name.startsWith('httproute/…/') is"
                )));
            }
        }
        let Some(lock) = lock.filter(|lock| lock.title != policy.title && lock.namespace == policy.namespace) else {
            continue;
        };
        for target in targets(policy, resources).iter().filter(|target| target.kind.ends_with("Route")) {
            let is_merged = policy.spec(&["mergeType"]).is_some();
            if is_lock(policy) || (is_merged && authorization(policy).is_none()) {
                continue;
            }
            let message = match is_merged {
                false => format!(
                    "takes the place of {} here, and that lock is gone; mergeType: StrategicMerge keeps it",
                    lock.title
                ),
                // Envoy Gateway merges maps and replaces lists.
                true => format!(
                    "has rules of its own in the place of those of {}, and that lock is gone: each must demand the permit, too",
                    lock.title
                ),
            };
            if patched {
                report.warning(target.place.finding(message));
            } else {
                report.problem(target.place.finding(message));
            }
        }
    }
}
