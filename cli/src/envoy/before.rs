//! What runs before the gate: it may answer in the gate's place, change what the gate judges by, or copy what the gate takes away.

use super::access_log;
use crate::check::Report;
use crate::place::Place;

/// Envoy's own CORS filter answers a preflight that the gate would judge.
pub fn check_preflights(filters: &[Place<'_>], gate: &Place<'_>, report: &mut Report) {
    for filter in filters.iter().take_while(|filter| filter.path != gate.path) {
        if filter.member("typed_config").is_some_and(|config| config.is_a("cors.v3.Cors")) {
            report
                .warning(filter.finding("answers preflights before the gate, which judges them itself; leave it out"));
        }
    }
}

/// Whether the gate judges by a header: a request that says another one than the client's has no verdict of its own.
pub fn is_judged(name: &str) -> bool {
    const JUDGED: [&str; 8] =
        ["origin", "host", ":authority", ":method", ":path", "cookie", "authorization", "sec-websocket-protocol"];
    let name = name.to_ascii_lowercase();
    JUDGED.contains(&name.as_str()) || name.starts_with("sec-fetch-")
}

/// What a filter before the gate puts into a request, or copies from it.
pub fn check_words(filter: &Place<'_>, report: &mut Report) {
    let Some(config) = filter.member("typed_config") else { return };
    if config.is_a("credential_injector.v3.CredentialInjector") {
        report.problem(filter.finding("gives requests a credential before the gate: whoever comes has a session"));
    }
    if config.is_a("tap.v3.Tap") {
        report.problem(filter.finding("copies requests before the gate, and the sessions in them; leave it out"));
    }
    if config.is_a("cache.v3.CacheConfig") {
        report.problem(filter.finding("answers from what it kept, before the gate is asked; put it after the gate"));
    }
    const ANSWERING: [&str; 4] =
        ["lua.v3.Lua", "ext_proc.v3.ExternalProcessor", "ext_authz.v3.ExtAuthz", "oauth2.v3.OAuth2"];
    if ANSWERING.iter().any(|kind| config.is_a(kind)) {
        report.warning(filter.finding("runs before the gate: it sees sessions, and may answer in the gate's place"));
    }
    if !config.is_a("lua.v3.Lua") {
        check_copies(&config, report);
    }
    let mutations = match config.member("mutations") {
        Some(mutations) if mutations.items().is_empty() => mutations.list("request_mutations"),
        Some(mutations) => mutations.items(),
        None => Vec::new(),
    };
    if let Some(mutations) = config.member("mutations") {
        check_answers(&mutations.list("response_mutations"), report);
    }
    for mutation in mutations {
        let added = mutation.deep(&["append", "header", "key"]);
        let added = added.filter(|name| is_judged(name.node.text().unwrap_or_default()));
        // Where it is missing the gate may be told to waive it.
        let removed = mutation.member("remove").filter(|name| {
            let name = name.node.text().unwrap_or_default().to_ascii_lowercase();
            name == "origin" || name.starts_with("sec-fetch-")
        });
        if let Some(name) = added.or(removed) {
            report.problem(name.finding("is what the gate judges by, and changed before it: the client's own is lost"));
        }
    }
}

/// What a filter before the gate takes out of answers, the gate's own included: it sees them last.
fn check_answers(mutations: &[Place<'_>], report: &mut Report) {
    const OWN: [&str; 6] =
        ["cache-control", "content-security-policy", "x-frame-options", "vary", "set-cookie", "location"];
    for mutation in mutations {
        let overwritten = mutation
            .member("append")
            .filter(|append| append.text("append_action").is_some_and(|action| action.starts_with("OVERWRITE")));
        let overwritten = overwritten.and_then(|append| append.deep(&["header", "key"]));
        for name in mutation.member("remove").into_iter().chain(overwritten) {
            if name.node.text().is_some_and(|text| OWN.iter().any(|own| own.eq_ignore_ascii_case(text))) {
                report.warning(name.finding(
                    "is what the gate says to browsers, who may frame, keep or sign in; leave it to the gate, and change a backend's \
                     among the router's upstream_http_filters",
                ));
            }
        }
    }
}

/// What a filter before the gate copies to where the gate does not look for credentials.
fn check_copies(config: &Place<'_>, report: &mut Report) {
    const COPIED: &str = "copies what can hold a credential to where the gate does not remove it; leave it out";
    config.walk(&mut |place| {
        if place.node.text().and_then(access_log::secret).is_some() {
            report.problem(place.finding(COPIED));
        }
    });
    if config.is_a("header_to_metadata.v3.Config") {
        for rule in config.list("request_rules") {
            let named = rule.member("header").or_else(|| rule.member("cookie"));
            if let Some(name) = named
                .filter(|name| name.path.ends_with("cookie") || name.node.text().is_some_and(access_log::is_secret))
            {
                report.problem(name.finding(COPIED));
            }
        }
    }
}
