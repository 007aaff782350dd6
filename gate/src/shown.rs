//! Where credentials were found: told by `dashgate explain`, never decided on.

/// Which carriers held a credential: flags, so that a request pays for no list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub(crate) cookie: bool,
    pub(crate) bearer: bool,
    pub(crate) subprotocol: bool,
    pub(crate) bokeh_subprotocol: bool,
    pub(crate) bokeh_session_id: bool,
    pub(crate) bokeh_token: bool,
    pub(crate) bokeh_header: bool,
}

impl Shown {
    /// The carriers' names, as `dashgate explain` writes them.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        [
            (self.cookie, "cookie"),
            (self.bearer, "bearer"),
            (self.subprotocol, "subprotocol"),
            (self.bokeh_subprotocol, "bokeh_subprotocol"),
            (self.bokeh_session_id, "bokeh_session_id_parameter"),
            (self.bokeh_token, "bokeh_token_parameter"),
            (self.bokeh_header, "bokeh_session_id_header"),
        ]
        .into_iter()
        .filter_map(|(shown, word)| shown.then_some(word))
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.cookie |= other.cookie;
        self.bearer |= other.bearer;
        self.subprotocol |= other.subprotocol;
        self.bokeh_subprotocol |= other.bokeh_subprotocol;
        self.bokeh_session_id |= other.bokeh_session_id;
        self.bokeh_token |= other.bokeh_token;
        self.bokeh_header |= other.bokeh_header;
    }
}
