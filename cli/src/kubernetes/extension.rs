//! A TrafficExtension or WasmPlugin that brings the gate: its policy, its module, and the settings by which it would run late,
//! for nothing, or let everything through.

use super::aim::Aim;
use super::gate::{Gate, Mesh, Role, Start};
use super::resource::Resource;
use super::{fields, module, ports, variables};
use crate::check::{Report, look_at_policy};
use crate::environment::Environment;
use crate::place::Place;
use crate::tree::Node;

/// What carries the module: a part of a TrafficExtension, the whole of a WasmPlugin.
fn wasm<'a>(resource: &Resource<'a>) -> Option<Place<'a>> {
    match resource.kind {
        "WasmPlugin" => resource.place.member("spec"),
        _ => resource.spec(&["wasm"]),
    }
}

/// Whether a resource brings dashgate: by a name, the module's url, or a policy in it.
pub fn is_dashgate(resource: &Resource<'_>) -> bool {
    let Some(wasm) = wasm(resource) else { return false };
    let named = |text: Option<&str>| text.is_some_and(|text| text.contains("dashgate"));
    resource.is_taken
        || named(Some(resource.name))
        || named(wasm.text("url"))
        || named(wasm.text("pluginName"))
        || wasm.deep(&["pluginConfig", "dashboards"]).is_some()
}

/// Checks one, and says what gate it is. `forms`: something beside it lets the filter hold a body.
pub fn check<'a>(
    resource: &Resource<'a>,
    mesh: &Mesh<'_, 'a>,
    forms: bool,
    environment: &Environment,
    report: &mut Report,
) -> Option<Gate<'a>> {
    let (spec, wasm) = (resource.place.member("spec")?, wasm(resource)?);
    let aim = Aim::of(resource);
    let role = mesh.role(&aim);
    fields::check_spec(resource.kind, &spec, report);
    check_target(&spec, report);
    if let Some(lua) = spec.member("lua") {
        report.problem(
            lua.finding("stands beside wasm: Istio takes the lua and drops the gate; give it a resource of its own"),
        );
    }
    check_matches(&spec, &aim, role, mesh.resources, report);
    check_failure(&wasm, report);
    if let Some(kind) =
        wasm.member("type").filter(|kind| !matches!(kind.node.text(), Some("HTTP" | "UNSPECIFIED_PLUGIN_TYPE")))
    {
        report.problem(kind.finding("is not HTTP: the gate would see no request"));
    }
    module::check_istio(&wasm, report);
    let policy = check_policy(&wasm, forms, environment, report);
    variables::check_istio(&wasm, policy, report);
    let names = vec![
        format!("{}.{}", resource.namespace, resource.name),
        format!("{}.{}~istio-translated-wasmplugin", resource.namespace, resource.name),
        resource.name.to_owned(),
    ];
    Some(Gate { resource: resource.clone(), aim, role, start: start(&spec, report), names })
}

/// Two ways to say what it applies to: Kubernetes refuses both together, istiod takes one.
pub fn check_target(spec: &Place<'_>, report: &mut Report) {
    let selector = spec.member("selector").or_else(|| spec.member("workloadSelector"));
    let references = spec.member("targetRefs").or_else(|| spec.member("targetRef"));
    if let (Some(selector), Some(_)) = (&selector, &references) {
        report.problem(
            selector.finding("stands beside targetRefs, and only one of them may: what it applies to is not said"),
        );
    }
    let one = spec.member("targetRef").into_iter();
    for reference in one.chain(spec.list("targetRefs")) {
        if reference.text("kind").is_none() || reference.text("name").is_none() {
            report.problem(reference.finding("lacks kind or name: it names nothing"));
        } else if reference.text("kind") == Some("Gateway")
            && reference.text("group") != Some("gateway.networking.k8s.io")
        {
            report.problem(reference.finding("is of another group than gateway.networking.k8s.io: it names nothing"));
        }
        if let Some(namespace) = reference.member("namespace") {
            report.problem(namespace.finding("cannot be another's: a targetRef is in the resource's own namespace"));
        }
    }
}

