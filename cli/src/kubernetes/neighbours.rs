//! The fields and words of the resources that stand beside the gate: Istio 1.30's, Envoy Gateway 1.9's and Gateway API 1.6's own
//! definitions, as deep as a gate depends on them. A misspelt lock is none. Decides nothing about what the values do.

use super::resource::{ISTIO, Resource};
use crate::check::Report;
use crate::fields::{camel_case, nearest};
use crate::place::Place;

/// How to read it says `look_at`. What has no line is not looked into.
const TABLE: &str = "
ClientTrafficPolicy: clientIPDetection connection enableProxyProtocol grpc headers healthCheck http1 http2 http3 path proxyProtocol \
scheme targetRef targetRefs targetSelectors tcpKeepalive timeout tls
ClientTrafficPolicy.clientIPDetection: customHeader directSourceIP xForwardedFor
ClientTrafficPolicy.connection: bufferLimit connectionLimit maxAcceptPerSocketEvent socketBufferLimit
ClientTrafficPolicy.headers: disableRateLimitHeaders earlyRequestHeaders enableEnvoyHeaders host lateResponseHeaders \
preserveXRequestID requestID withUnderscoresAction xForwardedClientCert
ClientTrafficPolicy.headers.earlyRequestHeaders: add addIfAbsent remove removeOnMatch set
ClientTrafficPolicy.headers.lateResponseHeaders: add addIfAbsent remove removeOnMatch set
ClientTrafficPolicy.headers.withUnderscoresAction = Allow RejectRequest DropHeader
ClientTrafficPolicy.http1: disableSafeMaxConnectionDuration enableTrailers http10 ignoredUpgradeTypes preserveHeaderCase
ClientTrafficPolicy.path: disableMergeSlashes escapedSlashesAction
ClientTrafficPolicy.path.escapedSlashesAction = KeepUnchanged RejectRequest UnescapeAndForward UnescapeAndRedirect
ClientTrafficPolicy.tls: alpnProtocols ciphers clientValidation ecdhCurves fingerprints maxVersion minVersion session \
signatureAlgorithms
BackendTrafficPolicy: admissionControl bandwidthLimit circuitBreaker compression compressor connection dns faultInjection healthCheck \
http2 httpUpgrade loadBalancer mergeType proxyProtocol rateLimit requestBuffer responseOverride retry routingType targetRef targetRefs \
targetSelectors tcpKeepalive telemetry timeout useClientProtocol
BackendTrafficPolicy.mergeType = StrategicMerge JSONMerge
BackendTrafficPolicy.httpUpgrade: connect type
SecurityPolicy: apiKeyAuth authorization basicAuth cors csrf extAuth jwt mergeType oidc targetRef targetRefs targetSelectors
SecurityPolicy.mergeType = StrategicMerge JSONMerge
SecurityPolicy.authorization: defaultAction rules
SecurityPolicy.authorization.defaultAction = Allow Deny
SecurityPolicy.authorization.rules: action cel name operation principal
SecurityPolicy.authorization.rules.action = Allow Deny
EnvoyPatchPolicy: jsonPatches priority targetRef type
EnvoyPatchPolicy.type = JSONPatch
EnvoyPatchPolicy.jsonPatches: name operation type
EnvoyPatchPolicy.jsonPatches.type = type.googleapis.com/envoy.config.listener.v3.Listener \
type.googleapis.com/envoy.config.route.v3.RouteConfiguration type.googleapis.com/envoy.config.cluster.v3.Cluster \
type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment \
type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
EnvoyPatchPolicy.jsonPatches.operation: from jsonPath op path value
EnvoyPatchPolicy.jsonPatches.operation.op = add remove replace move copy test
EnvoyProxy: backendTLS bootstrap concurrency dynamicModules extraArgs filterOrder geoIP ipFamily logging luaValidation mergeBackends \
mergeGateways mergeType preserveRouteOrder provider routingType shutdown telemetry
EnvoyProxy.bootstrap: jsonPatches type value
EnvoyProxy.bootstrap.type = Merge Replace JSONPatch
EnvoyProxy.filterOrder: after before name
EnvoyProxy.provider: host kubernetes type
EnvoyProxy.telemetry: accessLog healthCheckLog metrics requestID tracing
EnvoyProxy.telemetry.accessLog: disable settings
EnvoyProxy.telemetry.accessLog.settings: format matches sinks type
EnvoyProxy.telemetry.accessLog.settings.format: json text type
Gateway: addresses allowedListeners gatewayClassName infrastructure listeners tls defaultScope
Gateway.listeners: allowedRoutes hostname name port protocol tls
Gateway.listeners.allowedRoutes: kinds namespaces
Gateway.listeners.allowedRoutes.namespaces: from selector
Gateway.listeners.allowedRoutes.namespaces.from = All Selector Same None
Gateway.listeners.tls: certificateRefs mode options frontendValidation
HTTPRoute: hostnames parentRefs rules useDefaultGateways
HTTPRoute.parentRefs: group kind name namespace port sectionName
HTTPRoute.rules: backendRefs filters matches name timeouts retry sessionPersistence
HTTPRoute.rules.filters: cors externalAuth extensionRef requestHeaderModifier requestMirror requestRedirect responseHeaderModifier type \
urlRewrite
HTTPRoute.rules.matches: headers method path queryParams
IstioGateway: selector servers
IstioGateway.servers: bind defaultEndpoint hosts name port tls
VirtualService: exportTo gateways hosts http tcp tls
VirtualService.http: corsPolicy delegate directResponse fault headers match mirror mirrorPercent mirrorPercentage mirror_percent mirrors \
name redirect retries rewrite route timeout
VirtualService.http.headers: request response
VirtualService.http.headers.request: add remove set
VirtualService.http.headers.response: add remove set
VirtualService.http.match: authority gateways headers ignoreUriCase method name port queryParams scheme sourceLabels sourceNamespace \
statPrefix uri withoutHeaders
VirtualService.http.route: destination headers weight
VirtualService.http.route.destination: host port subset
Telemetry: accessLogging metrics selector targetRef targetRefs tracing
Telemetry.selector: matchLabels
Telemetry.accessLogging: disabled filter match providers
Telemetry.tracing: customTags disableSpanReporting enableIstioTags match providers randomSamplingPercentage useRequestIdForTraceSampling
PeerAuthentication: mtls portLevelMtls selector
PeerAuthentication.mtls: mode
PeerAuthentication.mtls.mode = UNSET DISABLE PERMISSIVE STRICT
PeerAuthentication.selector: matchLabels
AuthorizationPolicy: action provider rules selector targetRef targetRefs
AuthorizationPolicy.action = ALLOW DENY AUDIT CUSTOM
AuthorizationPolicy.selector: matchLabels
AuthorizationPolicy.rules: from to when
AuthorizationPolicy.rules.from: source
AuthorizationPolicy.rules.from.source: ipBlocks namespaces notIpBlocks notNamespaces notPrincipals notRemoteIpBlocks \
notRequestPrincipals notServiceAccounts notTrustDomains principals remoteIpBlocks requestPrincipals serviceAccounts trustDomains
AuthorizationPolicy.rules.to: operation
AuthorizationPolicy.rules.to.operation: hosts methods notHosts notMethods notPaths notPorts paths ports
AuthorizationPolicy.rules.when: key notValues values
";

