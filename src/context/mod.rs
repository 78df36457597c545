//! What an agent is told, and what `bead init` finds out about a project.
//!
//! Owns stack detection, the summary of a project and the prompts. It reads trees only through [`Files`], so
//! that it works on a commit as well as on a directory, and it starts no process. Text of beads is fenced and
//! bounded here (T19); what limits a misled agent is the sandbox. Start with [`prompt::Prompts`] and
//! [`stack::detect`].

pub mod init;
pub mod project;
pub mod prompt;
pub mod stack;

/// A tree of files, wherever it comes from.
pub trait Files {
    /// Every file's path, relative, with `/`; in any order.
    fn list(&self) -> Vec<String>;
    /// A file's bytes; `None` where it is missing, not a regular file, or too large to be worth reading.
    fn read(&self, path: &str) -> Option<Vec<u8>>;
}

/// A tree in memory.
impl Files for std::collections::BTreeMap<String, Vec<u8>> {
    fn list(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.get(path).cloned()
    }
}