fn start(spec: &Place<'_>, report: &mut Report) -> Start {
    const LATE: &str = "use AUTHN";
    let phase = spec.member("phase");
    match (phase.as_ref().and_then(|phase| phase.node.text()), &phase) {
        (Some("AUTHN"), _) => Start::First,
        (Some("AUTHZ"), Some(phase)) => {
            report.warning(phase.finding(format!("runs the gate after Istio's own authentication; {LATE}")));
            Start::BeforeAuthorization
        }
        (Some("STATS" | "UNSPECIFIED"), Some(phase)) => {
            report.warning(
                phase.finding(format!("runs the gate after Istio's own authentication and authorization; {LATE}")),
            );
            Start::AfterAuthorization
        }
        (_, Some(phase)) => {
            report.problem(
                phase.finding("is none of AUTHN, AUTHZ and STATS: Istio refuses the resource or drops it; use AUTHN"),
            );
            Start::AfterAuthorization
        }
        (_, None) => {
            let message =
                format!("has no phase: the gate runs after Istio's own authentication and authorization; {LATE}");
            report.warning(spec.finding(message));
            Start::AfterAuthorization
        }
    }
}

/// A match narrows what the gate sees; whatever it leaves out passes without it.
fn check_matches(spec: &Place<'_>, aim: &Aim<'_>, role: Role, resources: &[Resource<'_>], report: &mut Report) {
    let matches = spec.list("match");
    for matched in &matches {
        check_mode(matched, role, report);
        let Some(ports) = matched.member("ports").filter(|ports| !ports.items().is_empty()) else { continue };
        match role {
            Role::Gateway => report.problem(ports.finding(
                "on a gateway is the pod's own port, not the one of the Gateway or Service: any other number leaves the gateway \
                 open; leave ports out",
            )),
            Role::Sidecar => {
                let numbers: Vec<Place<'_>> = ports.items().iter().filter_map(|port| port.member("number")).collect();
                if numbers.iter().any(|number| ports::check(number, aim, resources, report)) {
                    continue;
                }
                report.warning(ports.finding(
                "is the port on which the workload listens: every other port of it is open; without ports all have the gate",
            ));
            }
            Role::Unknown => report.warning(ports.finding(
                "leaves every other port open; on a gateway it is the pod's own port, not the Gateway's; leave ports out",
            )),
        }
    }
}

fn check_mode(matched: &Place<'_>, role: Role, report: &mut Report) {
    let Some(mode) = matched.member("mode") else { return };
    match (mode.node.text(), role) {
        (Some("CLIENT_AND_SERVER" | "UNDEFINED"), _) => {}
        (Some("CLIENT"), Role::Gateway) | (Some("SERVER"), Role::Sidecar) => {}
        (Some("SERVER"), Role::Gateway) => report.problem(mode.finding(
            "is for what comes in to a sidecar; a gateway is CLIENT throughout: the gate meets nothing, and the gateway is open",
        )),
        (Some("CLIENT"), Role::Sidecar) => report.problem(mode.finding(
            "is for what a workload sends: what comes in to it passes without the gate; use SERVER",
        )),
        (Some("CLIENT" | "SERVER"), Role::Unknown) => report.warning(mode.finding(
            "is right for one kind of proxy only (gateways: CLIENT, sidecars: SERVER), and the files do not show which this is",
        )),
        _ => report.problem(mode.finding("is none of CLIENT, SERVER and CLIENT_AND_SERVER")),
    }
}

fn check_failure(wasm: &Place<'_>, report: &mut Report) {
    let Some(strategy) = wasm.member("failStrategy") else {
        report.warning(wasm.finding(
            "has no failStrategy: the default answers 503 until a restart once the filter has failed; FAIL_RELOAD recovers by \
             itself",
        ));
        return;
    };
    match strategy.node.text() {
        Some("FAIL_RELOAD") => {}
        Some("FAIL_OPEN") => report.problem(
            strategy.finding("lets every request through unchecked once the filter has failed; use FAIL_RELOAD"),
        ),
        Some("FAIL_CLOSE") => report.warning(
            strategy.finding("answers 503 until a restart once the filter has failed; FAIL_RELOAD recovers by itself"),
        ),
        _ => report.problem(
            strategy
                .finding("is none of FAIL_RELOAD, FAIL_CLOSE and FAIL_OPEN: Istio refuses the resource or drops it"),
        ),
    }
}

fn check_policy<'a>(wasm: &Place<'a>, forms: bool, environment: &Environment, report: &mut Report) -> Option<&'a Node> {
    let Some(config) = wasm.member("pluginConfig") else {
        report.problem(wasm.finding("has no pluginConfig: there is no policy, and every request is refused"));
        return None;
    };
    if let Some(gate) = look_at_policy(config.node, &config, environment, report)
        && gate.reads_bodies()
        && !forms
    {
        report.problem(config.finding(
            "connect.form is on, and this kind of resource cannot set allow_on_headers_stop_iteration: forms would hang; \
             say connect: {form: false}, and connect by fragment",
        ));
    }
    Some(config.node)
}
