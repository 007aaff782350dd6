//! From a document of the right shape to a policy: references, defaults, and what contradicts itself.

use std::sync::{Arc, Mutex};

use super::reader::{Named, Reader};
use super::url::Url;
use super::{Environment, Problem};
use crate::cookie;
use crate::json::Json;
use crate::origin::OriginSet;
use crate::pages::Pages;
use crate::policy::{Carriers, Connect, Dashboard, Gate, Identity, Kind, MissingOrigin, Preflight, Readable};

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
        let access = self.access(path, item, &place, &sessions);
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
