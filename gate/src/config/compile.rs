//! From a document of the right shape to a policy: references, secrets, and what contradicts itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::fields::Url;
use super::{Environment, Problem};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::json::Json;
use crate::origin::OriginSet;
use crate::pages::Pages;
use crate::policy::{Carriers, Connect, Dashboard, Gate, Identity, Kind, MissingOrigin, Preflight, Readable, Site};
use crate::secret::{self, Encoding, Key};
use crate::table::Table;
use crate::time::Time;
use crate::{cookie, time};

/// Things by name, in the configured order. A list: this runs once, and each kind of tree would be kilobytes of module.
pub(super) struct Named<T>(pub Vec<(String, T)>);

impl<T> Named<T> {
    pub fn place(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(known, _)| known == name)
    }

    pub fn find(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, thing)| thing)
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, thing)| thing)
    }

    /// The thing of that name, made where there is none yet.
    fn entry(&mut self, name: &str, make: impl FnOnce() -> T) -> Option<&mut T> {
        let place = self.place(name).unwrap_or_else(|| {
            self.0.push((name.to_owned(), make()));
            self.0.len().saturating_sub(1)
        });
        self.0.get_mut(place).map(|(_, thing)| thing)
    }
}

/// Reads values whose shape was checked; a missing one has its default here, as the table says it.
pub(super) struct Reader<'a>(pub &'a Json<'a>);

impl<'a> Reader<'a> {
    #[inline(never)]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.0.member(name).and_then(Json::text)
    }

    #[inline(never)]
    pub fn whole(&self, name: &str) -> Option<u64> {
        match self.0.member(name) {
            Some(Json::Whole(number)) => Some(*number),
            _ => None,
        }
    }

    #[inline(never)]
    pub fn truth(&self, name: &str) -> bool {
        matches!(self.0.member(name), Some(Json::Bool(true)))
    }

    pub fn words(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.items(name).iter().filter_map(Json::text)
    }

    #[inline(never)]
    pub fn items(&self, name: &str) -> &'a [Json<'a>] {
        self.0.member(name).map(Json::items).unwrap_or_default()
    }

    #[inline(never)]
    pub fn has(&self, name: &str) -> bool {
        self.0.member(name).is_some()
    }
}

pub(super) fn compile(document: &Json<'_>, environment: Environment<'_>) -> Result<Gate, Vec<Problem>> {
    let document = Reader(document);
    let mut compiler = Compiler { problems: Vec::new(), warnings: Vec::new() };
    let keys = compiler.keys(&document, environment);
    let kinds = compiler.kinds(&document, &keys, environment);
    let connect = document.0.member("connect").map(|connect| connect_of(&Reader(connect)));
    let mut dashboards = compiler.dashboards(&document, &kinds);
    let (sites, parents) = compiler.sites(&mut dashboards);
    compiler.check_cookies(&kinds, &dashboards);
    if dashboards.is_empty() {
        compiler.problem("dashboards", "lists none, so everything would be refused");
    }
    if connect.as_ref().is_some_and(|connect| connect.from.is_empty()) {
        compiler.problem("connect.from", "lists no origin");
    }
    let readable = readable(&kinds, &dashboards);
    let pages = Pages::new(connect.as_ref().and_then(|connect| connect.login_url.as_deref()));
    if compiler.problems.is_empty() {
        let reason_header = document.truth("reason_header");
        let (warnings, cache) = (compiler.warnings, Mutex::default());
        Ok(Gate { sites, parents, dashboards, connect, readable, pages, reason_header, warnings, cache })
    } else {
        Err(compiler.problems)
    }
}

fn connect_of(connect: &Reader<'_>) -> Connect {
    let mut from = OriginSet::default();
    connect.words("from").for_each(|origin| from.insert(origin));
    Connect {
        from,
        login_url: connect.text("login_url").map(str::to_owned),
        max_token_age_seconds: connect.whole("max_token_age_seconds").unwrap_or(120),
        form: !connect.has("form") || connect.truth("form"),
    }
}

