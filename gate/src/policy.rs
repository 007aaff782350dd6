//! A configuration after it was accepted: what each request is judged by. Data only; the judging is in `decide`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::access::Access;
use crate::cache::Cache;
use crate::config::Problem;
use crate::cookie;
use crate::origin::OriginSet;
use crate::pages::Pages;
use crate::place::Slot;
use crate::session::Ring;
use crate::table::Table;
use crate::{jwt, signed, target};

/// The whole policy. Made by [`Gate::load`](crate::Gate::load) only.
#[derive(Debug)]
pub struct Gate {
    /// By authority, as a request may write it, in lower case.
    pub(crate) sites: Table<Arc<Site>>,
    /// Sites that are every host under a parent, by the parent's authority.
    pub(crate) parents: Table<Arc<Site>>,
    pub(crate) dashboards: Vec<Dashboard>,
    pub(crate) connect: Option<Connect>,
    pub(crate) readable: Readable,
    pub(crate) pages: Pages,
    pub(crate) reason_header: bool,
    pub(crate) warnings: Vec<Problem>,
    /// Tokens that verified under this policy.
    pub(crate) cache: Mutex<Cache>,
}

impl Gate {
    /// Names of the dashboards, in the configured order; a decision's dashboard is an index into them.
    pub fn dashboard_names(&self) -> impl Iterator<Item = &str> {
        self.dashboards.iter().map(|dashboard| dashboard.name.as_str())
    }

    /// The name of one of them.
    #[must_use]
    pub fn dashboard_name(&self, index: usize) -> Option<&str> {
        self.dashboards.get(index).map(|dashboard| dashboard.name.as_str())
    }

    /// What is allowed but unwise, by path.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Whether the gate needs bodies, and so `allow_on_headers_stop_iteration`.
    #[must_use]
    pub fn reads_bodies(&self) -> bool {
        self.connect.as_ref().is_some_and(|connect| connect.form)
    }

    /// How a dashboard judges one of its session kinds, and the audience it demands: what `dashgate mint` and `verify`
    /// need. Both are counted in the configured order.
    #[must_use]
    pub fn judges(&self, dashboard: usize, session: usize) -> Option<(&Format, &str)> {
        let dashboard = self.dashboards.get(dashboard)?;
        Some((&dashboard.kinds.get(session)?.format, &dashboard.audience))
    }

    /// Lets go of the sessions remembered, where a policy lives on only for the streams it permitted.
    pub fn forget_sessions(&self) {
        if let Ok(mut cache) = self.cache.try_lock() {
            *cache = Cache::default();
        }
    }

    /// Whether a cookie of that name holds a credential of some dashboard's, or did once.
    pub(crate) fn is_credential_cookie(&self, name: &[u8]) -> bool {
        name.starts_with(cookie::PREFIX) || self.readable.cookies.contains(name)
    }
}

/// One origin: an authority and the dashboards on it. Or, with `*` as its first label, the origins of all hosts under a parent.
#[derive(Debug)]
pub(crate) struct Site {
    pub origin: String,
    /// By path prefix, each ending in `/`.
    pub prefixes: BTreeMap<Box<[u8]>, usize>,
    /// Those whose prefix ends in one more segment, which names somebody.
    pub owned: BTreeMap<Box<[u8]>, usize>,
    /// How many `/` the deepest prefix has, such a segment's included: no path is searched deeper.
    pub depth: usize,
    /// The session cookies of its host, on whichever port.
    pub cookies: Vec<String>,
}

impl Site {
    /// The dashboard with the longest prefix that holds `path`, on segment boundaries. Of two as long, one whose last segment
    /// is written out is meant.
    pub fn dashboard(&self, path: &[u8]) -> Option<usize> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at.saturating_add(1));
        let (mut found, mut parent): (_, &[u8]) = (None, b"");
        for prefix in ends.take(self.depth).filter_map(|end| path.get(..end)) {
            found = self.at(prefix, parent).or(found);
            parent = prefix;
        }
        // `/tb` lies under `/tb/`, too.
        if !path.ends_with(b"/") && path.iter().filter(|byte| **byte == b'/').count() < self.depth {
            let mut whole = path.to_vec();
            whole.push(b'/');
            found = self.at(&whole, parent).or(found);
        }
        found
    }

    /// The dashboard of a prefix, or of one that ends in some segment after `parent`.
    fn at(&self, prefix: &[u8], parent: &[u8]) -> Option<usize> {
        self.prefixes.get(prefix).or_else(|| self.owned.get(parent)).copied()
    }

    /// All of its dashboards.
    pub fn dashboards(&self) -> impl Iterator<Item = usize> {
        self.prefixes.values().chain(self.owned.values()).copied()
    }
}

