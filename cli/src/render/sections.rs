//! What can be rendered: for each target its section of a deployment, what that says, and the template it begins with.
//!
//! A new target is a row here and a template beside the others.

use super::deployment::Context;
use super::{envoy_gateway, istio};
use crate::arguments::Target;
use crate::tree::Node;

/// What a field holds.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "no target needs a flag yet")]
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

const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, default: None }
}

const fn may(name: &'static str, kind: Kind, default: &'static str) -> Field {
    Field { name, kind, default: Some(default) }
}

const EDGE: Section = Section {
    name: "edge",
    template: "edge.yaml",
    fields: &[
        may("remark", Kind::Remark, ""),
        must("node", Kind::Plain),
        must("listen", Kind::Address),
        may("redirect", Kind::Address, ""),
        must("metrics", Kind::Address),
        must("admin", Kind::Plain),
        must("tls", Kind::Plain),
        may("tls_rsa", Kind::Plain, ""),
        may("http3", Kind::Flag, ""),
        must("module", Kind::Plain),
        may("collector", Kind::Collector, ""),
        may("traced_percent", Kind::Percent, ""),
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
        may("remark", Kind::Remark, ""),
        must("dashboard", Kind::Plain),
        must("upstream", Kind::Upstream),
        must("node", Kind::Plain),
        must("listen", Kind::Address),
        must("metrics", Kind::Address),
        must("admin", Kind::Plain),
        must("tls", Kind::Plain),
        must("edge_certificates", Kind::Plain),
        must("edge_name", Kind::Plain),
        must("module", Kind::Plain),
        may("collector", Kind::Collector, ""),
        may("traced_percent", Kind::Percent, ""),
    ],
    has_upstreams: true,
    holds_forms: true,
    complete: |_, _, _| (),
};

/// What an operator says of an Istio.
const ISTIO_FIELDS: &[Field] = &[
    may("remark", Kind::Remark, ""),
    may("api", Kind::Word(&["classic", "gateway-api", "sidecar"]), "classic"),
    must("namespace", Kind::Plain),
    may("gateway", Kind::Plain, "dashboards"),
    may("workload", Kind::Label, "istio=ingressgateway"),
    may("port", Kind::Port, "443"),
    may("redirect", Kind::Port, ""),
    may("credential", Kind::Plain, "dashboards-tls"),
    may("services", Kind::Plain, "dashboards"),
    may("service_port", Kind::Port, "80"),
    may("from", Kind::Plain, "cluster.local/ns/istio-ingress/sa/istio-ingressgateway"),
    must("module", Kind::Url),
    may("pull_secret", Kind::Plain, ""),
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
        may("remark", Kind::Remark, ""),
        must("namespace", Kind::Plain),
        may("gateway", Kind::Plain, "dashboards"),
        may("class", Kind::Plain, "dashgate"),
        may("port", Kind::Port, "443"),
        may("redirect", Kind::Port, "80"),
        may("certificate", Kind::Plain, "dashboards-tls"),
        may("keys", Kind::Plain, "dashgate-keys"),
        must("module", Kind::Url),
        may("pull_secret", Kind::Plain, ""),
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
