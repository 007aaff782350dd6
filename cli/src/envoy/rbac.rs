//! Whether an RBAC filter after the gate demands the gate's word: the lock where routes are not ours.

use super::LOCK;
use super::place::Place;

/// Whether some RBAC filter behind the gate allows only what the gate permitted.
pub fn demands_the_lock(chain: &Place<'_>, gate: &Place<'_>) -> bool {
    let filters = chain.list("http_filters");
    filters.iter().skip_while(|filter| filter.path != gate.path).skip(1).any(|filter| {
        let enforced = !filter.is_true("disabled") && !filter.is_true("is_optional");
        enforced
            && filter.member("typed_config").is_some_and(|config| {
                config.is_a("filters.http.rbac.v3.RBAC") && config.member("rules").is_some_and(|rules| demands(&rules))
            })
    })
}

/// ALLOW is the default action; what is allowed is the union of the policies, so each must demand the lock.
fn demands(rules: &Place<'_>) -> bool {
    let allows = rules.member("action").is_none_or(|action| action.node.text() == Some("ALLOW"));
    let policies = rules.member("policies").map(|policies| policies.members()).unwrap_or_default();
    allows
        && policies.iter().all(|(_, policy)| {
            let principals = policy.list("principals");
            !principals.is_empty() && principals.iter().all(principal_demands)
        })
}

fn principal_demands(principal: &Place<'_>) -> bool {
    let all_of = principal.member("and_ids").map(|set| set.list("ids")).unwrap_or_default();
    let one_of = principal.member("or_ids").map(|set| set.list("ids")).unwrap_or_default();
    let state = principal.member("filter_state");
    state.is_some_and(|state| state.text("key") == Some(LOCK))
        || all_of.iter().any(principal_demands)
        || (!one_of.is_empty() && one_of.iter().all(principal_demands))
}
