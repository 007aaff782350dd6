//! Every reason a request can be refused for, once: code, status, what the client is told, what the operator is told.
//!
//! The order of the list is the order of evaluation. Codes are append-only: they are metric labels and docs anchors.

macro_rules! advices {
    ($($(#[$doc:meta])* $variant:ident $sentence:literal;)*) => {
        /// What a refusal advises the person to do. Each has one fixed sentence; none tells which check failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Advice {
            $($(#[$doc])* $variant,)*
        }

        impl Advice {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The fixed sentence a client is told.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }

            /// The same as a JSON object, ready to be sent: no sentence needs an escape.
            #[must_use]
            pub fn json(self) -> &'static str {
                match self { $(Self::$variant => concat!("{\"error\":\"", $sentence, "\"}"),)* }
            }
        }
    };
}

advices! {
    /// Sign in and connect again.
    SignIn
        "There is no valid session for this dashboard. Sign in at your portal and press Connect.";
    /// Nothing the person can do here.
    NotAllowed
        "This request is not allowed here.";
    /// The address is wrong.
    NotFound
        "There is no dashboard at this address.";
    /// The request is malformed.
    BadRequest
        "This request is malformed.";
    /// The portal must mend its Referrer-Policy.
    PortalReferrer
        "The portal's page hides its origin, so it cannot connect you. \
         Its administrator should send Referrer-Policy: strict-origin-when-cross-origin on that page.";
    /// The session is good, but not for this.
    NotYours
        "Your session does not open this dashboard. Whoever runs it can give you access.";
    /// The link or form is too old, or was not made for this.
    ConnectAgain
        "This connection could not be made. Go back to your portal and press Connect again.";
    /// The portal must use the connect link.
    ConnectByLink
        "This gate cannot take a form. The portal should use the connect link instead.";
}

macro_rules! reasons {
    ($($variant:ident $code:literal $status:literal $advice:ident $meaning:literal;)*) => {
        /// Why a request was refused. Declared in the order in which the checks run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason {
            $(#[doc = $meaning] $variant,)*
        }

        impl Reason {
            /// All reasons, in the order of evaluation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code: metric label, log field, docs anchor.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Envoy's `RESPONSE_CODE_DETAILS` of the refusal.
            #[must_use]
            pub fn details(self) -> &'static str {
                match self { $(Self::$variant => concat!("dashgate_", $code),)* }
            }

            /// The HTTP status a plain request is answered with.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// What the person is advised to do.
            #[must_use]
            pub fn advice(self) -> Advice {
                match self { $(Self::$variant => Advice::$advice,)* }
            }

            /// What the operator is told: one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

reasons! {
    HostCallFailed "host_call_failed" 500 BadRequest
        "A call from the filter to Envoy failed, so nothing could be decided.";
    AuthorityInvalid "authority_invalid" 400 BadRequest
        "The authority is not exactly one host[:port]: absent, repeated, with userinfo, a comma, an odd port or a trailing dot.";
    MethodNotAllowed "method_not_allowed" 400 BadRequest
        "The method is CONNECT without a WebSocket, or not a method at all.";
    PathInvalid "path_invalid" 400 BadRequest
        "The path holds what could be read in two ways: dot segments, //, encoded slashes, backslashes, ; or control bytes.";
    DashboardNotFound "dashboard_not_found" 404 NotFound
        "No dashboard is configured for this host and path.";
    UpgradeNotAllowed "upgrade_not_allowed" 403 NotAllowed
        "The upgrade is not a GET to websocket without a body.";
    CookieInvalid "cookie_invalid" 400 BadRequest
        "A Cookie field holds bytes outside 20-7E, which cookie parsers read in different ways.";
    CredentialRepeated "credential_repeated" 403 NotAllowed
        "One carrier holds two credentials: a cookie, a parameter or a field occurs twice.";
    CredentialDisguised "credential_disguised" 403 NotAllowed
        "A credential's parameter or subprotocol is written in a way that only some servers recognise.";
    OriginRepeated "origin_repeated" 403 NotAllowed
        "There is more than one Origin, or a comma in it.";
    OriginNull "origin_null" 403 NotAllowed
        "The Origin is null: a sandboxed frame, a file, or a page that hides its referrer.";
    OriginNotAllowed "origin_not_allowed" 403 NotAllowed
        "The Origin is neither the dashboard's own nor one of its origins.";
    OriginMissing "origin_missing" 403 NotAllowed
        "An upgrade, or a method other than GET, HEAD and OPTIONS, came without an Origin.";
    FetchMetadataInvalid "fetch_metadata_invalid" 403 NotAllowed
        "A Sec-Fetch field is repeated or has a value that no browser sends.";
    FrameNotAllowed "frame_not_allowed" 403 NotAllowed
        "The dashboard was to be shown in a frame of another site, and embed_from lists none.";
    SiteNotAllowed "site_not_allowed" 403 NotAllowed
        "Another site's page asked for this, and it was neither a navigation nor from an allowed Origin.";
    EndpointNotFound "endpoint_not_found" 404 NotFound
        "Nothing is served at this path or method under /.dashgate/.";
    ConnectOriginNull "connect_origin_null" 403 PortalReferrer
        "The portal's connect form arrived with Origin null: its page sends a Referrer-Policy that hides the origin.";
    ConnectBodyUnsupported "connect_body_unsupported" 501 ConnectByLink
        "A connect form arrived where connect.form is false; use connect by fragment.";
    ConnectBodyTooLarge "connect_body_too_large" 413 ConnectAgain
        "The connect form is larger than 16 KiB.";
    ConnectFormInvalid "connect_form_invalid" 400 ConnectAgain
        "The connect form is not application/x-www-form-urlencoded with one token and at most one next.";
    ConnectNextNotAllowed "connect_next_not_allowed" 400 ConnectAgain
        "next is not a path of this host under a dashboard that takes portal sessions by cookie.";
    BodyNotAllowed "body_not_allowed" 403 NotAllowed
        "A GET or HEAD carries a body where a session id is read: the body could override it.";
    CredentialConflict "credential_conflict" 403 NotAllowed
        "Two carriers hold different credentials for one session kind, or two required sessions name different subjects.";
    SessionMissing "session_missing" 401 SignIn
        "No credential for this dashboard was found.";
    CredentialTooLong "credential_too_long" 401 SignIn
        "The credential is longer than its carrier's cap.";
    TokenMalformed "token_malformed" 401 SignIn
        "The credential does not have the exact form of its format.";
    AlgorithmNotAllowed "algorithm_not_allowed" 401 SignIn
        "The token's alg is not the configured one.";
    HeaderParameterNotAllowed "header_parameter_not_allowed" 401 SignIn
        "The token's header has crit, b64, zip, jku, jwk or an x5 parameter.";
    KeyUnknown "key_unknown" 401 SignIn
        "The token's kid names no key of this session kind, or there is none where several public keys need it.";
    SignatureInvalid "signature_invalid" 401 SignIn
        "No key of this session kind made the signature.";
    KeyRetired "key_retired" 401 SignIn
        "The key that signed the session has passed its retire_at.";
    ClaimsMalformed "claims_malformed" 401 SignIn
        "The signed content is not what the format prescribes.";
    IssuerNotAllowed "issuer_not_allowed" 401 SignIn
        "The token's iss is not the configured issuer.";
    AudienceNotAllowed "audience_not_allowed" 403 SignIn
        "The token's aud, or the origin a login was made at, does not name this dashboard.";
    SessionNotYetValid "session_not_yet_valid" 401 SignIn
        "The token's nbf or iat lies in the future.";
    SessionExpired "session_expired" 401 SignIn
        "The session has ended.";
    SessionLifetimeTooLong "session_lifetime_too_long" 401 SignIn
        "The token lives longer than max_lifetime_seconds.";
    SubjectMissing "subject_missing" 401 SignIn
        "The session names no subject, and the session kind or the dashboard asks for one.";
    SubjectNotOwner "subject_not_owner" 403 NotYours
        "The URL names another subject than the session.";
    SessionNotNamed "session_not_named" 403 NotYours
        "The URL names another session than the one shown, or the one shown has no public id.";
    SubjectNotAllowed "subject_not_allowed" 403 NotYours
        "The session's subject is not among the dashboard's subjects, nor a group of it among its groups.";
    BackendMissing "backend_missing" 403 NotYours
        "The session names no backend, and the dashboard has one for each session.";
    BackendMalformed "backend_malformed" 403 NotYours
        "The session's backend is not an address or name with a port in canonical form.";
    BackendNotAllowed "backend_not_allowed" 403 NotYours
        "The session's backend is not among the dashboard's backends.";
    ConnectIssueTimeMissing "connect_issue_time_missing" 403 ConnectAgain
        "A token shown at connect has no iat.";
    ConnectTokenStale "connect_token_stale" 403 ConnectAgain
        "A token shown at connect was issued longer ago than connect.max_token_age_seconds.";
    ConnectTokenTooLong "connect_token_too_long" 403 ConnectAgain
        "Cookie name and token are over 4,096 bytes together: browsers would drop the cookie silently.";
}

impl Reason {
    /// Whether signing in again helps by itself: the session is not there, has ended, or is that of a visitor without a name.
    #[must_use]
    pub fn is_ended_session(self) -> bool {
        matches!(self, Self::SessionMissing | Self::SessionExpired | Self::KeyRetired | Self::SubjectMissing)
    }
}

/// The reference page of all reasons, in Markdown: `docs/reasons.md` is this text.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Reason codes\n\n\
         Every refusal has exactly one, in the access log, the metric, the log line and `dashgate explain`. \
         The order is the order in which the checks run: the earliest failing one is reported. \
         Upgrades are answered 401 or 403 only, gRPC calls with grpc-status 16 (for 401) or 7.\n\n\
         | code | status | what happened | what the client is told |\n|---|---|---|---|\n",
    );
    for reason in Reason::ALL {
        page.push_str(&format!(
            "| <a id=\"{0}\"></a>`{0}` | {1} | {2} | {3} |\n",
            reason.code(),
            reason.status(),
            reason.meaning(),
            reason.advice().sentence()
        ));
    }
    page
}
