//! The Envoy adapter: the proxy-wasm ABI and the order of host calls. Every rule is in `gate`.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used
)]

#[cfg(target_family = "wasm")]
mod abi;
pub mod host;
pub mod metrics;
pub mod plugin;
pub mod refusals;
