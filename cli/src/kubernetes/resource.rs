//! Kubernetes objects: what names them, and lists taken apart. Decides nothing about what they say.

use crate::check::Report;
use crate::place::Place;
use crate::tree::Node;

/// The kinds that are looked into, each with its group and the versions there are.
const KINDS: [(&str, &str, &[&str]); 27] = [
    ("TrafficExtension", "extensions.istio.io", &["v1alpha1"]),
    ("WasmPlugin", "extensions.istio.io", &["v1alpha1"]),
    ("EnvoyFilter", "networking.istio.io", &["v1alpha3"]),
    ("VirtualService", "networking.istio.io", &["v1", "v1beta1", "v1alpha3"]),
    ("DestinationRule", "networking.istio.io", &["v1", "v1beta1", "v1alpha3"]),
    ("Sidecar", "networking.istio.io", &["v1", "v1beta1", "v1alpha3"]),
    ("ServiceEntry", "networking.istio.io", &["v1", "v1beta1", "v1alpha3"]),
    ("Telemetry", "telemetry.istio.io", &["v1", "v1alpha1"]),
    ("PeerAuthentication", "security.istio.io", &["v1", "v1beta1"]),
    ("AuthorizationPolicy", "security.istio.io", &["v1", "v1beta1"]),
    ("RequestAuthentication", "security.istio.io", &["v1", "v1beta1"]),
    ("IstioOperator", "install.istio.io", &["v1alpha1"]),
    ("GatewayClass", "gateway.networking.k8s.io", &["v1", "v1beta1"]),
    ("HTTPRoute", "gateway.networking.k8s.io", &["v1", "v1beta1", "v1alpha2"]),
    ("GRPCRoute", "gateway.networking.k8s.io", &["v1", "v1alpha2"]),
    ("TLSRoute", "gateway.networking.k8s.io", &["v1", "v1alpha2", "v1alpha3"]),
    ("TCPRoute", "gateway.networking.k8s.io", &["v1", "v1alpha2"]),
    ("UDPRoute", "gateway.networking.k8s.io", &["v1", "v1alpha2"]),
    ("ReferenceGrant", "gateway.networking.k8s.io", &["v1", "v1beta1", "v1alpha2"]),
    ("EnvoyExtensionPolicy", "gateway.envoyproxy.io", &["v1alpha1"]),
    ("EnvoyPatchPolicy", "gateway.envoyproxy.io", &["v1alpha1"]),
    ("ClientTrafficPolicy", "gateway.envoyproxy.io", &["v1alpha1"]),
    ("BackendTrafficPolicy", "gateway.envoyproxy.io", &["v1alpha1"]),
    ("SecurityPolicy", "gateway.envoyproxy.io", &["v1alpha1"]),
    ("EnvoyProxy", "gateway.envoyproxy.io", &["v1alpha1"]),
    ("EnvoyGateway", "gateway.envoyproxy.io", &["v1alpha1"]),
    ("Backend", "gateway.envoyproxy.io", &["v1alpha1"]),
];

/// The group of Gateway API's own `Gateway`; Istio's is another.
pub const GATEWAY_API: &str = "gateway.networking.k8s.io";
/// The group of Istio's `Gateway`.
pub const ISTIO: &str = "networking.istio.io";

/// One object.
#[derive(Clone)]
pub struct Resource<'a> {
    /// Such as `EnvoyFilter`.
    pub kind: &'a str,
    /// The group of its apiVersion; of the core, nothing.
    pub group: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its namespace; where it names none, that of the one who applies it.
    pub namespace: &'a str,
    /// Kind, namespace and name, as findings say it.
    pub title: String,
    /// The object.
    pub place: Place<'a>,
    /// Whether any Wasm filter in it is taken for dashgate's, because no filter of the files says that it is.
    pub is_taken: bool,
}

impl<'a> Resource<'a> {
    /// A field of its spec, by a chain of names.
    pub fn spec(&self, names: &[&str]) -> Option<Place<'a>> {
        self.place.member("spec")?.deep(names)
    }

    /// A list that is a field of its spec.
    pub fn list(&self, name: &str) -> Vec<Place<'a>> {
        self.place.member("spec").map(|spec| spec.list(name)).unwrap_or_default()
    }

    /// Whether it is of this kind and group.
    pub fn is(&self, kind: &str, group: &str) -> bool {
        self.kind == kind && self.group == group
    }
}

/// Whether a document is a Kubernetes object.
pub fn is_object(document: &Node) -> bool {
    ["apiVersion", "kind"].iter().all(|name| document.member(name).and_then(Node::text).is_some())
}

/// What the values of a Helm chart are taken for, Istio's or Envoy Gateway's: they are no object, and hold what the whole mesh, or the
/// controller, is told.
pub const VALUES: &str = "values";

/// Whether a document is such values.
pub fn is_values(document: &Node) -> bool {
    let has = |name: &str| document.member(name).is_some();
    let of_gateway = document.member("config").is_some_and(|config| config.member("envoyGateway").is_some());
    let is_other = ["kind", "dashboards", "static_resources", "services"].into_iter().any(has);
    !is_other && (["meshConfig", "pilot", "cni", "global"].into_iter().any(has) || of_gateway)
}

/// Adds the objects of a document.
pub fn collect<'a>(node: &'a Node, file: usize, report: &mut Report, found: &mut Vec<Resource<'a>>) {
    if is_values(node) {
        let (title, place) = ("values".to_owned(), Place::of_file(node, file));
        found.push(Resource {
            kind: VALUES,
            group: "",
            name: "values",
            namespace: "default",
            title,
            place,
            is_taken: false,
        });
        return;
    }
    let (Some(version), Some(kind)) =
        (node.member("apiVersion").and_then(Node::text), node.member("kind").and_then(Node::text))
    else {
        let message = "is no Kubernetes object, as the others of this file: apiVersion or kind is missing";
        report.problem(Place::of_file(node, file).finding(message));
        return;
    };
    if let Some(items) = node.member("items").filter(|_| kind.ends_with("List")) {
        items.items().iter().for_each(|item| collect(item, file, report, found));
        return;
    }
    let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
    let metadata = |name: &str| node.member("metadata").and_then(|metadata| metadata.member(name)).and_then(Node::text);
    let name = metadata("name").or_else(|| metadata("generateName")).unwrap_or("without a name");
    let title = match metadata("namespace") {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    };
    let place = Place::titled(node, file, &title);
    check_version(&place, kind, group, version, report);
    let namespace = metadata("namespace").unwrap_or("default");
    found.push(Resource { kind, group, name, namespace, title, place, is_taken: false });
}

/// An object of a group or version that does not exist is refused, or is something else's.
fn check_version(place: &Place<'_>, kind: &str, group: &str, version: &str, report: &mut Report) {
    let known: Vec<_> = KINDS.iter().filter(|(known, _, _)| *known == kind).collect();
    let Some((_, right, versions)) = known.first() else {
        let alike = crate::fields::nearest(kind, KINDS.iter().map(|(kind, _, _)| *kind));
        if let Some(alike) = alike.filter(|_| KINDS.iter().any(|(_, known, _)| *known == group)) {
            report.problem(place.finding(format!("is of no kind that there is in {group}; {alike} is")));
        }
        return;
    };
    if *right != group || !versions.contains(&version) {
        let newest = versions.first().copied().unwrap_or_default();
        report.problem(
            place
                .member("apiVersion")
                .unwrap_or_else(|| place.clone())
                .finding(format!("there is no such {kind}; its apiVersion is {right}/{newest}")),
        );
    }
}
