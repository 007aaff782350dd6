//! What no answer of a backend may say to a browser, and whether it is taken out: a worker with a wider scope, wiped site data or a
//! report address would outlive the session, and `x-dashgate-*` is dashgate's own word.

use crate::check::Report;
use crate::place::Place;

/// In the order in which they are told.
const NAMES: [&str; 6] =
    ["service-worker-allowed", "clear-site-data", "nel", "report-to", "reporting-endpoints", "x-dashgate-"];

/// Checks the filters, upstream filters and routes of a connection manager, or the patches that stand for them.
pub fn check(at: &Place<'_>, places: &[Place<'_>], report: &mut Report) {
    let mut removed = Vec::new();
    for place in places {
        place.walk(&mut |place| collect(place, &mut removed));
    }
    let kept: Vec<&str> = NAMES
        .into_iter()
        .filter(|name| !removed.iter().any(|removed| removed.eq_ignore_ascii_case(name)))
        .map(|name| if name.ends_with('-') { "x-dashgate-*" } else { name })
        .collect();
    if !kept.is_empty() {
        report.problem(at.finding(format!(
            "backends' answers keep {}: what these say outlives the session; remove them by a header_mutation among the \
             router's upstream_http_filters",
            kept.join(", ")
        )));
    }
}

fn collect(place: &Place<'_>, removed: &mut Vec<String>) {
    let listed = place.list("response_headers_to_remove");
    removed.extend(listed.iter().filter_map(|name| name.node.text()).map(str::to_owned));
    // Envoy Gateway's own words for it.
    let listed = place.list("remove");
    removed.extend(listed.iter().filter_map(|name| name.node.text()).map(str::to_owned));
    for mutation in place.list("response_mutations") {
        removed.extend(mutation.text("remove").map(str::to_owned));
        let matched = mutation.deep(&["remove_on_match", "key_matcher", "prefix"]);
        removed.extend(matched.and_then(|prefix| prefix.node.text()).map(|prefix| {
            // A shorter prefix takes ours with it.
            if NAMES[5].starts_with(&prefix.to_ascii_lowercase()) { NAMES[5].to_owned() } else { prefix.to_owned() }
        }));
    }
}