fn readable(kinds: &Named<Arc<Kind>>, dashboards: &[Dashboard]) -> Readable {
    let mut readable = Readable::default();
    kinds.values().for_each(|kind| readable.carriers.join(kind.carriers));
    let own = kinds.values().filter_map(|kind| Some((kind.own_cookie()?, kind.is_login())));
    for (name, and_more) in dashboards.iter().map(|dashboard| (dashboard.cookie.as_bytes(), false)).chain(own) {
        if !name.starts_with(cookie::PREFIX) {
            readable.cookies.insert(name, and_more);
        }
    }
    readable
}

/// A key's secret, until each session kind has made of it what its format signs with.
pub(super) struct Secret {
    pub id: String,
    pub bytes: Vec<u8>,
    pub retire_at: Option<Time>,
    /// Not a secret at all, but the public half of one.
    pub is_public: bool,
}

/// What is wrong with a variable that cannot be had.
pub(super) const UNSET: &str = "is not set in the environment of the VM (host_env_keys)";

pub(super) struct Compiler {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Compiler {
    /// Once, not wherever it is called: it would be kilobytes of module.
    #[inline(never)]
    pub fn problem(&mut self, path: impl AsRef<str>, message: impl AsRef<str>) {
        self.problems.push(Problem::new(path.as_ref(), message.as_ref()));
    }

    #[inline(never)]
    pub fn warning(&mut self, path: impl AsRef<str>, message: impl AsRef<str>) {
        self.warnings.push(Problem::new(path.as_ref(), message.as_ref()));
    }

    /// All keys by id; a key that cannot be had is a problem and `None`, so that references to it are not problems, too.
    fn keys(&mut self, document: &Reader<'_>, environment: Environment<'_>) -> Named<Option<Secret>> {
        let mut keys = Named(Vec::new());
        for (index, item) in document.items("keys").iter().enumerate() {
            let item = Reader(item);
            let path = format!("keys[{index}]");
            let id = item.text("id").unwrap_or_default();
            let is_public = item.has("public_key");
            let bytes = match item.text("public_key") {
                Some(text) => self.public_key(&path, &item, text),
                None => self.secret(&path, &item, environment),
            };
            let retire_at = item.text("retire_at").and_then(|text| time::parse_utc(text).ok());
            let key = bytes.map(|bytes| Secret { id: id.to_owned(), bytes, retire_at, is_public });
            if keys.place(id).is_some() {
                self.problem(format!("{path}.id"), "is the id of an earlier key");
            }
            keys.0.push((id.to_owned(), key));
        }
        keys
    }

    /// The bytes of a secret in the environment.
    fn secret(&mut self, path: &str, item: &Reader<'_>, environment: Environment<'_>) -> Option<Vec<u8>> {
        let encoding = match item.text("encoding") {
            Some("base64") => Encoding::Base64,
            Some("hex") => Encoding::Hex,
            Some("utf8") => Encoding::Utf8,
            _ => Encoding::Base64Url,
        };
        for name in ["env", "encoding"] {
            if !item.has(name) {
                self.problem(format!("{path}.{name}"), "is missing");
            }
        }
        let variable = item.text("env")?;
        let secret = environment(variable).ok_or(UNSET).and_then(|text| secret::decode(&text, encoding));
        secret.map_err(|message| self.problem(format!("{path}.env"), format!("{variable} {message}"))).ok()
    }

    /// The bytes of a public key, which is no secret.
    fn public_key(&mut self, path: &str, item: &Reader<'_>, text: &str) -> Option<Vec<u8>> {
        for name in ["env", "encoding"] {
            if item.has(name) {
                self.problem(format!("{path}.{name}"), "is not for a public key");
            }
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| Key::public("", bytes, None).is_some());
        if bytes.is_none() {
            self.problem(
                format!("{path}.public_key"),
                "is not an Ed25519 public key: 32 bytes in base64url without padding, as the x of a JWK",
            );
        }
        bytes
    }

