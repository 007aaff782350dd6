//! What an Istio resource applies to, and whether that is in the files: labels of workloads in its own namespace (of Istio's root
//! namespace in all), or a Gateway by name. Where the files do not show a workload, its Gateway's selector stands for it.

use super::resource::{GATEWAY_API, ISTIO, Resource};
use crate::place::Place;

/// What is in Istio's root namespace applies to every namespace.
pub const ROOT: &str = "istio-system";

/// What else is said of a workload stands for it too, where nothing better does: a gate for another label is seen to miss it.
const SPOKEN_OF: [&str; 4] = ["PeerAuthentication", "RequestAuthentication", "AuthorizationPolicy", "Telemetry"];

/// The labels that Istio gives the pods of a Gateway API Gateway.
const GATEWAY_NAME: [&str; 2] = ["gateway.networking.k8s.io/gateway-name", "istio.io/gateway-name"];

/// Whether an aim meets something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It does.
    Yes,
    /// The files do not say.
    Unknown(String),
    /// It does not, and why.
    No(String),
}

/// A selector, references or neither: then everything of the namespace.
#[derive(Clone)]
pub struct Aim<'a> {
    /// Where it stands, for findings.
    pub place: Place<'a>,
    /// The namespace it looks in.
    pub namespace: &'a str,
    /// What it asks of labels.
    pub labels: Vec<(String, String)>,
    /// What it names.
    pub references: Vec<(Place<'a>, String, String)>,
}

/// Something that runs a proxy: a pod's template, or what stands for it.
pub struct Workload<'a> {
    /// Where it runs.
    pub namespace: &'a str,
    /// What is known of its labels.
    pub labels: Vec<(String, String)>,
    /// Whether these are all.
    pub is_whole: bool,
    /// Whether it is something that runs, not only a policy for what does.
    pub runs: bool,
    /// As findings name it.
    pub title: String,
}

impl<'a> Aim<'a> {
    /// The aim of a TrafficExtension, WasmPlugin or EnvoyFilter.
    pub fn of(resource: &Resource<'a>) -> Self {
        let selector =
            resource.spec(&["selector", "matchLabels"]).or_else(|| resource.spec(&["workloadSelector", "labels"]));
        let one = resource.spec(&["targetRef"]).into_iter();
        let references = one.chain(resource.list("targetRefs")).map(|reference| {
            let kind = reference.text("kind").unwrap_or_default().to_owned();
            let name = reference.text("name").unwrap_or_default().to_owned();
            (reference, kind, name)
        });
        let references: Vec<_> = references.collect();
        let place = selector.clone().or_else(|| references.first().map(|(place, _, _)| place.clone()));
        Self {
            place: place.unwrap_or_else(|| resource.place.clone()),
            namespace: resource.namespace,
            labels: labels(selector),
            references,
        }
    }

