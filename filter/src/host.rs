//! The host calls the filter makes, as a trait: small, and free of proxy-wasm's own types, so that tests can stand in for
//! Envoy and another kind of host can be put under the same filter.

/// A host call that did not succeed. Which status it had changes nothing: the request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostError;

/// The outcome of a host call.
pub type HostResult<T> = Result<T, HostError>;

/// Which header map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// The request's headers.
    Request,
    /// The request's trailers.
    RequestTrailers,
    /// The answer's headers.
    Response,
}

/// A header map as the host hands it over, in one piece.
#[derive(Debug, Default)]
pub struct Headers(Vec<u8>);

impl Headers {
    /// Wraps proxy-wasm's serialized form: a count, that many pairs of lengths, then names and values, each with a NUL.
    #[must_use]
    pub fn from_serialized(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// All pairs, in order.
    ///
    /// # Errors
    /// Where the bytes are not of that form.
    pub fn pairs(&self) -> HostResult<Vec<(&[u8], &[u8])>> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        let mut sizes = self.0.as_slice();
        let count = usize::try_from(take_u32(&mut sizes)?).map_err(|_| HostError)?;
        let sizes_length = count.checked_mul(8).ok_or(HostError)?;
        let (mut sizes, mut data) = sizes.split_at_checked(sizes_length).ok_or(HostError)?;
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            let (name_length, value_length) = (take_u32(&mut sizes)?, take_u32(&mut sizes)?);
            pairs.push((take_text(&mut data, name_length)?, take_text(&mut data, value_length)?));
        }
        if data.is_empty() { Ok(pairs) } else { Err(HostError) }
    }

    /// The serialized form of some pairs.
    #[must_use]
    pub fn serialize(pairs: &[(&str, &[u8])]) -> Vec<u8> {
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&length(pairs.len()));
        for (name, value) in pairs {
            bytes.extend_from_slice(&length(name.len()));
            bytes.extend_from_slice(&length(value.len()));
        }
        for (name, value) in pairs {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(value);
            bytes.push(0);
        }
        bytes
    }
}

fn take_u32(bytes: &mut &[u8]) -> HostResult<u32> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or(HostError)?;
    *bytes = rest;
    Ok(u32::from_le_bytes(*head))
}

fn take_text<'a>(bytes: &mut &'a [u8], length: u32) -> HostResult<&'a [u8]> {
    let length = usize::try_from(length).map_err(|_| HostError)?;
    let (text, rest) = bytes.split_at_checked(length).ok_or(HostError)?;
    *bytes = rest.strip_prefix(&[0]).ok_or(HostError)?;
    Ok(text)
}

/// An answer to be sent instead of forwarding.
#[derive(Debug)]
pub struct LocalReply<'a> {
    /// HTTP status.
    pub status: u16,
    /// Envoy's RESPONSE_CODE_DETAILS.
    pub details: &'a str,
    /// Headers, in order.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// Body.
    pub body: &'a [u8],
    /// The status for a gRPC call.
    pub grpc_status: Option<u32>,
}

/// What a filter may ask of its host while it is called.
pub trait Host {
    /// A whole header map.
    ///
    /// # Errors
    /// Where the host refuses; so with all others.
    fn headers(&mut self, map: Map) -> HostResult<Headers>;
    /// The first value of one header.
    ///
    /// # Errors
    /// As above.
    fn header(&mut self, map: Map, name: &str) -> HostResult<Option<Vec<u8>>>;
    /// Replaces all lines of a header by one.
    ///
    /// # Errors
    /// As above.
    fn set_header(&mut self, map: Map, name: &str, value: &[u8]) -> HostResult<()>;
    /// Adds a line of a header.
    ///
    /// # Errors
    /// As above.
    fn add_header(&mut self, map: Map, name: &str, value: &[u8]) -> HostResult<()>;
    /// Removes all lines of a header.
    ///
    /// # Errors
    /// As above.
    fn remove_header(&mut self, map: Map, name: &[u8]) -> HostResult<()>;
    /// The request body as far as it has come, `limit` bytes at most.
    ///
    /// # Errors
    /// As above.
    fn request_body(&mut self, limit: usize) -> HostResult<Vec<u8>>;
    /// Writes a filter state of the stream, `wasm.NAME` to Envoy.
    ///
    /// # Errors
    /// As above.
    fn set_state(&mut self, name: &str, value: &[u8]) -> HostResult<()>;
    /// Nanoseconds since the Unix epoch.
    ///
    /// # Errors
    /// As above.
    fn now(&mut self) -> HostResult<u64>;
    /// Makes a counter and returns its id.
    ///
    /// # Errors
    /// As above.
    fn define_counter(&mut self, name: &str) -> HostResult<u32>;
    /// Counts one more.
    ///
    /// # Errors
    /// As above.
    fn increment(&mut self, counter: u32) -> HostResult<()>;
    /// Answers instead of forwarding.
    ///
    /// # Errors
    /// As above.
    fn reply(&mut self, reply: &LocalReply<'_>) -> HostResult<()>;
    /// Writes a warning to the host's log.
    fn warn(&mut self, message: &str);
    /// Writes an error to the host's log.
    fn error(&mut self, message: &str);
}
