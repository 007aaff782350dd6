//! A dashboard's url: its one canonical form, and where it names whose dashboard it is.

use crate::place::{Named, Slot};
use crate::{origin, target};

/// Splits a dashboard's url into scheme, authority and path.
///
/// # Errors
/// A sentence that says which form is expected.
pub fn split_url(text: &str) -> Result<(&str, &str, &str), &'static str> {
    const EXPECTED: &str = "must be a canonical URL such as https://host/ or https://host:8443/path/ \
                            (lower-case host, no default port, no query, ending in /)";
    let after_scheme = text.find("://").and_then(|at| at.checked_add(3)).ok_or(EXPECTED)?;
    let rest = text.get(after_scheme..).ok_or(EXPECTED)?;
    let path_at = rest.find('/').and_then(|at| at.checked_add(after_scheme)).ok_or(EXPECTED)?;
    let (origin, path) = text.split_at_checked(path_at).ok_or(EXPECTED)?;
    let (scheme, authority) = origin::split(origin).map_err(|_| EXPECTED)?;
    let plain = target::parse(path.as_bytes()).map_err(|_| EXPECTED)?;
    if plain.query.is_some() || plain.own_endpoint().is_some() || path.contains('%') || !path.ends_with('/') {
        return Err(EXPECTED);
    }
    Ok((scheme, authority, path))
}

/// A dashboard's url, its placeholder apart.
#[derive(Default)]
pub(super) struct Url<'a> {
    pub scheme: &'a str,
    /// With `*` as the first label where the placeholder is there.
    pub authority: String,
    /// Up to the placeholder, where that is in the path.
    pub path: String,
    pub slot: Option<Slot>,
}

impl Url<'_> {
    /// Reads a dashboard's url.
    ///
    /// # Errors
    /// A sentence that says which form is expected.
    pub fn parse(text: &str) -> Result<Url<'_>, &'static str> {
        const EXPECTED: &str =
            "must hold {subject} or {session} once, as the first label of the host or the last segment of the path";
        let used = Named::ALL.into_iter().find(|(placeholder, _)| text.contains(placeholder));
        let Some((placeholder, named)) = used else {
            let (scheme, authority, path) = split_url(text)?;
            return Ok(Url { scheme, authority: authority.to_owned(), path: path.to_owned(), slot: None });
        };
        let (scheme, rest) = text.split_once("://").ok_or(EXPECTED)?;
        let (plain, in_path) = match (rest.strip_prefix(placeholder), text.strip_suffix('/')) {
            (Some(rest), _) => (format!("{scheme}://*{rest}"), false),
            (None, Some(head)) => (head.strip_suffix(placeholder).ok_or(EXPECTED)?.to_owned(), true),
            _ => return Err(EXPECTED),
        };
        let is_whole = if in_path { plain.ends_with('/') } else { plain.starts_with(&format!("{scheme}://*.")) };
        if plain.contains(['{', '}']) || !is_whole {
            return Err(EXPECTED);
        }
        // The label has no meaning here: any stands for all.
        let checked = plain.replacen("://*.", "://a.", 1);
        let (_, authority, path) = split_url(&checked)?;
        let authority = match in_path {
            true => authority.to_owned(),
            false => authority.replacen("a.", "*.", 1),
        };
        if !in_path {
            origin::check_pattern(&format!("{scheme}://{authority}"))?;
        }
        Ok(Url { scheme, authority, path: path.to_owned(), slot: Some(Slot { named, in_path }) })
    }
}