    fn dashboards(&mut self, document: &Reader<'_>, kinds: &Named<Arc<Kind>>) -> Vec<Dashboard> {
        let mut dashboards: Vec<Dashboard> = Vec::new();
        for (index, item) in document.items("dashboards").iter().enumerate() {
            let path = format!("dashboards[{index}]");
            let dashboard = self.dashboard(index, &path, &Reader(item), kinds);
            if dashboards.iter().any(|earlier| earlier.name == dashboard.name) {
                self.problem(format!("{path}.name"), "is the name of an earlier dashboard");
            }
            dashboards.push(dashboard);
        }
        for (index, item) in document.items("dashboards").iter().enumerate() {
            self.warn_of_sharing(index, &dashboards, Reader(item).truth("shared_origin"));
        }
        dashboards
    }

    fn dashboard(&mut self, index: usize, path: &str, item: &Reader<'_>, kinds: &Named<Arc<Kind>>) -> Dashboard {
        let name = item.text("name").unwrap_or_default();
        let url = item.text("url").unwrap_or_default();
        // The table lets no other url through.
        let place = Url::parse(url).unwrap_or_default();
        let prefix = place.path.as_str();
        let open = item.truth("open");
        let sessions: Vec<_> = self.references(path, "sessions", item, kinds);
        let mut keep = Carriers::default();
        let kept = self.references(path, "keep", item, kinds);
        kept.iter().for_each(|kind| keep.join(kind.carriers));
        if open && !item.items("sessions").is_empty() {
            self.problem(format!("{path}.sessions"), "must be empty where open is true");
        }
        if !open && item.items("sessions").is_empty() {
            self.problem(format!("{path}.sessions"), "lists none; a dashboard that needs no session says open: true");
        }
        let access = self.access(path, item, place.slot, &sessions);
        if place.slot.is_some_and(|slot| !slot.in_path) && sessions.iter().any(|kind| kind.is_login()) {
            self.problem(format!("{path}.sessions"), "lists Streamlit's, which name one origin: the url has many");
        }
        let origin = format!("{}://{}", place.scheme, place.authority);
        let mut origins = OriginSet::default();
        if place.slot.is_none_or(|slot| slot.in_path) {
            origins.insert(&origin);
        }
        item.words("origins").for_each(|origin| origins.insert(origin));
        for (index, public) in item.words("public").enumerate() {
            if public == prefix || !public.starts_with(prefix) {
                self.problem(
                    format!("{path}.public[{index}]"),
                    "must lie under the dashboard's url, and not be all of it",
                );
            }
        }
        let cookie = item.text("cookie").map_or_else(|| format!("__Host-dashgate-{name}"), str::to_owned);
        let mut keep_cookies = cookie::Names::default();
        for kind in &kept {
            if let Some(name) = kind.own_cookie() {
                keep_cookies.insert(name, kind.is_login());
            }
        }
        if keep.cookie {
            keep_cookies.insert(cookie.as_bytes(), false);
        }
        let missing_origin = match item.text("missing_origin") {
            Some("allow") => MissingOrigin::Allow,
            Some("allow_with_bearer") => MissingOrigin::AllowWithBearer,
            _ => MissingOrigin::Deny,
        };
        let require_all = item.text("require") == Some("all");
        let keeps_own = kept.iter().any(|kind| kind.own_cookie().is_some());
        self.warn_of_openings(path, item, &cookie, keep, keeps_own);
        self.warn_of_visitors(path, &sessions, require_all);
        let identity = |word: &str| item.words("identity_headers").any(|listed| listed == word);
        let embed_from: Vec<&str> = item.words("embed_from").collect();
        Dashboard {
            index,
            name: name.to_owned(),
            origin,
            path: prefix.as_bytes().into(),
            slot: place.slot,
            access,
            open,
            kinds: sessions,
            require_all,
            keep,
            keep_cookies,
            origins,
            public: item.words("public").map(|public| public.as_bytes().into()).collect(),
            audience: item.text("audience").unwrap_or(url).to_owned(),
            cookie,
            identity: Identity {
                subject: !item.has("identity_headers") || identity("subject"),
                session: identity("session"),
                dashboard: identity("dashboard"),
                expires: identity("expires"),
            },
            missing_origin,
            null_origin: item.text("null_origin") == Some("allow"),
            embeds: !embed_from.is_empty(),
            frame_ancestors: ["frame-ancestors 'self'"].into_iter().chain(embed_from).collect::<Vec<_>>().join(" "),
            preflight: preflight(item),
            shares_host: false,
        }
    }

