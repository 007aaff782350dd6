//! What is done to a permitted request's answer, decided when the request was.

use crate::cookie;
use crate::policy::{Dashboard, Gate};
use crate::record::Edit;
use crate::subprotocol::MARKER;

/// What to look at and write when the answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponsePlan {
    pub(crate) dashboard: usize,
    pub(crate) marker: bool,
    pub(crate) private: bool,
    pub(crate) frames: bool,
    pub(crate) own_cookies: bool,
}

/// An answer's headers, looked at one by one: each look costs.
pub trait ResponseHeaders {
    /// What goes wrong when the host does not answer.
    type Error;

    /// The first value of that name.
    ///
    /// # Errors
    /// Where the host does not answer.
    fn first(&mut self, name: &str) -> Result<Option<Vec<u8>>, Self::Error>;

    /// All values of that name.
    ///
    /// # Errors
    /// Where the host does not answer.
    fn all(&mut self, name: &str) -> Result<Vec<Vec<u8>>, Self::Error>;
}

impl Gate {
    /// The changes to an answer's headers, in order.
    ///
    /// # Errors
    /// Where the host does not answer; the answer must then not be sent on.
    pub fn response_edits<H: ResponseHeaders>(
        &self,
        plan: &ResponsePlan,
        headers: &mut H,
    ) -> Result<Vec<Edit>, H::Error> {
        let mut edits = Vec::new();
        if plan.marker
            && headers.first(":status")?.as_deref() == Some(b"101")
            && headers.first("sec-websocket-protocol")?.is_none()
        {
            edits.push(Edit::Set("sec-websocket-protocol", MARKER.to_vec()));
        }
        if plan.private && headers.first("cache-control")?.is_none() {
            edits.push(Edit::Set("cache-control", b"private, no-store".to_vec()));
        }
        if plan.frames
            && let Some(dashboard) = self.dashboards.get(plan.dashboard)
        {
            edits.push(match dashboard.embeds {
                true => Edit::Remove("x-frame-options"),
                false => Edit::Set("x-frame-options", b"SAMEORIGIN".to_vec()),
            });
            // One line more: policies add up, and the app's own stays as it is.
            edits.push(Edit::Add("content-security-policy", dashboard.frame_ancestors.clone().into_bytes()));
        }
        if plan.own_cookies {
            let dashboard = self.dashboards.get(plan.dashboard);
            self.keep_own_cookies(dashboard, &headers.all("set-cookie")?, &mut edits);
        }
        Ok(edits)
    }

    /// On a host of several dashboards, one must not set or clear another's session; one it is sent, it may.
    fn keep_own_cookies(&self, dashboard: Option<&Dashboard>, lines: &[Vec<u8>], edits: &mut Vec<Edit>) {
        let is_own = |line: &Vec<u8>| {
            let name = cookie::name_of_set_cookie(line);
            let begins_as_own =
                name.get(..cookie::PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(cookie::PREFIX));
            let is_kept = dashboard.is_some_and(|dashboard| dashboard.keep_cookies.contains(name));
            begins_as_own || (self.readable.cookies.contains(name) && !is_kept)
        };
        if lines.iter().any(is_own) {
            edits.push(Edit::Remove("set-cookie"));
            edits.extend(lines.iter().filter(|line| !is_own(line)).map(|line| Edit::Add("set-cookie", line.clone())));
        }
    }
}
