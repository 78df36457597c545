//! The tracker file as it lies there: a regular file of bounded length, with what a replaced one must keep.
//!
//! Owns the reading that no link, pipe or device can misuse, and the look whether a file was saved in place.
//! It replaces nothing. Start with [`read_regular`].

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::beads::TrackerError;

const FILE_LIMIT: u64 = 1 << 30;

/// Removes what is left of a write, whatever came of it.
pub(super) struct Temporary {
    pub(super) path: PathBuf,
    pub(super) is_ours: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// What a replaced file must keep.
pub(super) struct Owner {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) len: u64,
    /// Seconds and nanoseconds.
    pub(super) mtime: (i64, i64),
    ctime: (i64, i64),
}

impl Owner {
    fn of(meta: &std::fs::Metadata) -> Self {
        Self {
            mode: meta.mode(),
            uid: meta.uid(),
            gid: meta.gid(),
            len: meta.len(),
            mtime: (meta.mtime(), meta.mtime_nsec()),
            ctime: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// Its last change was a write; a file that was put in place by a rename changed once more then.
    pub(super) fn was_saved_in_place(&self) -> bool {
        self.mtime == self.ctime
    }
}

/// A file's bytes; `None` where there is none. A link, a pipe or a device in its place is refused: the
/// directory is the project's, and a project may be hostile.
pub(super) fn read_regular(path: &Path) -> Result<Option<(Vec<u8>, Owner)>, TrackerError> {
    let failed = |source| TrackerError::Io { doing: "read", path: path.to_path_buf(), source };
    let opened =
        OpenOptions::new().read(true).custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK)).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(TrackerError::NotAFile { path: path.to_path_buf() });
        }
        Err(error) => return Err(failed(error)),
    };
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(TrackerError::NotAFile { path: path.to_path_buf() });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(FILE_LIMIT)).unwrap_or_default() + 1);
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(TrackerError::TooLarge { path: path.to_path_buf(), limit: FILE_LIMIT });
    }
    Ok(Some((bytes, Owner::of(&meta))))
}

pub(super) fn flags(flags: OFlags) -> i32 {
    i32::try_from(flags.bits()).expect("open flags are small")
}
