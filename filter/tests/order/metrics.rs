//! Counters: their names are what `stats_tags` of the shipped files split, and each is defined once per VM.

use std::collections::BTreeMap;

use dashgate_filter::plugin::{Plugin, Shared, Stream};

use crate::envoy::{Envoy, bearer, plugin};

/// Runs these requests through one VM, each with its own plugin, and returns what was counted.
fn count(plugins: &[&Plugin], headers: &[&[(&str, &str)]]) -> BTreeMap<String, u64> {
    let mut shared = Shared::default();
    let mut counters = Vec::new();
    for (plugin, headers) in plugins.iter().zip(headers) {
        let mut envoy = Envoy { counters, ..Envoy::get(headers) };
        plugin.on_request_headers(&mut envoy, &mut shared, &mut Stream::default(), true);
        counters = envoy.counters;
    }
    counters.into_iter().collect()
}

#[test]
fn counts_decisions_by_dashboard_verdict_and_reason_and_sessions_by_key() {
    let (bearer, plugin) = (bearer("\"ada\""), plugin());
    let permit: &[(&str, &str)] = &[("authorization", &bearer)];
    let refuse: &[(&str, &str)] = &[("origin", "https://evil.example")];
    let nowhere: &[(&str, &str)] = &[(":authority", "report.example.org")];
    let counted = count(&[&plugin; 6], &[permit, refuse, permit, &[], nowhere, permit]);
    let expected = [
        ("dashgate_decisions_total.dashboard=report.verdict=permit.reason=session", 3),
        ("dashgate_sessions_verified_total.key=main", 3),
        ("dashgate_decisions_total.dashboard=report.verdict=refuse.reason=origin_not_allowed", 1),
        ("dashgate_decisions_total.dashboard=report.verdict=refuse.reason=session_missing", 1),
        ("dashgate_decisions_total.dashboard=none.verdict=refuse.reason=authority_invalid", 1),
    ];
    assert_eq!(counted, expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect());
}

#[test]
fn counts_answers_and_open_dashboards() {
    let plugin = plugin();
    let mut shared = Shared::default();
    let mut counters = Vec::new();
    for (authority, path) in
        [("portal.example.org", "/"), ("portal.example.org", "/.dashgate/connect"), ("lab.example.org", "/tb/")]
    {
        let mut envoy = Envoy::new(&[(":authority", authority), (":method", "GET"), (":path", path)]);
        envoy.counters = counters;
        plugin.on_request_headers(&mut envoy, &mut shared, &mut Stream::default(), true);
        counters = envoy.counters;
    }
    let names: Vec<&str> = counters.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "dashgate_decisions_total.dashboard=portal.verdict=permit.reason=open",
            "dashgate_decisions_total.dashboard=none.verdict=answer.reason=connect_page",
            "dashgate_decisions_total.dashboard=tb.verdict=refuse.reason=session_missing",
        ]
    );
}

#[test]
fn shares_counters_between_an_old_and_a_new_configuration() {
    let bearer = bearer("\"ada\"");
    let permit: &[(&str, &str)] = &[("authorization", &bearer)];
    let (old, new) = (plugin(), plugin());
    // The stand-in for Envoy refuses to define one name twice.
    let counted = count(&[&old, &new, &old], &[permit; 3]);
    assert_eq!(counted["dashgate_decisions_total.dashboard=report.verdict=permit.reason=session"], 3);
    assert_eq!(counted["dashgate_sessions_verified_total.key=main"], 3);
}