/// Checks every resource that has lines in the table.
pub fn check(resources: &[Resource<'_>], report: &mut Report) {
    for resource in resources {
        let kind = if resource.is("Gateway", ISTIO) { "IstioGateway" } else { resource.kind };
        if let Some(spec) = resource.place.member("spec") {
            look_at(&spec, kind, TABLE, "the control plane drops it and says nothing", report);
        }
    }
}

/// Checks a value against the lines of a table that begin with `path`; `what` becomes of a field that has no place there.
/// `path: fields` is a message, `path = words` takes only these, `path each other` has values of another path under any name,
/// `path is other` is one.
pub fn look_at(place: &Place<'_>, path: &str, table: &str, what: &str, report: &mut Report) {
    if !place.items().is_empty() {
        return place.items().iter().for_each(|item| look_at(item, path, table, what, report));
    }
    let line = |mark: &str| table.lines().find_map(|line| line.strip_prefix(path)?.strip_prefix(mark));
    if let Some(other) = line(" is ") {
        return look_at(place, other, table, what, report);
    }
    if let Some(other) = line(" each ") {
        return place.members().iter().for_each(|(_, member)| look_at(member, other, table, what, report));
    }
    if let Some(words) = line(" = ") {
        let known: Vec<&str> = words.split(' ').collect();
        if let Some(said) = place.scalar().filter(|said| !said.is_empty() && !known.contains(&said.as_str())) {
            let meant = nearest(&said, known.iter().copied()).map(|meant| format!("; {meant} is")).unwrap_or_default();
            report.problem(
                place.finding(format!("is none of {}{meant}: the API server refuses the resource", known.join(", "))),
            );
        }
    }
    let Some(fields) = line(": ") else { return };
    for (name, member) in place.members() {
        if let Some(known) = fields.split(' ').find(|known| *known == name || camel_case(known) == name) {
            look_at(&member, &format!("{path}.{known}"), table, what, report);
            continue;
        }
        match nearest(name, fields.split(' ')).filter(|_| name != "@type") {
            Some(meant) => report.problem(member.finding(format!("is not a known field; {meant} is: {what}"))),
            // A newer one may have it.
            None if name != "@type" => report.warning(member.finding(format!("is not a known field: {what}"))),
            None => {}
        }
    }
}