    /// Whether it meets a Gateway's workload.
    pub fn reaches_gateway(&self, gateway: &Resource<'a>, workloads: &[Workload<'a>]) -> Reach {
        if !self.references.is_empty() {
            return self.refers_to(gateway);
        }
        let behind = workloads_of(gateway, workloads);
        let reaches: Vec<Reach> = behind.iter().map(|workload| self.reaches(workload)).collect();
        best(reaches)
    }

    /// Whether it meets a workload.
    pub fn reaches(&self, workload: &Workload<'_>) -> Reach {
        let title = &workload.title;
        if !self.references.is_empty() {
            let is_named = self.references.iter().any(|(_, kind, name)| match kind.as_str() {
                "Gateway" => {
                    workload.labels.iter().any(|(label, value)| GATEWAY_NAME.contains(&label.as_str()) && value == name)
                }
                kind => title.rsplit_once('/').is_some_and(|(before, known)| known == name && before.starts_with(kind)),
            });
            return match is_named && self.namespace == workload.namespace {
                true => Reach::Yes,
                false => Reach::No(format!("{title} is not named")),
            };
        }
        if self.namespace != workload.namespace && self.namespace != ROOT {
            return Reach::No(format!("{title} is in namespace {}, not {}", workload.namespace, self.namespace));
        }
        let mut unknown = None;
        for (name, value) in &self.labels {
            match workload.labels.iter().find(|(known, _)| known == name) {
                Some((_, known)) if known == value => {}
                Some((_, known)) => return Reach::No(format!("{title} has {name}: {known}, not {value}")),
                None if workload.is_whole => return Reach::No(format!("{title} has no label {name}")),
                None => unknown = Some(format!("whether {title} has {name}: {value} is not said in the files")),
            }
        }
        unknown.map_or(Reach::Yes, Reach::Unknown)
    }

    fn refers_to(&self, gateway: &Resource<'a>) -> Reach {
        let title = &gateway.title;
        let mut why = format!("{title} is not named");
        for (_, kind, name) in &self.references {
            match kind.as_str() {
                "Gateway" if name == gateway.name && !gateway.is("Gateway", GATEWAY_API) => {
                    why = format!("{title} is one of {ISTIO}, which targetRefs cannot name: use a selector");
                }
                "Gateway" if name == gateway.name && self.namespace != gateway.namespace => {
                    why = format!("{title} is in namespace {}, not {}", gateway.namespace, self.namespace);
                }
                "Gateway" if name == gateway.name => return Reach::Yes,
                "GatewayClass" if self.namespace == ROOT && class(gateway) == Some(name) => return Reach::Yes,
                "GatewayClass" if class(gateway) == Some(name) => {
                    why = format!("a GatewayClass is only looked for from namespace {ROOT}");
                }
                _ => {}
            }
        }
        Reach::No(why)
    }

    /// Whether another resource applies wherever this one does, as far as the files say.
    pub fn is_covered_by(&self, other: &Self) -> bool {
        if other.namespace != self.namespace && other.namespace != ROOT {
            return false;
        }
        let named = |aim: &Self| -> Vec<String> {
            let gateways =
                aim.references.iter().filter(|(_, kind, _)| kind == "Gateway").map(|(_, _, name)| name.clone());
            let by_label = aim.labels.iter().filter(|(name, _)| GATEWAY_NAME.contains(&name.as_str()));
            gateways.chain(by_label.map(|(_, name)| name.clone())).collect()
        };
        if !other.references.is_empty() || !self.references.is_empty() {
            let (own, others) = (named(self), named(other));
            return (other.references.is_empty() && other.labels.is_empty())
                || (!own.is_empty() && own.iter().all(|name| others.contains(name)));
        }
        other.labels.iter().all(|label| self.labels.contains(label))
    }
}

/// The most that any of these say.
pub fn best(reaches: Vec<Reach>) -> Reach {
    let rank = |reach: &Reach| match reach {
        Reach::Yes => 0,
        Reach::Unknown(_) => 1,
        Reach::No(_) => 2,
    };
    reaches.into_iter().min_by_key(rank).unwrap_or_else(|| Reach::No("nothing is there".to_owned()))
}

/// The workloads of the files: pods and their templates, and what selects them.
pub fn workloads<'a>(resources: &[Resource<'a>]) -> Vec<Workload<'a>> {
    let mut found = Vec::new();
    for resource in resources {
        let (labels_at, is_whole) = match resource.kind {
            "Pod" => (resource.place.deep(&["metadata", "labels"]), true),
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
                (resource.spec(&["template", "metadata", "labels"]), true)
            }
            "Service" => (resource.spec(&["selector"]), false),
            "Sidecar" => (resource.spec(&["workloadSelector", "labels"]), false),
            "WorkloadEntry" => (resource.spec(&["labels"]), false),
            kind if SPOKEN_OF.contains(&kind) => (resource.spec(&["selector", "matchLabels"]), false),
            _ => (None, false),
        };
        if labels_at.is_some() || is_whole {
            let title = resource.title.clone();
            let runs = !SPOKEN_OF.contains(&resource.kind);
            found.push(Workload { namespace: resource.namespace, labels: labels(labels_at), is_whole, runs, title });
        }
    }
    found
}

