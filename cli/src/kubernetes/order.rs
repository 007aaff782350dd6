//! The HTTP filters of a proxy of Istio's as the patches in the files leave them: whether the gate is among them, what runs before
//! it, and whether the lock runs after it. Follows pilot: INSERT_FIRST to the front, ADD and INSERT_AFTER without a name to the end.

use super::gate::{Gate, Start};
use super::patch::{ALWAYS, Patch, SOMETIMES};
use crate::check::Report;
use crate::fields::nearest;
use crate::place::Place;

const ROUTER: &str = "envoy.filters.http.router";
const AUTHENTICATION: &str = "envoy.filters.http.jwt_authn";
const AUTHORIZATION: &str = "envoy.filters.http.rbac";
/// The name under which a gate of an extension resource stands here.
const GATE: &str = "the gate";

/// One filter.
#[derive(Clone)]
pub struct Slot<'a> {
    /// Its name.
    pub name: String,
    /// What a patch put there, and what patches merged into it.
    pub values: Vec<Place<'a>>,
    /// Whether it is Istio's own, of which the files show nothing.
    pub is_own: bool,
}

/// The filters that a gate stands among. A patch that `matters` and is placed nowhere is told.
pub fn line_up<'a>(
    gate: &Gate<'a>,
    patches: &[&Patch<'a>],
    matters: &dyn Fn(&Patch<'a>) -> Option<&'static str>,
    report: &mut Report,
) -> Vec<Slot<'a>> {
    let mut slots = begin(gate.start);
    for patch in patches.iter().filter(|patch| patch.applies_to == "HTTP_FILTER") {
        let anchor = patch.anchor.as_ref().and_then(|anchor| anchor.node.text());
        let at = anchor.map(|name| slots.iter().position(|slot| slot.name == name));
        if let (Some(what), Some(place), Some(name)) = (matters(patch), &patch.anchor, anchor) {
            if ["INSERT_FIRST", "ADD"].contains(&patch.operation) {
                if at == Some(None) && !SOMETIMES.contains(&name) {
                    let meant = meant(name);
                    let message = format!(
                        "names no filter that there is; {meant} is. {} does not look at it: leave it out",
                        patch.operation
                    );
                    report.problem(place.finding(message));
                }
            } else if at == Some(None) || SOMETIMES.contains(&name) {
                tell_missing(place, name, what, report);
            }
        }
        if at == Some(None) && !["INSERT_FIRST", "ADD"].contains(&patch.operation) {
            continue;
        }
        place(&mut slots, patch, at.flatten());
    }
    slots
}

/// Where the gate stands, if it does.
pub fn position(slots: &[Slot<'_>], gate: &Gate<'_>) -> Option<usize> {
    slots.iter().position(|slot| slot.name == GATE || (!slot.is_own && gate.names.contains(&slot.name)))
}

/// Where Envoy's router stands: what is after it never runs.
pub fn router(slots: &[Slot<'_>]) -> usize {
    slots.iter().position(|slot| slot.name == ROUTER).unwrap_or(slots.len())
}

/// Whether Istio's own authentication or authorization runs before that place.
pub fn is_late(slots: &[Slot<'_>], index: usize) -> bool {
    slots.iter().take(index).any(|slot| slot.is_own && [AUTHENTICATION, AUTHORIZATION].contains(&slot.name.as_str()))
}

fn begin<'a>(start: Start) -> Vec<Slot<'a>> {
    let own = |name: &str| Slot { name: name.to_owned(), values: Vec::new(), is_own: true };
    let mut slots = vec![own(AUTHENTICATION), own(AUTHORIZATION)];
    slots.extend(ALWAYS.map(own));
    let at = match start {
        Start::First => 0,
        Start::BeforeAuthorization => 1,
        Start::AfterAuthorization => 2,
        Start::Patched => return slots,
    };
    slots.insert(at, Slot { is_own: false, ..own(GATE) });
    slots
}

fn place<'a>(slots: &mut Vec<Slot<'a>>, patch: &Patch<'a>, at: Option<usize>) {
    let new = Slot { name: patch.name().to_owned(), values: patch.value.iter().cloned().collect(), is_own: false };
    match (patch.operation, at) {
        ("INSERT_FIRST", _) | ("INSERT_BEFORE", None) => slots.insert(0, new),
        ("INSERT_BEFORE", Some(index)) => slots.insert(index, new),
        ("INSERT_AFTER", Some(index)) => slots.insert(index + 1, new),
        ("INSERT_AFTER", None) | ("ADD", _) => slots.push(new),
        ("REPLACE", Some(index)) => slots[index] = new,
        ("REMOVE", Some(index)) => drop(slots.remove(index)),
        ("MERGE", Some(index)) => slots[index].values.extend(new.values),
        _ => {}
    }
}

fn tell_missing(place: &Place<'_>, name: &str, what: &str, report: &mut Report) {
    if SOMETIMES.contains(&name) {
        report.problem(place.finding(format!(
            "names {name}, which is there only where something else asks for it: without it the patch matches nothing, and {what} is \
             nowhere; use INSERT_FIRST, or {ROUTER}"
        )));
        return;
    }
    let meant = meant(name);
    report.problem(place.finding(format!(
        "names no filter that there is; {meant} is: the patch matches nothing, and {what} is nowhere"
    )));
}

fn meant(name: &str) -> &'static str {
    nearest(name, ALWAYS.into_iter().chain(SOMETIMES)).unwrap_or(ROUTER)
}
