//! TLS in front of the gate and behind it: whether there is any, how old it may be, and whether who asks and who answers is who they
//! say. Decides nothing about grades; the shipped files' settings have tests of their own.

use super::{chain, connection_managers, routes};
use crate::check::Report;
use crate::place::Place;

/// Checks the listeners with the gate, and the clusters that it leads to.
pub fn check(root: &Place<'_>, guarded: &[&Place<'_>], report: &mut Report) {
    let listeners = super::listeners(root);
    for listener in &listeners {
        for filters in listener.list("filter_chains").into_iter().chain(listener.member("default_filter_chain")) {
            let managers = connection_managers(&filters);
            if let Some(manager) = managers.iter().find(|manager| chain::gate(manager).is_some()) {
                check_chain(listener, &filters, manager, report);
            }
        }
    }
    let names: Vec<&str> = guarded.iter().flat_map(|chain| routes::clusters(chain)).map(|(_, name)| name).collect();
    let clusters = root.member("static_resources").map(|resources| resources.list("clusters")).unwrap_or_default();
    for cluster in clusters.iter().filter(|cluster| cluster.text("name").is_some_and(|name| names.contains(&name))) {
        check_backend(cluster, report);
    }
    if !guarded.is_empty() {
        check_files(root, report);
    }
}

fn check_chain(listener: &Place<'_>, filters: &Place<'_>, manager: &Place<'_>, report: &mut Report) {
    let Some(context) = filters.deep(&["transport_socket", "typed_config"]) else {
        check_plain(listener, filters, manager, report);
        return;
    };
    let mut found = None;
    context.walk(&mut |place| {
        if place.is_a("tls.v3.DownstreamTlsContext") {
            found = Some(place.clone());
        }
    });
    let Some(context) = found else {
        let is_bare = ["raw_buffer.v3.RawBuffer"].iter().any(|kind| context.is_a(kind));
        if is_bare {
            check_plain(listener, filters, manager, report);
        }
        return;
    };
    let common = context.member("common_tls_context").unwrap_or_else(|| context.clone());
    if let Some(parameters) = common.member("tls_params") {
        check_parameters(&parameters, report);
    }
    let Some(validation) = validation(&common) else {
        if context.is_true("require_client_certificate") {
            report.problem(context.finding(
                "has no validation_context: any certificate will do, one that its bearer has made, too; trusted_ca and \
                 match_typed_subject_alt_names",
            ));
        } else {
            check_hops(manager, report);
        }
        return;
    };
    if !context.is_true("require_client_certificate") {
        report.problem(context.finding(
            "require_client_certificate: true is missing: a client's certificate is looked at, and who has none is let in",
        ));
    }
    check_peer(&validation, &common, trusts_its_peer(manager), "whoever this authority has signed is let in", report);
}

/// A proxy in front that is believed, and has proven nothing.
fn check_hops(manager: &Place<'_>, report: &mut Report) {
    if let Some(hops) = manager.member("xff_num_trusted_hops").filter(|hops| hops.scalar().as_deref() != Some("0")) {
        report.warning(hops.finding(
            "believes whoever connects where clients come from, and asks for no certificate: right only where nobody but that \
             proxy reaches this port",
        ));
    }
}

/// Whether a connection manager takes a client's address from whoever connects.
fn trusts_its_peer(manager: &Place<'_>) -> bool {
    manager.word("xff_num_trusted_hops").is_some_and(|hops| hops != "0") || !manager.is_true("use_remote_address")
}

/// Sessions without TLS are for whoever is on the way.
fn check_plain(listener: &Place<'_>, filters: &Place<'_>, manager: &Place<'_>, report: &mut Report) {
    check_hops(manager, report);
    let socket = listener.deep(&["address", "socket_address"]);
    let Some(socket) = socket else { return };
    let is_loopback = socket.text("address").is_some_and(|address| {
        address == "localhost" || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    });
    let port = socket.word("port_value").unwrap_or_default();
    let mut urls: Vec<String> = Vec::new();
    manager.walk(&mut |place| {
        urls.extend(place.list("dashboards").iter().filter_map(|one| one.text("url")).map(str::to_owned))
    });
    let is_own = urls.iter().any(|url| {
        let authority = url.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        authority.is_some_and(|authority| authority.rsplit_once(':').map_or("443", |(_, own)| own) == port)
    });
    const PLAIN: &str = "has no transport_socket of TLS";
    if is_own {
        report.problem(filters.finding(format!("{PLAIN}, and the dashboards' URLs are https: at this very port")));
    } else if !is_loopback {
        report.warning(
            filters.finding(format!("{PLAIN}: sessions come in the clear, unless something before it has TLS")),
        );
    }
}

