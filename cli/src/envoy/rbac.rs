//! Whether an RBAC filter after the gate demands the gate's word: the lock where routes are not ours.

use super::LOCK;
use crate::check::Report;
use crate::place::Place;

/// Whether some RBAC filter behind the gate allows only what the gate permitted.
pub fn demands_the_lock(filters: &[Place<'_>], gate: &Place<'_>) -> bool {
    filters.iter().skip_while(|filter| filter.path != gate.path).skip(1).any(is_lock)
}

/// Whether a filter allows only what the gate permitted.
pub fn is_lock(filter: &Place<'_>) -> bool {
    let enforced = !filter.is_true("disabled") && !filter.is_true("is_optional");
    enforced
        && filter.member("typed_config").is_some_and(|config| {
            config.is_a("filters.http.rbac.v3.RBAC") && config.member("rules").is_some_and(|rules| demands(&rules))
        })
}

/// Whether the rules that a route has of its own still demand the lock.
pub fn holds(own: &Place<'_>) -> bool {
    own.member("rules").is_some_and(|rules| demands(&rules))
}

/// Tells a lock that asks for the gate's word before the gate has said it.
pub fn check_order(before: &[Place<'_>], report: &mut Report) {
    for filter in before.iter().filter(|filter| is_lock(filter)) {
        report.problem(filter.finding(
            "stands before the gate, which has not said yet what it demands: it refuses everybody; put it right before \
             envoy.filters.http.router",
        ));
    }
}

/// Tells a filter that asks for the lock and does not demand it.
pub fn check(filter: &Place<'_>, report: &mut Report) {
    let is_rbac = filter.member("typed_config").is_some_and(|config| config.is_a("filters.http.rbac.v3.RBAC"));
    let mut asks = false;
    filter.walk(&mut |place| asks |= place.text("key") == Some(LOCK));
    if is_rbac && asks && !is_lock(filter) {
        report.problem(filter.finding(format!(
            "asks for filter state {LOCK}, and lets others through all the same: rules with action ALLOW, each of whose principals \
             demands it, and neither disabled nor shadow_rules"
        )));
    }
}

/// ALLOW is the default action; what is allowed is the union of the policies, so each must demand the lock. Of DENY one policy
/// is enough, for whoever has it not.
fn demands(rules: &Place<'_>) -> bool {
    let action = rules.member("action").and_then(|action| action.scalar());
    let policies = rules.member("policies").map(|policies| policies.members()).unwrap_or_default();
    if matches!(action.as_deref(), Some("DENY" | "1")) {
        return policies.iter().any(|(_, policy)| {
            let whatever = policy.list("permissions").iter().any(|permission| permission.is_true("any"));
            let others =
                |principal: &Place<'_>| principal.deep(&["not_id", "filter_state"]).is_some_and(|state| is_key(&state));
            whatever && policy.list("principals").iter().any(others)
        });
    }
    matches!(action.as_deref(), None | Some("ALLOW" | "0"))
        && policies.iter().all(|(_, policy)| {
            let principals = policy.list("principals");
            !principals.is_empty() && principals.iter().all(principal_demands)
        })
}

fn principal_demands(principal: &Place<'_>) -> bool {
    let all_of = principal.member("and_ids").map(|set| set.list("ids")).unwrap_or_default();
    let one_of = principal.member("or_ids").map(|set| set.list("ids")).unwrap_or_default();
    principal.member("filter_state").is_some_and(|state| is_key(&state))
        || all_of.iter().any(principal_demands)
        || (!one_of.is_empty() && one_of.iter().all(principal_demands))
}

fn is_key(state: &Place<'_>) -> bool {
    state.text("key") == Some(LOCK)
}
