//! What can be rendered: for each target its section of a deployment, what that says, and the template it begins with.
//!
//! A new target is a row here and a template beside the others.

use super::deployment::Context;
use super::{envoy_gateway, istio};
use crate::arguments::Target;
use crate::tree::Node;

/// What a field holds.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A name or a path, which stands for itself in YAML.
    Plain,
    /// An IP address and a port: the template has `.host` and `.port`.
    Address,
    /// Where a dashboard runs: an address with a port, or unix:PATH. The template has `.type` and `.address`.
    Upstream,
    /// Some lines of text, which become a comment.
    Remark,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A collector of traces: an address or a name with a port. The template has `.type`, `.address` and `.authority`.
    Collector,
    /// A whole number from 1 to 100.
    Percent,
    /// `true` or `false`; left out, it is `false`.
    Flag,
    /// A port number.
    Port,
    /// A label of Kubernetes, `name=value`.
    Label,
    /// Where a module or an image is: a scheme, and what follows.
    Url,
}

/// One field of a section.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it says, for whoever has left it out and for docs/render.md.
    pub about: &'static str,
    /// What it is when it is left out; without this it must be there.
    pub default: Option<&'static str>,
}

/// What one target needs to know.
pub struct Section {
    /// Its name in the deployment.
    pub name: &'static str,
    /// The template the output begins with.
    pub template: &'static str,
    /// What it says.
    pub fields: &'static [Field],
    /// Whether the dashboards' places are in `upstreams`.
    pub has_upstreams: bool,
    /// Whether the gate can hold a connect form there; else the policy goes out with forms off.
    pub holds_forms: bool,
    /// What else the template is given, and what is wrong with it.
    pub complete: fn(&mut Context, &Node, &mut Vec<String>),
}

/// The templates, each named as the others include it.
pub const TEMPLATES: &[(&str, &str)] = &[
    ("edge.yaml", include_str!("templates/edge.yaml")),
    ("http3.yaml", include_str!("templates/http3.yaml")),
    ("tracing.yaml", include_str!("templates/tracing.yaml")),
    ("collector.yaml", include_str!("templates/collector.yaml")),
    ("envoy-gateway.yaml", include_str!("templates/envoy-gateway.yaml")),
    ("routes.yaml", include_str!("templates/routes.yaml")),
    ("cluster.yaml", include_str!("templates/cluster.yaml")),
    ("istio/destinations.yaml", include_str!("templates/istio/destinations.yaml")),
    ("istio/envoyfilter.yaml", include_str!("templates/istio/envoyfilter.yaml")),
    ("istio/gateway-api.yaml", include_str!("templates/istio/gateway-api.yaml")),
    ("istio/gateway.yaml", include_str!("templates/istio/gateway.yaml")),
    ("istio/locks.yaml", include_str!("templates/istio/locks.yaml")),
    ("istio/plugin.yaml", include_str!("templates/istio/plugin.yaml")),
    ("istio/surroundings.yaml", include_str!("templates/istio/surroundings.yaml")),
    ("istio/trafficextension.yaml", include_str!("templates/istio/trafficextension.yaml")),
    ("istio/wasmplugin.yaml", include_str!("templates/istio/wasmplugin.yaml")),
    ("istio/workload.yaml", include_str!("templates/istio/workload.yaml")),
];

const fn must(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about, default: None }
}

