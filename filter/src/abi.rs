//! The proxy-wasm ABI 0.2.1, by hand: the imports the filter calls, the exports Envoy calls. All `unsafe` is here.
//!
//! Source: the proxy-wasm specification, abi-versions/v0.2.1. The host hands memory over by calling
//! `proxy_on_memory_allocate` and writing there; what it wrote becomes a `Vec` that frees it.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ptr::null_mut;
use std::rc::Rc;

use gate::Quick;

use crate::host::{Headers, Host, HostError, HostResult, LocalReply, Map};
use crate::plugin::{Action, Plugin, Shared, Stream};

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, message: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_buffer_bytes(kind: u32, start: usize, max: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
}

unsafe extern "C" {
    fn __wasm_call_ctors();
}

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const LEVEL_WARN: u32 = 3;
const LEVEL_ERROR: u32 = 4;
const BUFFER_REQUEST_BODY: u32 = 0;
const BUFFER_PLUGIN_CONFIGURATION: u32 = 7;

fn number(map: Map) -> u32 {
    match map {
        Map::Request => 0,
        Map::RequestTrailers => 1,
        Map::Response => 2,
    }
}

fn done(status: u32) -> HostResult<()> {
    if status == OK { Ok(()) } else { Err(HostError) }
}

/// Envoy, while it calls us.
struct Envoy;

/// Calls `read` with places for the address and size of data the host allocates here; takes the data over.
fn receive(read: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> (u32, Vec<u8>) {
    let (mut data, mut size) = (null_mut(), 0usize);
    let status = read(&raw mut data, &raw mut size);
    if data.is_null() {
        return (status, Vec::new());
    }
    if size == 0 {
        // SAFETY: not null, so it came from `proxy_on_memory_allocate`, which allocates one byte for an empty answer.
        unsafe { dealloc(data, Layout::new::<u8>()) };
        return (status, Vec::new());
    }
    // SAFETY: `proxy_on_memory_allocate(size)` allocated it with the layout of a `Vec<u8>` of that capacity, the host
    // filled all of it, and nothing else owns it.
    (status, unsafe { Vec::from_raw_parts(data, size, size) })
}

impl Host for Envoy {
    fn headers(&mut self, map: Map) -> HostResult<Headers> {
        // SAFETY: the host writes to the two places only.
        let (status, bytes) = receive(|data, size| unsafe { proxy_get_header_map_pairs(number(map), data, size) });
        done(status).map(|()| Headers::from_serialized(bytes))
    }

    fn header(&mut self, map: Map, name: &str) -> HostResult<Option<Vec<u8>>> {
        // SAFETY: `name` outlives the call; the host writes to the two places only.
        let (status, value) = receive(|data, size| unsafe {
            proxy_get_header_map_value(number(map), name.as_ptr(), name.len(), data, size)
        });
        match status {
            OK => Ok(Some(value)),
            NOT_FOUND => Ok(None),
            _ => Err(HostError),
        }
    }

    fn set_header(&mut self, map: Map, name: &str, value: &[u8]) -> HostResult<()> {
        // SAFETY: both outlive the call; the host copies them.
        done(unsafe {
            proxy_replace_header_map_value(number(map), name.as_ptr(), name.len(), value.as_ptr(), value.len())
        })
    }

    fn add_header(&mut self, map: Map, name: &str, value: &[u8]) -> HostResult<()> {
        // SAFETY: both outlive the call; the host copies them.
        done(unsafe { proxy_add_header_map_value(number(map), name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
    }

    fn remove_header(&mut self, map: Map, name: &[u8]) -> HostResult<()> {
        // SAFETY: `name` outlives the call.
        done(unsafe { proxy_remove_header_map_value(number(map), name.as_ptr(), name.len()) })
    }

    fn request_body(&mut self, limit: usize) -> HostResult<Vec<u8>> {
        // SAFETY: the host writes to the two places only.
        let (status, body) =
            receive(|data, size| unsafe { proxy_get_buffer_bytes(BUFFER_REQUEST_BODY, 0, limit, data, size) });
        match status {
            // An empty body has no buffer.
            OK | NOT_FOUND => Ok(body),
            _ => Err(HostError),
        }
    }

    fn set_state(&mut self, name: &str, value: &[u8]) -> HostResult<()> {
        // SAFETY: both outlive the call; the host copies them.
        done(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
    }

    fn now(&mut self) -> HostResult<u64> {
        let mut time = 0;
        // SAFETY: the host writes to that place only.
        done(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) }).map(|()| time)
    }

    fn define_counter(&mut self, name: &str) -> HostResult<u32> {
        const COUNTER: u32 = 0;
        let mut id = 0;
        // SAFETY: `name` outlives the call; the host writes to that place only.
        done(unsafe { proxy_define_metric(COUNTER, name.as_ptr(), name.len(), &raw mut id) }).map(|()| id)
    }

    fn increment(&mut self, counter: u32) -> HostResult<()> {
        // SAFETY: no memory is handed over.
        done(unsafe { proxy_increment_metric(counter, 1) })
    }

    fn reply(&mut self, reply: &LocalReply<'_>) -> HostResult<()> {
        let headers = Headers::serialize(reply.headers);
        let grpc_status = reply.grpc_status.and_then(|status| i32::try_from(status).ok()).unwrap_or(-1);
        // SAFETY: all outlive the call; the host copies them.
        done(unsafe {
            proxy_send_local_response(
                u32::from(reply.status),
                reply.details.as_ptr(),
                reply.details.len(),
                reply.body.as_ptr(),
                reply.body.len(),
                headers.as_ptr(),
                headers.len(),
                grpc_status,
            )
        })
    }

    fn warn(&mut self, message: &str) {
        log(LEVEL_WARN, message);
    }

    fn error(&mut self, message: &str) {
        log(LEVEL_ERROR, message);
    }
}

fn log(level: u32, message: &str) {
    // SAFETY: `message` outlives the call. A log line that fails changes no verdict.
    let _ = unsafe { proxy_log(level, message.as_ptr(), message.len()) };
}

/// All that lives in one VM: configurations by root context, streams by context. After an update the old
/// configuration's streams and the new one's are here side by side: each holds the configuration it began under.
#[derive(Default)]
struct Vm {
    shared: Shared,
    /// Few: a list.
    plugins: Vec<(u32, Rc<Plugin>)>,
    streams: HashMap<u32, (Rc<Plugin>, Stream), Quick>,
}

impl Vm {
    fn plugin(&self, root: u32) -> Option<Rc<Plugin>> {
        self.plugins.iter().find(|(known, _)| *known == root).map(|(_, plugin)| Rc::clone(plugin))
    }

    /// Takes a configuration away. Streams that it permitted may keep it for hours, its remembered sessions not.
    fn remove_plugin(&mut self, root: u32) {
        self.plugins.iter().filter(|(known, _)| *known == root).for_each(|(_, plugin)| plugin.gate().forget_sessions());
        self.plugins.retain(|(known, _)| *known != root);
    }
}

thread_local! {
    static VM: RefCell<Vm> = RefCell::default();
}

/// Runs one callback of a stream. Without a configuration, or called from within itself, nothing goes on: it is answered
/// 500.
fn with_stream(context: u32, callback: impl FnOnce(&Plugin, &mut Envoy, &mut Shared, &mut Stream) -> Action) -> u32 {
    let action = VM.with(|vm| {
        let mut vm = vm.try_borrow_mut().ok()?;
        let vm = &mut *vm;
        let (plugin, stream) = vm.streams.get_mut(&context)?;
        Some(callback(plugin, &mut Envoy, &mut vm.shared, stream))
    });
    match action {
        Some(Action::Continue) => 0,
        Some(Action::Pause) => 1,
        None => {
            let headers = [("cache-control", b"no-store".as_slice())];
            let details = "dashgate_no_configuration";
            // If even this fails, the stream stays paused and the host's own timeouts end it.
            let _ =
                Envoy.reply(&LocalReply { status: 500, details, headers: &headers, body: b"", grpc_status: Some(7) });
            1
        }
    }
}

/// Runs the constructors once. Without this export the linker would run them around every other one.
#[unsafe(no_mangle)]
pub extern "C" fn _initialize() {
    // SAFETY: the linker makes it; the host calls this first and once.
    unsafe { __wasm_call_ctors() };
}

/// Names the ABI version by existing.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_abi_version_0_2_1() {}

/// Memory for the host to write into; one byte where it asks for none.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    match Layout::array::<u8>(size.max(1)) {
        // SAFETY: the layout's size is at least 1.
        Ok(layout) => unsafe { alloc(layout) },
        Err(_) => null_mut(),
    }
}

/// The VM starts.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_vm_start(_root: u32, _size: usize) -> u32 {
    1
}

