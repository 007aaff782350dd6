//! The rules as tests: what the gate lets through, what it refuses and with which reason, through its public API.
//!
//! One binary, natively and in wasm under Node from the same source: no files, threads or clocks in here.

mod authority;
mod backends;
mod bokeh;
mod cache;
mod carriers;
mod config;
mod config_meaning;
mod connect;
mod cookie;
mod cross_site;
mod damage;
mod eddsa;
mod endpoints;
mod fetch;
mod golden;
mod hostile;
mod json;
mod jwt;
mod kinds;
mod logins;
mod method;
mod origin;
mod owner_labels;
mod owner_problems;
mod owners;
mod query;
mod reason;
mod refusal;
mod response;
mod schema;
mod secret;
mod sessions;
mod shown;
mod signed;
mod spelling;
mod stage;
mod structpb;
mod subprotocol;
mod target;
mod time;
mod upward;