const fn may(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Field {
    Field { name, kind, about, default: Some(default) }
}

// Fields that several sections have.
const REMARK: Field = may("remark", Kind::Remark, "", "lines of text, which become the file's first comment");
const NODE: Field = must("node", Kind::Plain, "Envoy's `node.id` and `node.cluster`, in metrics and spans");
const METRICS: Field = must("metrics", Kind::Address, "the address of the metrics' listener, such as 127.0.0.1:9902");
const ADMIN: Field = must("admin", Kind::Plain, "the path of the admin interface's unix socket, mode 0600");
const MODULE_FILE: Field = must("module", Kind::Plain, "the path of `dashgate.wasm`, as Envoy sees it");
const COLLECTOR: Field =
    may("collector", Kind::Collector, "", "a collector of spans (OTLP over HTTP), such as 127.0.0.1:4318");
const TRACED: Field = may("traced_percent", Kind::Percent, "", "how many requests in a hundred have a span; 100");
const MODULE_IMAGE: Field = must(
    "module",
    Kind::Url,
    "`oci://IMAGE@sha256:DIGEST`, the digest of the image's manifest; or `file:///PATH` in the proxy's container",
);
const PULL_SECRET: Field = may(
    "pull_secret",
    Kind::Plain,
    "",
    "a Secret of type kubernetes.io/dockerconfigjson in that namespace, where the image's registry asks for one",
);

const EDGE: Section = Section {
    name: "edge",
    template: "edge.yaml",
    fields: &[
        REMARK,
        NODE,
        must("listen", Kind::Address, "where browsers come in, such as 0.0.0.0:443"),
        may("redirect", Kind::Address, "", "an address for plain HTTP, which only leads to HTTPS"),
        METRICS,
        ADMIN,
        must(
            "tls",
            Kind::Plain,
            "the file that names the certificate and its key (`envoy/edge-tls.yaml`); ECDSA, where there are two",
        ),
        may("tls_rsa", Kind::Plain, "", "the same for a second certificate, RSA, for old clients"),
        may("http3", Kind::Flag, "", "`true`: pages over HTTP/3 too, on the same port (docs/http3.md)"),
        MODULE_FILE,
        COLLECTOR,
        TRACED,
    ],
    has_upstreams: true,
    holds_forms: true,
    complete: |_, _, _| (),
};

/// One dashboard's own Envoy, beside it; the policy is cut down to that dashboard's part.
const SIDECAR: Section = Section {
    name: "sidecar",
    template: "edge.yaml",
    fields: &[
        REMARK,
        must("dashboard", Kind::Plain, "its name in the policy"),
        must(
            "upstream",
            Kind::Upstream,
            "where it listens: `unix:PATH`, or `127.0.0.1:PORT` where both are in one network namespace",
        ),
        NODE,
        must("listen", Kind::Address, "where the edge comes in"),
        METRICS,
        ADMIN,
        must("tls", Kind::Plain, "the file that names the sidecar's certificate (`envoy/sidecar-tls.yaml`)"),
        must(
            "edge_certificates",
            Kind::Plain,
            "the file that names the authority of the edge's certificate (`envoy/sidecar-edge.yaml`)",
        ),
        must(
            "edge_name",
            Kind::Plain,
            "the DNS name in the edge's certificate: any other is refused, though the same authority has signed it",
        ),
        MODULE_FILE,
        COLLECTOR,
        TRACED,
    ],
    has_upstreams: true,
    holds_forms: true,
    complete: |_, _, _| (),
};

/// What an operator says of an Istio.
const ISTIO_FIELDS: &[Field] = &[
    REMARK,
    may(
        "api",
        Kind::Word(&["classic", "gateway-api", "sidecar"]),
        "classic",
        "where the gate stands: `classic` gateway, `gateway-api`, or a dashboard's own `sidecar`",
    ),
    must("namespace", Kind::Plain, "where the gateway's pods, or the dashboard's, run; everything rendered lies there"),
    may("gateway", Kind::Plain, "dashboards", "the Gateway's name"),
    may(
        "workload",
        Kind::Label,
        "istio=ingressgateway",
        "a label of the gateway's pods (classic) or the dashboard's (sidecar), `name=value`",
    ),
    may("port", Kind::Port, "443", "the port in the dashboards' URLs"),
    may("redirect", Kind::Port, "", "a port for plain HTTP that only redirects (classic)"),
    may("credential", Kind::Plain, "dashboards-tls", "the Secret with the certificate"),
    may(
        "services",
        Kind::Plain,
        "dashboards",
        "the namespace of the dashboards' Services, which have the dashboards' names",
    ),
    may("service_port", Kind::Port, "80", "those Services' port"),
    may(
        "from",
        Kind::Plain,
        "cluster.local/ns/istio-ingress/sa/istio-ingressgateway",
        "who may speak to the sidecar: the gateway's principal",
    ),
    MODULE_IMAGE,
    PULL_SECRET,
];

/// One of the resources that Istio takes the gate from; the section may be another of those in `ISTIO_NAMES`.
const fn istio_section(template: &'static str, holds_forms: bool) -> Section {
    Section {
        name: ISTIO_NAMES[0],
        template,
        fields: ISTIO_FIELDS,
        has_upstreams: false,
        holds_forms,
        complete: istio::complete,
    }
}

const ISTIO_NAMES: [&str; 3] = ["istio", "istio-gateway-api", "istio-sidecar"];
const ISTIO_ENVOYFILTER: Section = istio_section("istio/envoyfilter.yaml", true);
const ISTIO_TRAFFICEXTENSION: Section = istio_section("istio/trafficextension.yaml", false);
const ISTIO_WASMPLUGIN: Section = istio_section("istio/wasmplugin.yaml", false);

/// An edge whose parts are containers: what it says of them differs, what is made of it does not.
const COMPOSE: Section = Section { name: "compose", ..EDGE };

const ENVOY_GATEWAY: Section = Section {
    name: "envoy-gateway",
    template: "envoy-gateway.yaml",
    fields: &[
        REMARK,
        must("namespace", Kind::Plain, "where the Gateway, the routes and the dashboards' Services lie"),
        may("gateway", Kind::Plain, "dashboards", "the Gateway's name"),
        may("class", Kind::Plain, "dashgate", "the name of the GatewayClass"),
        may("port", Kind::Port, "443", "the port in the dashboards' URLs"),
        may("redirect", Kind::Port, "80", "the port for plain HTTP, which only redirects"),
        may("certificate", Kind::Plain, "dashboards-tls", "the Secret with the certificate"),
        may("keys", Kind::Plain, "dashgate-keys", "the Secret with the keys, each under the name of its variable"),
        MODULE_IMAGE,
        PULL_SECRET,
    ],
    has_upstreams: true,
    holds_forms: true,
    complete: envoy_gateway::complete,
};

/// The section of a target.
pub fn section(target: Target) -> &'static Section {
    match target {
        Target::Edge => &EDGE,
        Target::Sidecar => &SIDECAR,
        Target::EnvoyGateway => &ENVOY_GATEWAY,
        Target::IstioEnvoyfilter => &ISTIO_ENVOYFILTER,
        Target::IstioTrafficextension => &ISTIO_TRAFFICEXTENSION,
        Target::IstioWasmplugin => &ISTIO_WASMPLUGIN,
        Target::Compose => &COMPOSE,
    }
}