/// Whether a workload is a gateway: a Gateway of the files selects it, or Istio made it for one.
pub fn is_gateway(workload: &Workload<'_>, gateways: &[&Resource<'_>]) -> bool {
    workload.labels.iter().any(|(name, _)| GATEWAY_NAME.contains(&name.as_str()))
        || gateways.iter().filter(|gateway| gateway.group == ISTIO).any(|gateway| selects(gateway, workload))
}

/// Whether labels look like those of a gateway, where nothing better is known.
pub fn look_like_a_gateway(aim: &Aim<'_>) -> bool {
    aim.references.iter().any(|(_, kind, _)| kind.starts_with("Gateway"))
        || aim.labels.iter().any(|(name, value)| {
            GATEWAY_NAME.contains(&name.as_str())
                || name == "istio"
                || value.contains("gateway")
                || value.contains("ingress")
        })
}

fn workloads_of<'a>(gateway: &Resource<'a>, workloads: &[Workload<'a>]) -> Vec<Workload<'a>> {
    let copy = |workload: &Workload<'a>| Workload {
        namespace: workload.namespace,
        labels: workload.labels.clone(),
        is_whole: workload.is_whole,
        runs: workload.runs,
        title: workload.title.clone(),
    };
    if gateway.group == ISTIO {
        let selected: Vec<&Workload<'a>> =
            workloads.iter().filter(|workload| workload.runs && selects(gateway, workload)).collect();
        let pods: Vec<Workload<'a>> =
            selected.iter().filter(|workload| workload.is_whole).map(|found| copy(found)).collect();
        return match (pods.is_empty(), selected.is_empty()) {
            (false, _) => pods,
            (true, false) => selected.into_iter().map(copy).collect(),
            (true, true) => vec![Workload {
                namespace: gateway.namespace,
                labels: labels(gateway.spec(&["selector"])),
                is_whole: false,
                runs: true,
                title: gateway.title.clone(),
            }],
        };
    }
    let named = |workload: &&Workload<'a>| {
        workload.runs
            && workload.namespace == gateway.namespace
            && workload
                .labels
                .iter()
                .any(|(name, value)| GATEWAY_NAME.contains(&name.as_str()) && value == gateway.name)
    };
    let shown: Vec<Workload<'a>> = workloads.iter().filter(named).map(copy).collect();
    if !shown.is_empty() {
        return shown;
    }
    let mut own = labels(gateway.spec(&["infrastructure", "labels"]));
    own.extend(labels(gateway.place.deep(&["metadata", "labels"])));
    own.extend(GATEWAY_NAME.map(|name| (name.to_owned(), gateway.name.to_owned())));
    // Where it names an address, someone else made its pods, with labels of their own.
    let is_whole = gateway.list("addresses").is_empty();
    vec![Workload { namespace: gateway.namespace, labels: own, is_whole, runs: true, title: gateway.title.clone() }]
}

fn selects(gateway: &Resource<'_>, workload: &Workload<'_>) -> bool {
    let selector = labels(gateway.spec(&["selector"]));
    !selector.is_empty() && selector.iter().all(|label| workload.labels.contains(label))
}

fn class<'a>(gateway: &Resource<'a>) -> Option<&'a String> {
    // The class is text; the reference is compared with it as such.
    let place = gateway.spec(&["gatewayClassName"])?;
    match &place.node.value {
        crate::tree::Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Labels as text: a version that looks like a number is a label all the same.
pub fn labels(place: Option<Place<'_>>) -> Vec<(String, String)> {
    let members = place.map(|place| place.members()).unwrap_or_default();
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.scalar()?))).collect()
}
