//! The merge driver for the tracker file, in the user's git configuration, on request.
//!
//! Owns the two keys `merge.beads.*` of this repository and the question which driver a path has. It replaces
//! no other program's driver, and writes no `.gitattributes`: that is a file of the project. Start with
//! [`UserRepo::set_merge_driver`].

use super::{RepoError, UserRepo};
use crate::workspace::program::Verb;

/// The attribute's value, the same as `bd`'s, so that one line in `.gitattributes` serves both.
pub const DRIVER: &str = "beads";

impl UserRepo {
    /// The command of the driver `beads` that this repository (or the user) has configured.
    pub async fn merge_driver(&self) -> Result<Option<String>, RepoError> {
        let found = self.call(Verb::ConfigGet).arg(r"^merge\.beads\.driver$").run().await?;
        // One `key LF value` a NUL; of several the last counts.
        let last = found.fields().last().map(|entry| String::from_utf8_lossy(entry).into_owned());
        Ok(last.and_then(|entry| entry.split_once('\n').map(|(_, value)| value.to_owned())))
    }

    /// Which merge driver git would use for a path by the attributes as they stand: `None` where none is named.
    pub async fn merge_attribute(&self, path: &str) -> Result<Option<String>, RepoError> {
        let mut asked = path.as_bytes().to_vec();
        asked.push(0);
        let answer = self.call(Verb::CheckAttr).arg("merge").input(asked).ok().await?;
        let value = answer.fields().nth(2).map(|value| String::from_utf8_lossy(value).into_owned());
        Ok(value.filter(|value| value != "unspecified"))
    }

    /// Writes the driver into this repository's own configuration.
    pub async fn set_merge_driver(&self, name: &str, command: &str) -> Result<(), RepoError> {
        for (key, value) in [("merge.beads.name", name), ("merge.beads.driver", command)] {
            self.call(Verb::ConfigSet).args([key, value]).ok().await?;
        }
        Ok(())
    }
}
