//! One key of a bead in the three versions.
//!
//! Owns what "changed" means: another value, not another spelling of it; absent and null are one. Start with
//! [`Values::undisputed`].

use serde_json::Value;

use super::Side;
use crate::beads::jsonl::record::Record;

/// The three texts of one key; `None` where it is absent or null.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) base: Option<&'a str>,
    pub(super) ours: Option<&'a str>,
    pub(super) theirs: Option<&'a str>,
}

impl<'a> Values<'a> {
    pub(super) fn of(
        key: &str,
        base: Option<&'a Record<'_>>,
        ours: &'a Record<'_>,
        theirs: &'a Record<'_>,
    ) -> Self {
        let get = |record: &'a Record<'_>| record.get(key).filter(|value| *value != "null");
        Self { base: base.and_then(get), ours: get(ours), theirs: get(theirs) }
    }

    /// The version that stands where at most one side changed anything.
    pub(super) fn undisputed(&self) -> Option<Option<&'a str>> {
        if same(self.ours, self.theirs) || same(self.base, self.theirs) {
            Some(self.ours)
        } else if same(self.base, self.ours) {
            Some(self.theirs)
        } else {
            None
        }
    }

    pub(super) fn of_side(&self, side: Side) -> Option<&'a str> {
        if side == Side::Ours { self.ours } else { self.theirs }
    }
}

/// The same text, or the same value in another spelling.
fn same(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) if a != b => {
            let parse = |text| serde_json::from_str::<Value>(text).ok();
            parse(a).is_some_and(|a| parse(b) == Some(a))
        }
        (a, b) => a == b,
    }
}
