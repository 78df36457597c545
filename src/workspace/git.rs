//! Reading objects: the only file that names `git2`.
//!
//! Owns read-only views of commits, trees and blobs of the quarantine or the user's repository, each with a
//! bound on what is loaded. libgit2 runs no hooks, filters or drivers. It never writes and never touches a
//! directory an agent could write. Start with [`Objects`].

mod history;
pub mod patch;

use std::path::{Path, PathBuf};

use crate::domain::ids::{BadOid, Oid};

/// The object database of one repository. Blocking; open one where it is used.
pub struct Objects {
    repo: git2::Repository,
    path: PathBuf,
}

/// An object that cannot be read as asked.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("cannot read objects of `{}`", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: git2::Error,
    },
    #[error("`{what}` holds {found} bytes, expected at most {max}")]
    TooLarge { what: String, found: u64, max: u64 },
    #[error("the change has more than {max} {what}")]
    TooMany { what: &'static str, max: u64 },
    #[error(transparent)]
    Id(#[from] BadOid),
}

/// One entry of one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: Vec<u8>,
    /// As git stores it: `0o100644`, `0o100755`, `0o120000` link, `0o160000` submodule, `0o040000` tree.
    pub mode: u32,
    pub oid: Oid,
}

impl Entry {
    pub(crate) fn is_tree(&self) -> bool {
        self.mode == 0o040_000
    }

    /// Neither folder, link nor module.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.mode, 0o100_644 | 0o100_755)
    }
}

/// One commit, for people and prompts. Text is lossy UTF-8 and untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitLine {
    pub oid: Oid,
    pub subject: String,
    pub author: String,
    /// Seconds since 1970.
    pub at: i64,
}

/// One file of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Lossy UTF-8.
    pub path: String,
    pub mode: u32,
    /// Bytes; 0 for submodules.
    pub size: u64,
}

impl Objects {
    /// `git_dir` is a bare repository or the common git directory of one with work trees.
    pub fn open(git_dir: &Path) -> Result<Self, ObjectError> {
        let path = git_dir.to_owned();
        match git2::Repository::open_bare(git_dir) {
            Ok(repo) => Ok(Self { repo, path }),
            Err(source) => Err(ObjectError::Read { path, source }),
        }
    }

    /// Also sees the objects in `dir`, without anything entering the repository.
    pub(crate) fn and(self, dir: &Path) -> Result<Self, ObjectError> {
        self.at(|repo| repo.odb()?.add_disk_alternate(&dir.to_string_lossy()))?;
        Ok(self)
    }

    /// Number and unpacked bytes of the objects that lie in `dir` itself.
    pub(crate) fn weigh(dir: &Path) -> Result<(u64, u64), ObjectError> {
        let weigh = || {
            let odb = git2::Odb::new()?;
            odb.add_disk_alternate(&dir.to_string_lossy())?;
            let (mut count, mut bytes, mut bad) = (0_u64, 0_u64, None);
            odb.foreach(|oid| match odb.read_header(*oid) {
                Ok((size, _)) => {
                    count += 1;
                    bytes = bytes.saturating_add(size as u64);
                    true
                }
                Err(error) => {
                    bad = Some(error);
                    false
                }
            })
            .map_err(|stopped| bad.take().unwrap_or(stopped))?;
            Ok((count, bytes))
        };
        weigh().map_err(|source| ObjectError::Read { path: dir.to_owned(), source })
    }

    fn at<T>(
        &self,
        read: impl FnOnce(&git2::Repository) -> Result<T, git2::Error>,
    ) -> Result<T, ObjectError> {
        read(&self.repo).map_err(|source| ObjectError::Read { path: self.path.clone(), source })
    }

    pub fn is_commit(&self, oid: &Oid) -> bool {
        self.at(|repo| repo.find_commit(id(oid)?).map(|_| ())).is_ok()
    }

    pub fn tree_of(&self, commit: &Oid) -> Result<Oid, ObjectError> {
        let tree = self.at(|repo| Ok(repo.find_commit(id(commit)?)?.tree_id()))?;
        Ok(Oid::parse(&tree.to_string())?)
    }

    /// A commit counts as its own ancestor.
    pub fn is_ancestor(&self, ancestor: &Oid, descendant: &Oid) -> Result<bool, ObjectError> {
        if ancestor == descendant {
            return Ok(true);
        }
        self.at(|repo| repo.graph_descendant_of(id(descendant)?, id(ancestor)?))
    }

    /// Where two histories parted; `None` where they never met.
    pub fn merge_base(&self, one: &Oid, other: &Oid) -> Result<Option<Oid>, ObjectError> {
        let found = self.at(|repo| match repo.merge_base(id(one)?, id(other)?) {
            Ok(base) => Ok(Some(base.to_string())),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        })?;
        Ok(found.map(|base| Oid::parse(&base)).transpose()?)
    }

    /// Entries of one tree in git's order.
    pub fn tree(&self, tree: &Oid) -> Result<Vec<Entry>, ObjectError> {
        let raw = self.at(|repo| {
            let tree = repo.find_tree(id(tree)?)?;
            Ok(tree
                .iter()
                .map(|e| (e.name_bytes().to_vec(), u32::try_from(e.filemode_raw()).unwrap_or(0), e.id()))
                .collect::<Vec<_>>())
        })?;
        raw.into_iter()
            .map(|(name, mode, oid)| Ok(Entry { name, mode, oid: Oid::parse(&oid.to_string())? }))
            .collect()
    }