/// A configuration has come: 1 accepts it, 0 refuses it, and Envoy keeps the one it has or does not start.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_configure(root: u32, _size: usize) -> u32 {
    // SAFETY: the host writes to the two places only.
    let (_, configuration) = receive(|data, size| unsafe {
        proxy_get_buffer_bytes(BUFFER_PLUGIN_CONFIGURATION, 0, usize::MAX >> 1, data, size)
    });
    let plugin = match Plugin::load(&configuration, &|name| std::env::var(name).ok()) {
        Ok(plugin) => plugin,
        Err(problems) => {
            Envoy.error(&format!("dashgate refuses its configuration: {} problem(s)", problems.len()));
            problems.iter().for_each(|problem| Envoy.error(&format!("dashgate: {problem}")));
            return 0;
        }
    };
    plugin.gate().warnings().iter().for_each(|warning| Envoy.warn(&format!("dashgate: {warning}")));
    VM.with(|vm| match vm.try_borrow_mut() {
        Ok(mut vm) => {
            vm.remove_plugin(root);
            vm.plugins.push((root, Rc::new(plugin)));
            1
        }
        Err(_) => 0,
    })
}

/// A root context (`parent` 0) or a stream begins.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
    VM.with(|vm| {
        if let Ok(mut vm) = vm.try_borrow_mut()
            && let Some(plugin) = vm.plugin(parent)
        {
            vm.streams.insert(context, (plugin, Stream::Quiet));
        }
    });
}

/// A context is gone.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_delete(context: u32) {
    VM.with(|vm| {
        if let Ok(mut vm) = vm.try_borrow_mut()
            && vm.streams.remove(&context).is_none()
        {
            vm.remove_plugin(context);
        }
    });
}

/// A request's headers have come.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_request_headers(context: u32, _count: usize, ends: u32) -> u32 {
    with_stream(context, |plugin, host, shared, stream| plugin.on_request_headers(host, shared, stream, ends != 0))
}

/// A piece of a request's body has come.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_request_body(context: u32, length: usize, ends: u32) -> u32 {
    with_stream(context, |plugin, host, shared, stream| plugin.on_request_body(host, shared, stream, length, ends != 0))
}

/// A request's trailers have come.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_request_trailers(context: u32, _count: usize) -> u32 {
    with_stream(context, |plugin, host, shared, stream| plugin.on_request_trailers(host, shared, stream))
}

/// An answer's headers have come.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_response_headers(context: u32, _count: usize, _ends: u32) -> u32 {
    with_stream(context, |plugin, host, shared, stream| plugin.on_response_headers(host, shared, stream))
}
