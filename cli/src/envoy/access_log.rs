//! Access logs and trace tags: none may hold what could be a credential. The raw path has the query (`?bokeh-session-id=`), and
//! a Referer has the path of the page before; Envoy's default format logs the former.

use crate::check::Report;
use crate::place::Place;

/// The headers that can hold a credential.
const HEADERS: [&str; 9] = [
    ":path",
    "x-envoy-original-path",
    "referer",
    "cookie",
    "authorization",
    "sec-websocket-protocol",
    "bokeh-session-id",
    "set-cookie",
    "location",
];
/// What CEL calls these.
const EXPRESSIONS: [&str; 6] =
    ["request.path", "request.query", "request.referer", "cookie", "authorization", "referer"];

/// Checks every log of a connection manager, and its trace tags.
pub fn check(chain: &Place<'_>, report: &mut Report) {
    let mut loggers = chain.list("access_log");
    // The router's own log has the request as it goes up.
    for filter in chain.list("http_filters") {
        loggers.extend(filter.member("typed_config").map(|router| router.list("upstream_log")).unwrap_or_default());
    }
    for logger in loggers {
        let Some(config) = logger.member("typed_config") else { continue };
        if config.is_a("grpc.v3.HttpGrpcAccessLogConfig") {
            report
                .problem(config.finding("sends the path with its query, and the Referer: these can hold a credential"));
        }
        let has_format = ["log_format", "format", "json_format", "typed_json_format"]
            .iter()
            .any(|name| config.member(name).is_some());
        let is_text = ["FileAccessLog", "StdoutAccessLog", "StderrAccessLog"].iter().any(|name| config.is_a(name));
        if is_text && !has_format {
            report.problem(config.finding(
                "has no log_format: the default one logs the path with its query, which can hold a credential; use %PATH(NQ)%",
            ));
        }
        check_formats(&config, report);
    }
    if let Some(tracing) = chain.member("tracing") {
        check_tracing(&tracing, report);
    }
    if let Some(table) = chain.member("route_config") {
        table.walk(&mut |route| {
            let tags = route.member("tracing").map(|tracing| tracing.list("custom_tags")).unwrap_or_default();
            tags.iter().for_each(|tag| check_tag(tag, report));
        });
    }
}

/// Envoy's own tags have the query: `http.url` unless its path is cut off, `grpc.path` unless another takes its place.
fn check_tracing(tracing: &Place<'_>, report: &mut Report) {
    let tags = tracing.list("custom_tags");
    if tracing.word("max_path_tag_length").as_deref() != Some("0") {
        report.problem(tracing.finding(
            "max_path_tag_length: 0 is missing: http.url of every span has the path with its query, which can hold a credential",
        ));
    }
    if !tags.iter().any(|tag| tag.text("tag") == Some("grpc.path")) {
        report.problem(tracing.finding(
            "custom_tags has no grpc.path of its own: Envoy's has the path with its query, which can hold a credential; use %PATH(NQ)%",
        ));
    }
    tags.iter().for_each(|tag| check_tag(tag, report));
}

fn check_tag(tag: &Place<'_>, report: &mut Report) {
    let header = tag.deep(&["request_header", "name"]);
    if let Some(header) = header.filter(|name| is_secret(name.node.text().unwrap_or_default())) {
        report.problem(header.finding("goes into the traces, and can hold a credential"));
    }
    check_formats(tag, report);
}

/// Checks every text of a format.
pub fn check_formats(format: &Place<'_>, report: &mut Report) {
    format.walk(&mut |place| {
        let Some(operator) = place.node.text().and_then(secret) else { return };
        let instead = if operator.contains("PATH") || operator.contains("QUERY") { "; use %PATH(NQ)%" } else { "" };
        report.problem(place.finding(format!("logs {operator}, which can hold a credential{instead}")));
    });
}

/// The first command operator of a format that can hold a credential.
pub fn secret(format: &str) -> Option<String> {
    let mut rest = format;
    while let Some((_, after)) = rest.split_once('%') {
        let name: &str =
            &after[..after.find(|letter: char| !letter.is_ascii_uppercase() && letter != '_').unwrap_or(after.len())];
        let after_name = &after[name.len()..];
        let arguments = after_name.strip_prefix('(').and_then(|inner| inner.split_once(')')).map(|(inner, _)| inner);
        let length = name.len() + arguments.map_or(0, |arguments| arguments.len() + 2);
        if tells(name, arguments) {
            return Some(format!("%{}%", &after[..length]));
        }
        // `%%` is a percent sign; what follows an operator's end may begin the next one.
        rest = after[length..]
            .strip_prefix(|letter: char| letter == '%')
            .unwrap_or_else(|| after[length..].split_once('%').map_or("", |(_, rest)| rest));
    }
    None
}

fn tells(operator: &str, arguments: Option<&str>) -> bool {
    let arguments = arguments.unwrap_or_default();
    match operator {
        "REQ" | "RESP" | "REQUEST_HEADER" | "RESPONSE_HEADER" => arguments.split(['?', ':']).any(|name| {
            // `:PATH` is split into nothing and `PATH`.
            is_secret(name) || name.eq_ignore_ascii_case("path")
        }),
        "PATH" => arguments.split(':').next() != Some("NQ"),
        "QUERY_PARAM" | "QUERY_PARAMS" | "COOKIE" => true,
        "CEL" => EXPRESSIONS.iter().any(|word| arguments.to_ascii_lowercase().contains(word)),
        _ => false,
    }
}

/// Whether a header can hold a credential.
pub fn is_secret(header: &str) -> bool {
    HEADERS.iter().any(|known| header.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::secret;

    #[test]
    fn knows_what_could_be_a_credential() {
        for (format, told) in [
            (
                "[%START_TIME%] %REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
                Some("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
            ),
            ("%REQ(:PATH)%", Some("%REQ(:PATH)%")),
            ("%REQ(:path):20%", Some("%REQ(:path)%")),
            ("100%% %REQ(Referer)%", Some("%REQ(Referer)%")),
            ("%REQ(USER-AGENT)% %REQ(cookie)%", Some("%REQ(cookie)%")),
            ("%PATH%", Some("%PATH%")),
            ("%PATH(WQ)%", Some("%PATH(WQ)%")),
            ("%PATH(WQ:ORIG)%", Some("%PATH(WQ:ORIG)%")),
            ("%RESP(LOCATION)%", Some("%RESP(LOCATION)%")),
            ("%QUERY_PARAM(token)%", Some("%QUERY_PARAM(token)%")),
            ("%CEL(request.headers['cookie'])%", Some("%CEL(request.headers['cookie'])%")),
            ("%PATH(NQ)%", None),
            ("%PATH(NQ:ORIG_OR_PATH)%", None),
            ("%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)%", None),
            ("%REQ(X-REQUEST-ID)% %RESPONSE_CODE% 5%% %START_TIME(%Y/%m/%dT%H:%M:%S%z)%", None),
            ("%FILTER_STATE(wasm.dashgate_session:PLAIN)%", None),
            ("%REQ(:METHOD)% %REQ(:AUTHORITY)%", None),
        ] {
            assert_eq!(secret(format).as_deref(), told, "{format}");
        }
    }
}