    /// Bytes of an object, unpacked.
    pub fn size(&self, oid: &Oid) -> Result<u64, ObjectError> {
        self.at(|repo| Ok(repo.odb()?.read_header(id(oid)?)?.0 as u64))
    }

    pub fn blob(&self, oid: &Oid, max: u64) -> Result<Vec<u8>, ObjectError> {
        let found = self.size(oid)?;
        if found > max {
            return Err(ObjectError::TooLarge { what: oid.to_string(), found, max });
        }
        self.at(|repo| Ok(repo.find_blob(id(oid)?)?.content().to_vec()))
    }

    /// A file of a commit by its path; `None` where no regular file of that name is.
    pub fn file_at(&self, commit: &Oid, path: &str, max: u64) -> Result<Option<Vec<u8>>, ObjectError> {
        match self.entry_at(commit, path)? {
            Some(entry) if entry.is_file() => self.blob(&entry.oid, max).map(Some),
            _ => Ok(None),
        }
    }

    /// What lies in a folder of a commit, in git's order; nothing where no such folder is.
    pub fn folder_at(&self, commit: &Oid, path: &str) -> Result<Vec<Entry>, ObjectError> {
        match self.entry_at(commit, path)? {
            Some(entry) if entry.is_tree() => self.tree(&entry.oid),
            _ => Ok(Vec::new()),
        }
    }

    /// Whether a file or folder of a commit bears this path.
    pub fn has_path(&self, commit: &Oid, path: &str) -> Result<bool, ObjectError> {
        Ok(self.entry_at(commit, path)?.is_some())
    }

    fn entry_at(&self, commit: &Oid, path: &str) -> Result<Option<Entry>, ObjectError> {
        let mut tree = self.tree_of(commit)?;
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let found = self.tree(&tree)?.into_iter().find(|e| e.name == part.as_bytes());
            match found {
                Some(entry) if parts.peek().is_none() => return Ok(Some(entry)),
                Some(entry) if entry.is_tree() => tree = entry.oid,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// All files of a commit, `max` of them at most (the first by path).
    pub fn list(&self, commit: &Oid, max: usize) -> Result<Vec<Listed>, ObjectError> {
        let mut found = Vec::new();
        let mut open = vec![(Vec::new(), self.tree_of(commit)?, 0_u8)];
        while let Some((prefix, tree, depth)) = open.pop() {
            let mut folders = Vec::new();
            for entry in self.tree(&tree)? {
                if found.len() >= max {
                    return Ok(found);
                }
                let path = join(&prefix, &entry.name);
                if entry.is_tree() && depth < 100 {
                    folders.push((path, entry.oid, depth + 1));
                } else {
                    let size = if entry.mode == 0o160_000 { 0 } else { self.size(&entry.oid)? };
                    let path = String::from_utf8_lossy(&path).into_owned();
                    found.push(Listed { path, mode: entry.mode, size });
                }
            }
            open.extend(folders.into_iter().rev());
        }
        Ok(found)
    }

    /// The newest `max` commits reachable from `tip`, newest first.
    pub fn recent(&self, tip: &Oid, max: usize) -> Result<Vec<CommitLine>, ObjectError> {
        let raw = self.at(|repo| {
            let mut walk = repo.revwalk()?;
            walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::TIME)?;
            walk.push(id(tip)?)?;
            walk.take(max)
                .map(|oid| {
                    let commit = repo.find_commit(oid?)?;
                    let subject = String::from_utf8_lossy(commit.message_raw_bytes());
                    let subject = subject.lines().next().unwrap_or_default().to_owned();
                    let author = String::from_utf8_lossy(commit.author().name_bytes()).into_owned();
                    Ok((commit.id().to_string(), subject, author, commit.time().seconds()))
                })
                .collect::<Result<Vec<_>, git2::Error>>()
        })?;
        raw.into_iter()
            .map(|(oid, subject, author, at)| Ok(CommitLine { oid: Oid::parse(&oid)?, subject, author, at }))
            .collect()
    }

    /// The difference of two contents of one path as a patch without context.
    pub(crate) fn patch(&self, path: &[u8], old: &[u8], new: &[u8]) -> Result<Vec<u8>, ObjectError> {
        use std::os::unix::ffi::OsStrExt as _;
        self.at(|_| {
            let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
            let mut options = git2::DiffOptions::new();
            options.context_lines(0);
            let mut patch = git2::Patch::from_buffers(old, Some(path), new, Some(path), Some(&mut options))?;
            Ok(patch.to_buf()?.to_vec())
        })
    }

    /// Lines added and removed between two contents; binary contents have none.
    pub(crate) fn line_stat(&self, old: &[u8], new: &[u8]) -> Result<(u64, u64), ObjectError> {
        self.at(|_| {
            let (_, added, removed) = git2::Patch::from_buffers(old, None, new, None, None)?.line_stats()?;
            Ok((added as u64, removed as u64))
        })
    }
}

pub(crate) fn join(prefix: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = prefix.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

fn id(oid: &Oid) -> Result<git2::Oid, git2::Error> {
    git2::Oid::from_str(oid.as_str())
}
