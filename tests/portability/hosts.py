"""What each host of proxy-wasm lacks, as its source, its documentation or a try says. docs/portability.md is checked against this."""

from dataclasses import dataclass, field

METRICS = {"proxy_define_metric", "proxy_increment_metric"}
ENVIRONMENT = {"environ_get", "environ_sizes_get"}


@dataclass(frozen=True)
class Host:
    """`lacks`: functions that are missing or always fail. `obstacle`: what keeps the module from loading at all."""

    name: str
    known_from: str
    lacks: frozenset[str] = field(default_factory=frozenset)
    obstacle: str | None = None


HOSTS = (
    Host("Envoy 1.40.0", "run: every test"),
    Host("Istio, Envoy Gateway, Higress", "Envoy is the host"),
    Host("proxy-wasm-host 0.2.0 (Rust, wasmtime)", "run: tests/portability/test_second_host.py"),
    Host("nginx with ngx_wasm_module", "source, 2025-04", frozenset({"proxy_set_property"})),
    Host("APISIX (wasm-nginx-module)", "source, 2024-02", frozenset(METRICS | {"proxy_set_property"})),
    Host("Google Cloud Service Extensions", "documentation", frozenset(METRICS | ENVIRONMENT | {"proc_exit"})),
    Host("MOSN (proxy-wasm-go-host)", "source", frozenset({
        "proxy_send_local_response", "proxy_set_property", "proxy_add_header_map_value", "proxy_remove_header_map_value",
        "proxy_get_current_time_nanoseconds", *METRICS}), "ABI 0.1.0 and 0.2.0 by name; wants `malloc`"),
    Host("BFE", "source", obstacle="ABI 0.1.0 by name"),
    Host("Apache Traffic Server", "its recipe for WAMR", obstacle="no SIMD"),
    Host("proxy-wasm-go-sdk's emulator 0.24.0", "tried", frozenset({"proxy_get_current_time_nanoseconds"}),
         "a missing import"),
)
