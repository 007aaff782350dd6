//! One view of a request's header map: what the gate reads, sorted out in a single pass, all of it bytes.

/// A header that may occur once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field<'a> {
    /// Not there.
    #[default]
    Absent,
    /// There once, with this value.
    One(&'a [u8]),
    /// There more than once.
    Repeated,
}

impl<'a> Field<'a> {
    fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Absent => Self::One(value),
            _ => Self::Repeated,
        };
    }

    /// Whether it is there at all.
    #[must_use]
    pub fn is_present(&self) -> bool {
        *self != Self::Absent
    }

    /// The value, if it is there once.
    #[must_use]
    pub fn once(&self) -> Option<&'a [u8]> {
        match self {
            Self::One(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is there once with exactly this value.
    #[must_use]
    pub fn is(&self, expected: &[u8]) -> bool {
        self.once() == Some(expected)
    }
}

/// What the gate reads of a request. Nothing else of it is ever looked at (`X-Forwarded-*` and the like have no field here).
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    pub(crate) authority: Field<'a>,
    pub(crate) host: Field<'a>,
    pub(crate) method: Field<'a>,
    pub(crate) path: Field<'a>,
    pub(crate) upgrade: Field<'a>,
    pub(crate) websocket_key: Field<'a>,
    pub(crate) origin: Field<'a>,
    pub(crate) authorization: Field<'a>,
    pub(crate) bokeh_session_id: Field<'a>,
    pub(crate) content_length: Field<'a>,
    pub(crate) content_type: Field<'a>,
    pub(crate) transfer_encoding: Field<'a>,
    pub(crate) site: Field<'a>,
    pub(crate) mode: Field<'a>,
    pub(crate) destination: Field<'a>,
    pub(crate) preflight_method: Field<'a>,
    pub(crate) grpc_timeout: Field<'a>,
    pub(crate) cookies: Vec<&'a [u8]>,
    pub(crate) subprotocols: Vec<&'a [u8]>,
    pub(crate) forbidden: Vec<&'a [u8]>,
    pub(crate) ends_with_headers: bool,
}

impl<'a> Request<'a> {
    /// Sorts a header map out. Names are in lower case, as Envoy and HTTP/2 have them.
    ///
    /// `ends_with_headers`: no body follows.
    pub fn new(headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>, ends_with_headers: bool) -> Self {
        let mut request = Self { ends_with_headers, ..Self::default() };
        headers.into_iter().for_each(|(name, value)| request.add(name, value));
        request
    }

    /// Once, not for each kind of iterator: it would be kilobytes of module.
    #[inline(never)]
    fn add(&mut self, name: &'a [u8], value: &'a [u8]) {
        match name {
            b":authority" => self.authority.add(value),
            b"host" => self.host.add(value),
            b":method" => self.method.add(value),
            b":path" => self.path.add(value),
            b"upgrade" => self.upgrade.add(value),
            b"sec-websocket-key" => self.websocket_key.add(value),
            b"origin" => self.origin.add(value),
            b"authorization" => self.authorization.add(value),
            b"bokeh-session-id" => self.bokeh_session_id.add(value),
            b"content-length" => self.content_length.add(value),
            b"content-type" => self.content_type.add(value),
            b"transfer-encoding" => self.transfer_encoding.add(value),
            b"sec-fetch-site" => self.site.add(value),
            b"sec-fetch-mode" => self.mode.add(value),
            b"sec-fetch-dest" => self.destination.add(value),
            b"access-control-request-method" => self.preflight_method.add(value),
            b"grpc-timeout" => self.grpc_timeout.add(value),
            b"cookie" => self.cookies.push(value),
            b"sec-websocket-protocol" => self.subprotocols.push(value),
            _ if is_forbidden(name) => self.forbidden.push(name),
            _ => {}
        }
    }

    /// The headers a client may not send, to be removed whatever the verdict.
    #[must_use]
    pub fn forbidden(&self) -> &[&'a [u8]] {
        &self.forbidden
    }

    /// Whether the method is exactly this one.
    #[must_use]
    pub fn has_method(&self, method: &str) -> bool {
        self.method.is(method.as_bytes())
    }

    pub(crate) fn reads_only(&self) -> bool {
        self.has_method("GET") || self.has_method("HEAD")
    }

    /// An upgrade carries its frames where a body would be; otherwise a body is what is announced or follows.
    pub(crate) fn has_body(&self) -> bool {
        self.transfer_encoding.is_present()
            || match self.content_length {
                Field::Absent => !self.ends_with_headers,
                Field::One(length) => length != b"0" || !self.ends_with_headers,
                Field::Repeated => true,
            }
    }

    /// A WebSocket is none, whatever it says of its content.
    pub(crate) fn is_grpc(&self) -> bool {
        // RFC: "application/grpc" [("+proto" / "+json" / {custom})], as Envoy recognises it.
        !self.upgrade.is_present()
            && matches!(self.content_type, Field::One(kind) if kind == b"application/grpc" || kind.starts_with(b"application/grpc+"))
    }

    /// A person's navigation of a whole tab by link or address: what another site's page may cause.
    pub(crate) fn is_navigation(&self) -> bool {
        self.reads_only() && self.is_for_a_person()
    }

    /// A whole tab waits for the answer, after a link or a form: the only kind of request that gets pages.
    pub(crate) fn is_for_a_person(&self) -> bool {
        self.mode.is(b"navigate") && self.destination.is(b"document") && !self.upgrade.is_present()
    }
}

/// Names that begin with `x-dashgate`, however `-` and `_` are mixed (CVE-2025-64484 was such an alias).
#[must_use]
pub fn is_forbidden(name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"x-dashgate";
    name.len() >= PREFIX.len()
        && name
            .iter()
            .zip(PREFIX)
            .all(|(byte, expected)| byte.eq_ignore_ascii_case(expected) || (*expected == b'-' && *byte == b'_'))
}
