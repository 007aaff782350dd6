//! The order of host calls, on a host that stands in for Envoy and can refuse any one of them.

mod bodies;
mod envoy;
mod failures;
mod headers;
mod log;
mod metrics;
mod requests;
mod responses;
