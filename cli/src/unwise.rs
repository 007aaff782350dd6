//! What a policy allows and a file that is deployed should not say: pages without TLS beside dashboards with it. The gate takes these as they
//! are; what it warns of itself is in `gate/src/config/openings.rs`.

use crate::check::Report;
use crate::place::Place;

/// Looks at the origins that a policy lets in.
pub fn check(policy: &Place<'_>, report: &mut Report) {
    let dashboards = policy.list("dashboards");
    let is_https = |dashboard: &Place<'_>| dashboard.text("url").is_some_and(|url| url.starts_with("https://"));
    if !dashboards.iter().any(is_https) {
        return;
    }
    let mut origins: Vec<Place<'_>> = Vec::new();
    for dashboard in dashboards.iter().filter(|dashboard| is_https(dashboard)) {
        origins.extend(["origins", "embed_from"].iter().flat_map(|field| dashboard.list(field)));
    }
    if let Some(connect) = policy.member("connect") {
        origins.extend(connect.list("from").into_iter().chain(connect.member("login_url")));
    }
    for origin in origins.iter().filter(|origin| origin.node.text().is_some_and(is_in_the_clear)) {
        report.warning(
            origin.finding("is not https: whoever is on the way to it writes that page, and acts as its visitors"),
        );
    }
}

/// Without TLS, and not on the visitor's own machine.
fn is_in_the_clear(origin: &str) -> bool {
    let Some(authority) = origin.strip_prefix("http://").and_then(|rest| rest.split('/').next()) else { return false };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => authority,
    };
    !(host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]")
}
