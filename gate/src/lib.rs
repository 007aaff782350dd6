//! The decision of dashgate: may this request reach a dashboard, and what becomes of it on the way.
//!
//! Pure: no I/O, no clock, no proxy-wasm. A configuration becomes a [`Gate`]; a [`Request`] and a [`Time`] become a
//! [`Decision`]. Only this crate can make a [`Permit`].
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used,
    unsafe_code
)]

mod access;
mod answer;
pub mod authority;
mod backend;
pub mod bokeh;
mod bytes;
mod cache;
mod carriers;
pub mod config;
mod connect;
pub mod cookie;
mod decide;
mod endpoints;
pub mod facts;
mod fetch;
pub mod json;
pub mod jwt;
pub mod origin;
mod pages;
mod place;
mod policy;
pub mod query;
pub mod reason;
mod record;
mod request;
mod response;
pub mod secret;
pub mod session;
mod shown;
pub mod signed;
pub mod structpb;
pub mod subprotocol;
mod table;
pub mod target;
pub mod time;

pub use answer::Answer;
pub use connect::{MAX_FORM_BYTES, PendingConnect};
pub use decide::{Decision, Permit};
pub use place::label;
pub use policy::{Format, Gate};
pub use reason::Reason;
pub use record::{Edit, Record, Verdict};
pub use request::{Request, is_forbidden};
pub use response::{ResponseHeaders, ResponsePlan};
pub use shown::Shown;
pub use table::Quick;
pub use time::Time;