    fn references(&mut self, path: &str, field: &str, item: &Reader<'_>, kinds: &Named<Arc<Kind>>) -> Vec<Arc<Kind>> {
        let mut found = Vec::new();
        for (index, name) in item.words(field).enumerate() {
            match kinds.find(name) {
                Some(kind) => found.push(Arc::clone(kind)),
                None => self.problem(format!("{path}.{field}[{index}]"), "is not the name of a session kind"),
            }
        }
        found
    }

    fn warn_of_openings(&mut self, path: &str, item: &Reader<'_>, cookie: &str, keep: Carriers, keeps_own: bool) {
        if item.text("null_origin") == Some("allow") {
            self.warning(
                format!("{path}.null_origin"),
                "lets every sandboxed frame of every site in as if it were this dashboard's own page",
            );
        }
        if item.text("missing_origin") == Some("allow") {
            self.warning(
                format!("{path}.missing_origin"),
                "leaves WebSockets and writes of clients that send no Origin to the session alone",
            );
        }
        if !cookie.starts_with("__Host-") {
            self.warning(
                format!("{path}.cookie"),
                "does not begin with __Host-, so a sibling or parent host can set it",
            );
        }
        if keep.cookie || keep.bearer || keep.marker {
            self.warning(
                format!("{path}.keep"),
                "hands the backend's owner tokens that can be replayed here until they expire",
            );
        }
        if keeps_own {
            self.warning(
                format!("{path}.keep"),
                "hands the backend's owner sessions that can be replayed until they end, at every dashboard that takes them",
            );
        }
    }

    /// An express id alone says that somebody visited the app, which anybody can.
    fn warn_of_visitors(&mut self, path: &str, kinds: &[Arc<Kind>], require_all: bool) {
        let visitors = kinds.iter().filter(|kind| kind.is_for_every_visitor()).count();
        if visitors > 0 && (!require_all || visitors == kinds.len()) {
            self.warning(
                format!("{path}.sessions"),
                "lets an express session in alone: express-session signs an id for every visitor (saveUninitialized), \
                 and for all cookies of the app alike. Say require: all beside a kind that names somebody",
            );
        }
    }

    fn warn_of_sharing(&mut self, index: usize, dashboards: &[Dashboard], silenced: bool) {
        let Some(this) = dashboards.get(index) else { return };
        let others: Vec<&str> = dashboards
            .iter()
            .filter(|other| other.origin == this.origin && other.name != this.name)
            .map(|other| other.name.as_str())
            .chain(this.slot.filter(|slot| slot.in_path).map(|_| "everybody its path names"))
            .collect();
        if !others.is_empty() && !silenced {
            self.warning(
                format!("dashboards[{index}].url"),
                format!(
                    "shares its origin with {}: scripts of each can use the visitor's sessions of the others. \
                         Give each dashboard a host of its own, or say shared_origin: true",
                    others.join(", ")
                ),
            );
        }
    }