#[derive(Debug)]
pub(crate) struct Dashboard {
    /// Its place in the configured order.
    pub index: usize,
    pub name: String,
    pub origin: String,
    /// The prefix; where the path names somebody, that of all of them.
    pub path: Box<[u8]>,
    /// Where the URL names whose it is.
    pub slot: Option<Slot>,
    pub access: Access,
    pub open: bool,
    pub kinds: Vec<Arc<Kind>>,
    pub require_all: bool,
    pub keep: Carriers,
    /// Cookies that go up though they hold credentials.
    pub keep_cookies: cookie::Names,
    /// Its own and the configured ones.
    pub origins: OriginSet,
    pub public: Vec<Box<[u8]>>,
    pub audience: String,
    pub cookie: String,
    pub identity: Identity,
    pub missing_origin: MissingOrigin,
    pub null_origin: bool,
    pub embeds: bool,
    /// The value of the additional Content-Security-Policy line.
    pub frame_ancestors: String,
    pub preflight: Preflight,
    /// Other dashboards are on the same host.
    pub shares_host: bool,
}

impl Dashboard {
    /// Whether `path` lies under one of the public paths, on segment boundaries.
    pub fn is_public(&self, path: &[u8]) -> bool {
        self.public.iter().any(|public| {
            path.strip_prefix(public.as_ref())
                .is_some_and(|rest| rest.is_empty() || public.ends_with(b"/") || rest.starts_with(b"/"))
        })
    }

    pub fn reads_bokeh(&self) -> bool {
        self.kinds.iter().any(|kind| kind.carriers.bokeh)
    }

    pub fn reads(&self, carrier: impl Fn(&Carriers) -> bool) -> bool {
        self.kinds.iter().any(|kind| carrier(&kind.carriers))
    }

    /// How tokens in this dashboard's cookie are judged, kind by kind: what connect takes.
    pub fn cookie_policies(&self) -> impl Iterator<Item = &jwt::Policy> {
        self.kinds.iter().filter(|kind| kind.carriers.cookie).filter_map(|kind| match &kind.format {
            Format::Jwt(policy) => Some(policy),
            Format::Bokeh(_) | Format::Signed(_) => None,
        })
    }
}

/// A kind of session: how it is made and where it is found.
#[derive(Debug)]
pub(crate) struct Kind {
    pub format: Format,
    pub carriers: Carriers,
    pub max_stream_seconds: Option<u64>,
}

impl Kind {
    /// Whether the app signs one for every visitor, logged in or not: it names nobody, and only the app's store knows more.
    pub fn is_for_every_visitor(&self) -> bool {
        matches!(&self.format, Format::Signed(policy) if policy.scheme.payload == signed::Payload::Id)
    }

    /// Whether its sessions are logins at one origin, which may be in several cookies.
    pub fn is_login(&self) -> bool {
        matches!(&self.format, Format::Signed(policy) if policy.is_login)
    }

    /// Whether such a login may come in chunks.
    pub fn takes_chunks(&self) -> bool {
        matches!(&self.format, Format::Signed(policy) if !policy.chunks.is_empty())
    }

    /// The cookie of its own that a session of this kind is in, whatever the dashboard.
    pub fn own_cookie(&self) -> Option<&[u8]> {
        match &self.format {
            Format::Signed(policy) => Some(policy.cookie.as_bytes()),
            Format::Jwt(_) | Format::Bokeh(_) => None,
        }
    }
}

/// How a session kind's credentials are made and judged.
#[derive(Debug)]
pub enum Format {
    /// JWT HS256.
    Jwt(jwt::Policy),
    /// Bokeh's signed ids and tokens.
    Bokeh(Ring),
    /// A web framework's own signed cookie.
    Signed(signed::Policy),
}

/// Where credentials are found, or kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Carriers {
    pub cookie: bool,
    pub bearer: bool,
    pub marker: bool,
    pub bokeh: bool,
}

impl Carriers {
    pub fn join(&mut self, other: Self) {
        self.cookie |= other.cookie;
        self.bearer |= other.bearer;
        self.marker |= other.marker;
        self.bokeh |= other.bokeh;
    }
}

/// What any session kind of any dashboard could read: all of it is removed on the way up.
#[derive(Debug, Default)]
pub(crate) struct Readable {
    pub carriers: Carriers,
    /// Cookies whose names do not begin as dashgate's own do.
    pub cookies: cookie::Names,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Identity {
    pub subject: bool,
    pub session: bool,
    pub dashboard: bool,
    pub expires: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingOrigin {
    Deny,
    AllowWithBearer,
    Allow,
}

#[derive(Debug)]
pub(crate) struct Preflight {
    pub methods: String,
    pub headers: String,
    pub max_age: String,
}

#[derive(Debug)]
pub(crate) struct Connect {
    pub from: OriginSet,
    pub login_url: Option<String>,
    pub max_token_age_seconds: u64,
    pub form: bool,
}

impl Connect {
    /// Where a navigation to a dashboard is sent to sign in: `next` has lost its credentials already. Of a host for each
    /// subject or session the host's label goes along.
    pub fn login_location(&self, dashboard: &Dashboard, label: Option<&str>, next: &[u8]) -> Option<String> {
        let login_url = self.login_url.as_ref()?;
        let separator = if login_url.contains('?') { '&' } else { '?' };
        let next = target::percent_encoded(next, target::QUERY_SPECIAL);
        let label = label.map(|label| format!("&label={label}")).unwrap_or_default();
        Some(format!("{login_url}{separator}dashboard={}{label}&next={next}", dashboard.name))
    }
}
