//! Runs a proxy-wasm module on a host that is not Envoy (the crate proxy-wasm-host, on wasmtime) and says what becomes of
//! requests. It forms no verdict: the module does.
//!
//! usage: second-host MODULE CONFIGURATION [NAME=VALUE…]
//!
//! Standard input holds requests, each as lines `name: value` with the pseudo-headers first, up to an empty line. For each it
//! prints `continue` or `answer STATUS`, then `header NAME: VALUE` as they are now, `state NAME=VALUE` for each property that
//! the module has set, `body TEXT` of an answer, and an empty line.

use std::error::Error;
use std::io::BufRead;
use std::sync::Arc;

use proxy_wasm_host::abi::v0_2_1::types::{Action, LogLevel, MapType, Status};
use proxy_wasm_host::abi::v0_2_1::{
    Access, Guest, GuestError, Host, Invocation, LocalResponse, LogContext, LogSink, PluginConfig, Started, StreamKind,
    StreamState, VmServices,
};
use proxy_wasm_host::{Engine, HeaderMap, HeaderMapExt, Limits, Module, VecHeaderMap};

struct Stderr;

impl LogSink for Stderr {
    fn log(&self, _: LogContext<'_>, _: LogLevel, message: &[u8]) {
        eprintln!("{}", String::from_utf8_lossy(message));
    }
}

/// One request, and what the module has made of it. Without `properties` the host takes none.
#[derive(Default)]
struct Request {
    headers: VecHeaderMap,
    answer: Option<(u32, Vec<(String, String)>, String)>,
    state: Vec<(String, String)>,
    takes_properties: bool,
}

impl StreamState for Request {
    fn header_map(&mut self, _: Invocation, _: Access, map: MapType) -> Result<&mut dyn HeaderMap, Status> {
        match map {
            MapType::HttpRequestHeaders => Ok(&mut self.headers),
            _ => Err(Status::NotFound),
        }
    }

    fn set_property(&mut self, _: Invocation, path: &[&[u8]], value: &[u8]) -> Result<(), Status> {
        if !self.takes_properties {
            return Err(Status::NotFound);
        }
        let name: Vec<String> = path.iter().map(|part| text(part)).collect();
        self.state.push((name.join("."), text(value)));
        Ok(())
    }

    fn send_local_response(&mut self, _: Invocation, response: LocalResponse<'_>) -> Result<(), Status> {
        let headers = response.headers.iter().map(|(name, value)| (text(name), text(value))).collect();
        self.answer = Some((response.status_code, headers, text(&response.body)));
        Ok(())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(module), Some(configuration)) = (arguments.next(), arguments.next()) else {
        return Err("usage: second-host MODULE CONFIGURATION [NAME=VALUE…]".into());
    };
    let given: Vec<(String, String)> =
        arguments.filter_map(|pair| pair.split_once('=').map(|(name, value)| (name.into(), value.into()))).collect();
    let takes_properties = !given.iter().any(|(name, _)| name == "WITHOUT_PROPERTIES");
    let environment = given.into_iter().map(|(name, value)| (name.into_bytes(), value.into_bytes())).collect();

    let engine = Engine::new()?;
    let module = Module::new(&engine, &std::fs::read(module)?)?;
    let host = Host::new(&engine)?;
    let services = VmServices::new(Arc::new(Stderr)).with_environment(environment);
    let mut guest = Guest::new(&host, &module, services, &Limits::default())?;
    let plugin = PluginConfig::new().with_name(*b"dashgate").with_configuration(std::fs::read(configuration)?);
    let Started::Serving(root) = guest.start(plugin)? else {
        println!("refused");
        return Ok(());
    };
    println!("started");

    let mut lines: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if let Some((name, value)) = line.split_once(": ") {
            lines.push((name.into(), value.into()));
            continue;
        }
        let request = Request { headers: std::mem::take(&mut lines).into(), takes_properties, ..Request::default() };
        let count = u32::try_from(request.headers.len())?;
        let (action, request) = guest.with(request, |scope| {
            let stream = scope.on_context_create(Some(root))?;
            scope.expect_stream_kind(stream, StreamKind::Http)?;
            let action = scope.on_request_headers(stream, count, true)?;
            scope.on_done(stream)?;
            scope.on_log(stream)?;
            scope.on_delete(stream)?;
            Ok::<_, GuestError>(action)
        });
        show(action?, &request);
    }
    Ok(())
}

fn show(action: Action, request: &Request) {
    match (&request.answer, action) {
        (Some((status, headers, body)), _) => {
            println!("answer {status}");
            headers.iter().for_each(|(name, value)| println!("header {name}: {value}"));
            println!("body {}", body.replace('\n', " "));
        }
        (None, Action::Continue) => {
            println!("continue");
            request.headers.pairs().iter().for_each(|(name, value)| println!("header {}: {}", text(name), text(value)));
        }
        (None, _) => println!("pause"),
    }
    request.state.iter().for_each(|(name, value)| println!("state {name}={value}"));
    println!();
}