/// Every section's name: a file may hold several.
pub const NAMES: &[&str] =
    &[EDGE.name, SIDECAR.name, ISTIO_NAMES[0], ISTIO_NAMES[1], ISTIO_NAMES[2], COMPOSE.name, ENVOY_GATEWAY.name];

#[cfg(test)]
mod tests {
    use super::{EDGE, ENVOY_GATEWAY, ISTIO_ENVOYFILTER, SIDECAR, Section};

    const HEADINGS: [(&str, &Section); 4] = [
        ("## `edge`, `compose`", &EDGE),
        ("## `sidecar`", &SIDECAR),
        ("## `istio`, `istio-gateway-api`, `istio-sidecar`", &ISTIO_ENVOYFILTER),
        ("## `envoy-gateway`", &ENVOY_GATEWAY),
    ];

    fn table(section: &Section) -> String {
        let mut table = "| field | what it says | left out |\n|---|---|---|\n".to_owned();
        for field in section.fields {
            let left_out = match field.default {
                None => "must be said".to_owned(),
                Some("") => "none".to_owned(),
                Some(default) => format!("`{default}`"),
            };
            table.push_str(&format!("| `{}` | {} | {left_out} |\n", field.name, field.about));
        }
        table
    }

    #[test]
    fn the_page_lists_every_field_of_every_section() {
        let page = include_str!("../../../docs/render.md");
        for (heading, section) in HEADINGS {
            let (_, part) = page.split_once(heading).unwrap_or_else(|| panic!("docs/render.md has no {heading}"));
            let part = part.split("\n## ").next().unwrap_or_default();
            assert!(part.contains(&table(section)), "docs/render.md, {heading}: is not this:\n{}", table(section));
        }
    }
}
