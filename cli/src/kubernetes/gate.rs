//! The gate as a resource of Istio's puts it into a proxy: what it applies to, in which kind of proxy it runs, and where among the
//! filters it begins. Decides what it reaches of the Gateways in the files.

use super::aim::{self, Aim, Reach, Workload};
use super::patch::Patch;
use super::resource::Resource;
use crate::check::Report;

/// The kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// At the edge; what comes in is what a client sent.
    Gateway,
    /// Beside one workload, for what comes in to it.
    Sidecar,
    /// The files do not say.
    Unknown,
}

/// Where among the filters it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Before Istio's own authentication.
    First,
    /// Between authentication and authorization.
    BeforeAuthorization,
    /// After both.
    AfterAuthorization,
    /// Where a patch puts it.
    Patched,
}

/// One gate.
pub struct Gate<'a> {
    /// The resource that brings it.
    pub resource: Resource<'a>,
    /// What it applies to.
    pub aim: Aim<'a>,
    /// In which kind of proxy.
    pub role: Role,
    /// Where among the filters.
    pub start: Start,
    /// The names under which a route could switch it off.
    pub names: Vec<String>,
}

/// What the files show of the mesh.
pub struct Mesh<'r, 'a> {
    /// All objects.
    pub resources: &'r [Resource<'a>],
    /// The Gateways that Istio serves.
    pub gateways: Vec<&'r Resource<'a>>,
    /// What runs a proxy.
    pub workloads: Vec<Workload<'a>>,
    /// The patches of all EnvoyFilters.
    pub patches: &'r [Patch<'a>],
}

impl<'a> Mesh<'_, 'a> {
    /// The kind of proxy that an aim meets.
    pub fn role(&self, aim: &Aim<'a>) -> Role {
        if self.gateways.iter().any(|gateway| aim.reaches_gateway(gateway, &self.workloads) == Reach::Yes) {
            return Role::Gateway;
        }
        let met = self.workloads.iter().filter(|workload| aim.reaches(workload) == Reach::Yes);
        let (pods, others): (Vec<&Workload<'a>>, Vec<&Workload<'a>>) = met.partition(|workload| workload.is_whole);
        let inside = |workloads: &[&Workload<'a>]| {
            !workloads.is_empty() && !workloads.iter().all(|workload| aim::is_gateway(workload, &self.gateways))
        };
        // What stands beside it for the same workloads says for which kind of proxy it is.
        let beside = self.patches.iter().filter(|patch| aim.is_covered_by(&patch.aim)).map(|patch| patch.context);
        let contexts: Vec<&str> = beside.filter(|context| *context != "ANY").collect();
        if !pods.is_empty() {
            return if inside(&pods) { Role::Sidecar } else { Role::Gateway };
        }
        match contexts.first() {
            Some(&"GATEWAY") if contexts.iter().all(|context| *context == "GATEWAY") => return Role::Gateway,
            Some(&"SIDECAR_INBOUND") if contexts.iter().all(|context| *context == "SIDECAR_INBOUND") => {
                return Role::Sidecar;
            }
            _ => {}
        }
        if aim::look_like_a_gateway(aim) {
            Role::Gateway
        } else if inside(&others) {
            Role::Sidecar
        } else if self.workloads.is_empty() && !self.gateways.is_empty() {
            Role::Gateway
        } else {
            Role::Unknown
        }
    }

    /// The Gateways that an aim surely meets.
    pub fn met<'s>(&'s self, aim: &'s Aim<'a>) -> impl Iterator<Item = &'s Resource<'a>> {
        let meets = |gateway: &&Resource<'a>| aim.reaches_gateway(gateway, &self.workloads) == Reach::Yes;
        self.gateways.iter().copied().filter(meets)
    }

    /// Whether one aim applies wherever a gate does.
    pub fn covers(&self, gate: &Gate<'a>, other: &Aim<'a>) -> bool {
        let reached =
            |gateway: &&Resource<'a>| !matches!(gate.aim.reaches_gateway(gateway, &self.workloads), Reach::No(_));
        let met: Vec<&Resource<'a>> = self.gateways.iter().copied().filter(reached).collect();
        if gate.role == Role::Sidecar || met.is_empty() {
            return gate.aim.is_covered_by(other);
        }
        let reaches =
            |gateway: &&Resource<'a>| !matches!(other.reaches_gateway(gateway, &self.workloads), Reach::No(_));
        met.iter().all(reaches)
    }

    /// Tells where a gate meets nothing of what the files show, and says whether it may meet something.
    pub fn check_reach(&self, gate: &Gate<'a>, report: &mut Report) -> bool {
        let aim = &gate.aim;
        let at_edge = gate.role != Role::Sidecar;
        let gateways =
            self.gateways.iter().filter(|_| at_edge).map(|gateway| aim.reaches_gateway(gateway, &self.workloads));
        let others = self
            .workloads
            .iter()
            .filter(|workload| workload.is_whole || self.gateways.is_empty() || !at_edge)
            .filter(|workload| gate.role != Role::Gateway || aim::is_gateway(workload, &self.gateways))
            .map(|workload| aim.reaches(workload));
        let reaches: Vec<Reach> = gateways.chain(others).collect();
        if reaches.is_empty() {
            report.warning(aim.place.finding(
                "what this applies to is not in the files given: whether it meets a gateway or workload is not known",
            ));
            return true;
        }
        let mut reasons: Vec<&str> = Vec::new();
        for reach in &reaches {
            if let Reach::No(why) | Reach::Unknown(why) = reach
                && !reasons.contains(&why.as_str())
            {
                reasons.push(why);
            }
        }
        let reasons: Vec<&str> = reasons.into_iter().take(3).collect();
        let reasons = reasons.join("; ");
        let best = aim::best(reaches);
        match &best {
            Reach::Yes => {}
            Reach::Unknown(why) => report.warning(aim.place.finding(why)),
            Reach::No(_) => report.problem(
                aim.place.finding(format!("meets nothing in the files given, so that the door stays open: {reasons}")),
            ),
        }
        !matches!(best, Reach::No(_))
    }
}
