//! Reads the values of a document whose shape was checked, and keeps things by name. Decides nothing.

use crate::json::Json;

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
    pub fn entry(&mut self, name: &str, make: impl FnOnce() -> T) -> Option<&mut T> {
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