fn check_parameters(parameters: &Place<'_>, report: &mut Report) {
    if let Some(version) = parameters.member("tls_minimum_protocol_version")
        && matches!(version.scalar().as_deref(), Some("TLSv1_0" | "TLSv1_1" | "1" | "2"))
    {
        report.problem(version.finding("has been broken; use TLSv1_2"));
    }
    for suite in parameters.list("cipher_suites") {
        let words = suite.node.text().unwrap_or_default().trim_matches(['[', ']']);
        let is_old = |name: &str| {
            !name.starts_with("TLS_")
                && (!name.starts_with("ECDHE-") || !(name.contains("GCM") || name.contains("CHACHA20")))
        };
        if words.split('|').any(is_old) {
            report.warning(
                suite.finding("has no forward secrecy, or an old mode; use ECDHE with GCM or CHACHA20-POLY1305"),
            );
        }
    }
}

/// Where a context says whom it believes.
fn validation<'a>(common: &Place<'a>) -> Option<Place<'a>> {
    ["combined_validation_context", "validation_context", "validation_context_sds_secret_config"]
        .iter()
        .find_map(|name| common.member(name))
}

/// Checks whom a context believes. What comes by discovery is not seen, unless a default stands beside it.
fn check_peer(validation: &Place<'_>, common: &Place<'_>, must: bool, what: &str, report: &mut Report) {
    let said = validation.member("default_validation_context").unwrap_or_else(|| validation.clone());
    for (field, word) in [
        ("trust_chain_verification", "ACCEPT_UNTRUSTED"),
        ("trust_chain_verification", "1"),
        ("allow_expired_certificate", "true"),
    ] {
        if let Some(place) = said.member(field).filter(|place| place.scalar().as_deref() == Some(word)) {
            report.problem(place.finding("takes certificates that prove nothing; leave it out"));
        }
    }
    let pinned = ["verify_certificate_spki", "verify_certificate_hash"].iter().any(|name| !said.list(name).is_empty());
    let names: Vec<Place<'_>> = ["match_typed_subject_alt_names", "match_subject_alt_names"]
        .iter()
        .flat_map(|name| said.list(name))
        .map(|name| name.member("matcher").unwrap_or(name))
        .collect();
    let discovered = common.member("validation_context_sds_secret_config").is_some();
    let wide = names.iter().find_map(|name| {
        let regex =
            name.deep(&["safe_regex", "regex"]).filter(|regex| matches!(regex.node.text(), Some(".*" | ".+" | "^.*$")));
        let empty = ["prefix", "suffix", "contains"]
            .iter()
            .find_map(|kind| name.member(kind))
            .filter(|word| word.node.text() == Some(""));
        regex.or(empty)
    });
    if let Some(wide) = wide {
        report.problem(wide.finding(format!("matches every name: {what}")));
    } else if names.is_empty() && !pinned && !discovered {
        let finding = validation.finding(format!("match_typed_subject_alt_names is missing: {what}"));
        if must { report.problem(finding) } else { report.warning(finding) }
    }
    for regex in names.iter().filter_map(|name| name.deep(&["safe_regex", "regex"])) {
        let text = regex.node.text().unwrap_or_default();
        let mut letters = text.replace("\\.", "").chars().collect::<Vec<_>>();
        letters.push(' ');
        if letters.windows(2).any(|pair| pair[0] == '.' && !matches!(pair[1], '*' | '+' | '{' | '?')) {
            report.warning(regex.finding("has a dot that stands for any letter; write \\."));
        }
    }
}

/// A backend by TLS must be who it says.
fn check_backend(cluster: &Place<'_>, report: &mut Report) {
    let mut contexts = Vec::new();
    if let Some(socket) = cluster.member("transport_socket") {
        socket.walk(&mut |place| contexts.extend(place.is_a("tls.v3.UpstreamTlsContext").then(|| place.clone())));
    }
    for context in contexts {
        let common = context.member("common_tls_context").unwrap_or_else(|| context.clone());
        if context.is_true("allow_renegotiation") {
            report.warning(context.finding("allow_renegotiation: true takes what TLS has given up; leave it out"));
        }
        match validation(&common) {
            None => report.problem(context.finding(
                "validation_context is missing: whoever answers at that address is taken for the dashboard; trusted_ca and \
                 match_typed_subject_alt_names",
            )),
            Some(validation) => {
                let by_host = context.is_true("auto_sni_san_validation") || {
                    let mut found = false;
                    cluster.walk(&mut |place| found |= place.is_true("auto_san_validation"));
                    found
                };
                if !by_host {
                    check_peer(&validation, &common, false, "whoever this authority has signed is taken for the dashboard", report);
                }
            }
        }
    }
}

/// Keys in the file itself, and files that what TLS keeps secret is written to.
fn check_files(root: &Place<'_>, report: &mut Report) {
    root.walk(&mut |place| {
        for name in ["inline_string", "inline_bytes"] {
            if let Some(key) = place.member("private_key").and_then(|key| key.member(name)) {
                report.problem(key.finding("gives a private key in plain sight; use filename, or sds_config"));
            }
        }
        if let Some(log) = place.member("key_log").filter(|log| log.member("path").is_some()) {
            report.problem(log.finding("writes down what opens every connection; leave it out"));
        }
        if place.is_a("transport_sockets.tap.v3.Tap") {
            report.problem(place.finding("copies connections, and the sessions in them; leave it out"));
        }
    });
}
