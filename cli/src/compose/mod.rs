//! A compose file around Envoy: what it mounts for Envoy is looked at as an Envoy file; here, what would let a browser or another
//! program past that Envoy, or give away what Envoy's keys are in. Decides nothing about the rest of the stack.

mod isolation;
mod keys;
mod launch;
mod networks;
mod ports;
mod service;
mod stack;

pub use stack::{borrowed, configurations, included, is_compose};

use crate::check::Report;
use crate::environment::Environment;
use crate::envoy;
use crate::files::{Document, File};
use crate::place::Place;
use service::Service;
use stack::Stack;

/// The machine's names in a container: a way to what is published there.
const HOST: [&str; 3] = ["host.docker.internal", "gateway.docker.internal", "host.containers.internal"];

/// What a service is to the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It runs Envoy.
    Envoy,
    /// Envoy leads there, and asks for a session.
    Guarded,
    /// Envoy leads everybody there: a portal.
    Open,
    /// Envoy leads nowhere to it.
    Other,
    /// Where Envoy leads is not in the files: it may be a dashboard.
    Unknown,
}

/// A service and what it is.
pub struct Member<'a> {
    pub service: Service<'a>,
    pub role: Role,
}

/// Looks at every stack of the files; says whether one holds the gate in text of its own.
pub fn check(files: &[File], environment: &Environment, report: &mut Report) -> bool {
    let mut envoys: Vec<Place<'_>> = Vec::new();
    for (index, file) in files.iter().enumerate() {
        envoys.extend(file.documents.iter().filter_map(|document| match document {
            Document::Envoy(node) => Some(Place::of_file(node, index)),
            _ => None,
        }));
    }
    let mut has_gate = false;
    for stack in stack::all(files) {
        let written = launch::written(&stack);
        let places = written.iter().map(|(node, path, file)| Place { node, path: path.clone(), file: *file });
        let mut own = envoys.clone();
        for place in places {
            has_gate |= envoy::check(&place, environment, report);
            own.push(place);
        }
        check_stack(&stack, &own, report);
    }
    has_gate
}

fn check_stack(stack: &Stack<'_>, envoys: &[Place<'_>], report: &mut Report) {
    let members = members(stack, envoys);
    if !members.iter().any(|member| member.role == Role::Envoy) {
        return;
    }
    ports::check(&members, envoys, report);
    networks::check(stack, &members, report);
    isolation::check(&members, report);
    keys::check(&members, envoys, report);
    members
        .iter()
        .filter(|member| member.role == Role::Envoy)
        .for_each(|member| launch::check(&member.service, report));
}

/// Every service, by where the Envoy files lead.
fn members<'a>(stack: &Stack<'a>, envoys: &[Place<'_>]) -> Vec<Member<'a>> {
    let backends: Vec<envoy::Backend> = envoys.iter().flat_map(|root| envoy::reached(root)).collect();
    let role = |service: &Service<'a>| {
        if service.is_envoy() {
            return Role::Envoy;
        }
        let names = service.hosts();
        let published = ports::published(service);
        let beside_envoy = service.neighbour().is_some_and(|name| stack.find(&name).is_some_and(Service::is_envoy));
        let led: Vec<&envoy::Backend> = backends
            .iter()
            .filter(|backend| {
                names.contains(&backend.host)
                    || (beside_envoy && backend.host == "127.0.0.1")
                    || (HOST.contains(&backend.host.as_str()) && published.contains(&backend.port))
            })
            .collect();
        match (led.is_empty(), led.iter().all(|backend| backend.is_open)) {
            (true, _) => Role::Other,
            (false, true) => Role::Open,
            (false, false) => Role::Guarded,
        }
    };
    let mut members: Vec<Member<'a>> =
        stack.services.iter().map(|service| Member { role: role(service), service: service.clone() }).collect();
    if !members.iter().any(|member| matches!(member.role, Role::Guarded | Role::Open)) {
        let others = members.iter_mut().filter(|member| member.role == Role::Other && !member.service.is_store());
        others.for_each(|member| member.role = Role::Unknown);
    }
    members
}