    /// The sites by authority, and those that are every host under a parent by the parent's.
    fn sites(&mut self, dashboards: &mut [Dashboard]) -> (Table<Arc<Site>>, Table<Arc<Site>>) {
        let mut by_origin = Named(Vec::new());
        for (index, dashboard) in dashboards.iter().enumerate() {
            let origin = dashboard.origin.as_str();
            let new = || Site {
                origin: origin.to_owned(),
                prefixes: BTreeMap::new(),
                owned: BTreeMap::new(),
                depth: 0,
                cookies: Vec::new(),
            };
            let Some(site) = by_origin.entry(origin, new) else { continue };
            let is_owned = dashboard.slot.is_some_and(|slot| slot.in_path);
            let depth = dashboard.path.iter().filter(|byte| **byte == b'/').count();
            site.depth = site.depth.max(depth.saturating_add(usize::from(is_owned)));
            let prefixes = if is_owned { &mut site.owned } else { &mut site.prefixes };
            if prefixes.insert(dashboard.path.clone(), index).is_some() {
                self.problem(format!("dashboards[{index}].url"), "is the url of an earlier dashboard");
            }
        }
        let hosts = self.hosts(dashboards);
        let (mut sites, mut parents) = (Table::default(), Table::default());
        for (origin, mut site) in by_origin.0 {
            site.cookies = hosts.find(host(&origin)).map(|(_, cookies)| cookies.clone()).unwrap_or_default();
            let site = Arc::new(site);
            for authority in authorities(&origin) {
                let (table, authority) = match authority.strip_prefix("*.") {
                    Some(parent) => (&mut parents, parent),
                    None => (&mut sites, authority.as_str()),
                };
                if let Some(other) = table.insert(authority.as_bytes().into(), Arc::clone(&site)) {
                    let message = format!("{} and {origin} are the same authority to a request", other.origin);
                    self.problem("dashboards", message);
                }
            }
        }
        (sites, parents)
    }

    /// The session cookies of each host. Browsers keep cookies by host, whatever the port: so dashboards on two ports
    /// of one host can overwrite each other's as those of one origin can.
    fn hosts(&mut self, dashboards: &mut [Dashboard]) -> Named<(usize, Vec<String>)> {
        let mut hosts: Named<(usize, Vec<String>)> = Named(Vec::new());
        for (index, dashboard) in dashboards.iter().enumerate() {
            let Some((count, cookies)) = hosts.entry(host(&dashboard.origin), Default::default) else { continue };
            *count = count.saturating_add(1);
            if cookies.contains(&dashboard.cookie) {
                self.problem(format!("dashboards[{index}].cookie"), "is the cookie of another dashboard of this host");
            } else if !dashboard.open {
                cookies.push(dashboard.cookie.clone());
            }
        }
        for dashboard in dashboards {
            let is_owned = dashboard.slot.is_some_and(|slot| slot.in_path);
            dashboard.shares_host =
                is_owned || hosts.find(host(&dashboard.origin)).is_some_and(|(count, _)| *count > 1);
        }
        hosts
    }
}

/// The host of an origin: what is between the scheme and the port.
fn host(origin: &str) -> &str {
    let (_, authority) = origin.split_once("://").unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    }
}

/// The authorities a request to an origin may write: the default port may be spelled out.
fn authorities(origin: &str) -> Vec<String> {
    let (scheme, authority) = origin.split_once("://").unwrap_or_default();
    let has_port = authority.rsplit(']').next().is_some_and(|tail| tail.contains(':'));
    match scheme {
        _ if has_port => vec![authority.to_owned()],
        "http" => vec![authority.to_owned(), format!("{authority}:80")],
        _ => vec![authority.to_owned(), format!("{authority}:443")],
    }
}

fn preflight(item: &Reader<'_>) -> Preflight {
    let empty = Json::Null;
    let preflight = Reader(item.0.member("preflight").unwrap_or(&empty));
    let list = |name: &str, default: &str| {
        if preflight.has(name) { preflight.words(name).collect::<Vec<_>>().join(", ") } else { default.to_owned() }
    };
    Preflight {
        methods: list("methods", "GET, HEAD, POST"),
        headers: list("headers", "content-type"),
        max_age: preflight.whole("max_age_seconds").unwrap_or(600).to_string(),
    }
}
