//! The fields of the resources that carry the gate (Istio 1.30's and Envoy Gateway 1.9's own definitions). An API server that does
//! not validate strictly, and istiod itself, drop what they do not know.

use crate::check::Report;
use crate::fields::Shape::{Any, Fields, List};
use crate::fields::{Shape, check};
use crate::place::Place;

const DROPPED: &str = "the control plane drops it and says nothing";

const REFERENCES: Shape = List(&REFERENCE);
const REFERENCE: Shape = Fields(&[("group", Any), ("kind", Any), ("name", Any), ("namespace", Any)]);
/// Envoy Gateway's: a listener or rule, too; told of a namespace by `attachments`.
const PART: Shape = Fields(&[("group", Any), ("kind", Any), ("name", Any), ("namespace", Any), ("sectionName", Any)]);
const ENVIRONMENT: Shape = Fields(&[("env", List(&Fields(&[("name", Any), ("value", Any), ("valueFrom", Any)])))]);
const MATCHES: Shape = List(&Fields(&[("mode", Any), ("ports", List(&Fields(&[("number", Any)])))]));
const SELECTOR: Shape = Fields(&[("matchLabels", Any)]);

const TRAFFIC_EXTENSION: Shape = Fields(&[
    ("selector", SELECTOR),
    ("targetRefs", REFERENCES),
    ("phase", Any),
    ("priority", Any),
    ("match", MATCHES),
    ("lua", Any),
    (
        "wasm",
        Fields(&[
            ("failStrategy", Any),
            ("imagePullPolicy", Any),
            ("imagePullSecret", Any),
            ("pluginConfig", Any),
            ("pluginName", Any),
            ("sha256", Any),
            ("type", Any),
            ("url", Any),
            ("verificationKey", Any),
            ("vmConfig", ENVIRONMENT),
        ]),
    ),
]);

const WASM_PLUGIN: Shape = Fields(&[
    ("selector", SELECTOR),
    ("targetRef", REFERENCE),
    ("targetRefs", REFERENCES),
    ("phase", Any),
    ("priority", Any),
    ("match", MATCHES),
    ("failStrategy", Any),
    ("imagePullPolicy", Any),
    ("imagePullSecret", Any),
    ("pluginConfig", Any),
    ("pluginName", Any),
    ("sha256", Any),
    ("type", Any),
    ("url", Any),
    ("verificationKey", Any),
    ("vmConfig", ENVIRONMENT),
]);

const FILTER_NAME: Shape = Fields(&[("name", Any), ("subFilter", Fields(&[("name", Any)]))]);

const ENVOY_FILTER: Shape = Fields(&[
    ("workloadSelector", Fields(&[("labels", Any)])),
    ("targetRefs", REFERENCES),
    ("priority", Any),
    (
        "configPatches",
        List(&Fields(&[
            ("applyTo", Any),
            (
                "match",
                Fields(&[
                    ("context", Any),
                    ("proxy", Fields(&[("proxyVersion", Any), ("metadata", Any)])),
                    (
                        "listener",
                        Fields(&[
                            ("portNumber", Any),
                            ("portName", Any),
                            ("name", Any),
                            ("listenerFilter", Any),
                            (
                                "filterChain",
                                Fields(&[
                                    ("name", Any),
                                    ("sni", Any),
                                    ("transportProtocol", Any),
                                    ("applicationProtocols", Any),
                                    ("destinationPort", Any),
                                    ("filter", FILTER_NAME),
                                ]),
                            ),
                        ]),
                    ),
                    (
                        "routeConfiguration",
                        Fields(&[
                            ("portNumber", Any),
                            ("portName", Any),
                            ("gateway", Any),
                            ("name", Any),
                            (
                                "vhost",
                                Fields(&[
                                    ("name", Any),
                                    ("domainName", Any),
                                    ("route", Fields(&[("name", Any), ("action", Any)])),
                                ]),
                            ),
                        ]),
                    ),
                    ("cluster", Fields(&[("name", Any), ("portNumber", Any), ("service", Any), ("subset", Any)])),
                    (
                        "waypoint",
                        Fields(&[("portNumber", Any), ("filter", FILTER_NAME), ("route", Fields(&[("name", Any)]))]),
                    ),
                ]),
            ),
            ("patch", Fields(&[("operation", Any), ("value", Any), ("filterClass", Any)])),
        ])),
    ),
]);

const TLS: Shape = Any;

const EXTENSION_POLICY: Shape = Fields(&[
    ("targetRef", PART),
    ("targetRefs", List(&PART)),
    ("targetSelectors", Any),
    ("mergeType", Any),
    ("extProc", Any),
    ("lua", Any),
    ("dynamicModule", Any),
    (
        "wasm",
        List(&Fields(&[
            ("name", Any),
            ("rootID", Any),
            ("failOpen", Any),
            ("config", Any),
            ("env", Fields(&[("hostKeys", Any)])),
            (
                "code",
                Fields(&[
                    ("type", Any),
                    ("pullPolicy", Any),
                    ("http", Fields(&[("url", Any), ("sha256", Any), ("tls", TLS)])),
                    ("image", Fields(&[("url", Any), ("sha256", Any), ("pullSecretRef", Any), ("tls", TLS)])),
                ]),
            ),
        ])),
    ),
]);

/// Checks the spec of a resource of one of these kinds.
pub fn check_spec(kind: &str, spec: &Place<'_>, report: &mut Report) {
    let shape = match kind {
        "TrafficExtension" => &TRAFFIC_EXTENSION,
        "WasmPlugin" => &WASM_PLUGIN,
        "EnvoyFilter" => &ENVOY_FILTER,
        "EnvoyExtensionPolicy" => &EXTENSION_POLICY,
        _ => return,
    };
    check(spec, shape, DROPPED, report);
}
