//! The tracker file on disk: locked, read, and replaced in one step.
//!
//! Owns the lock that classic `bd` takes too, the write (unique temporary file, fsync, swap, fsync of the
//! directory) and the race against editors, which take no lock (F37): the new file is *exchanged* with the
//! old, and if what comes out is not what was read, it goes back and the change is made again on top of it.
//! A file that was saved in place may be half saved: it is read until it stays the same. A save of a text that
//! was loaded before our write is the editor's to warn of. It knows nothing of beads. Start with [`Disk::change`].

mod regular;

use std::fs::{File, FileTimes, OpenOptions, Permissions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::beads::TrackerError;
use crate::clock::Ids;
use regular::{Owner, Temporary, flags, read_regular};

const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// How often those in the queue for the lock look; one of them comes next, and looks oftener.
const QUEUE: Duration = Duration::from_millis(5);
const NEXT: Duration = Duration::from_millis(1);
/// A file that somebody may be saving in place is looked at again after this long.
const SETTLE: Duration = Duration::from_millis(20);
/// So often; what still grows then (a log that appends without end) is taken as it is.
const SETTLING: usize = 5;
/// How many saves of others in a row are merged before giving up.
const ROUNDS: usize = 20;

/// Where a tracker file and its lock are.
pub(crate) struct Disk {
    pub(super) file: PathBuf,
    dir: PathBuf,
    ids: Arc<dyn Ids>,
    #[cfg(test)]
    pub(crate) seam: Option<Seam>,
    /// As on a file system that cannot exchange two files.
    #[cfg(test)]
    pub(crate) is_plain: bool,
}

/// Lets a test act between two steps of a write.
#[cfg(test)]
pub(crate) type Seam = Arc<dyn Fn(Moment) + Send + Sync>;

/// Where in a write an editor's save may fall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The file was read; its change is being made.
    Read,
    /// The file was compared a last time and is about to be exchanged.
    Compared,
    /// Ours is in place; the old file is about to be removed.
    Exchanged,
}

enum Swap {
    Done,
    Raced,
}

impl Disk {
    pub(crate) fn new(file: PathBuf, ids: Arc<dyn Ids>) -> Self {
        let dir = file.parent().unwrap_or(Path::new(".")).to_path_buf();
        Self {
            file,
            dir,
            ids,
            #[cfg(test)]
            seam: None,
            #[cfg(test)]
            is_plain: false,
        }
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The file's bytes; empty where there is none yet.
    pub(crate) fn read(&self) -> Result<Vec<u8>, TrackerError> {
        Ok(read_regular(&self.file)?.map(|(bytes, _)| bytes).unwrap_or_default())
    }

    /// Under the lock: reads the file and writes what `change` makes of it (`None`: nothing to write).
    /// `change` runs again, on the newer content, when somebody saved the file meanwhile.
    pub(crate) fn change<T>(
        &self,
        mut change: impl FnMut(Vec<u8>) -> Result<(Option<Vec<u8>>, T), TrackerError>,
    ) -> Result<T, TrackerError> {
        let _lock = self.lock()?;
        for round in 0..ROUNDS {
            let before = read_regular(&self.file)?;
            let bytes = before.as_ref().map(|(bytes, _)| bytes.clone()).unwrap_or_default();
            let changed = change(bytes);
            self.at(Moment::Read);
            let writes = !matches!(changed, Ok((None, _)));
            if writes && round < SETTLING && !self.is_settled(before.as_ref())? {
                continue;
            }
            let (after, out) = changed?;
            let Some(after) = after else { return Ok(out) };
            if let Swap::Done = self.swap(before.as_ref(), &after)? {
                return Ok(out);
            }
        }
        Err(TrackerError::Contended { path: self.file.clone() })
    }

    /// Whether what was read is a whole file. One that was saved in place could be half of one: an empty
    /// file, and the rest comes in a moment.
    fn is_settled(&self, before: Option<&(Vec<u8>, Owner)>) -> Result<bool, TrackerError> {
        let Some((bytes, owner)) = before else { return Ok(true) };
        if !owner.was_saved_in_place() {
            return Ok(true);
        }
        std::thread::sleep(SETTLE);
        Ok(read_regular(&self.file)?.is_some_and(|(now, _)| now == *bytes))
    }

    /// Replaces `before` by `after`, or nothing by `after`, or notices that it is `before` no more.
    fn swap(&self, before: Option<&(Vec<u8>, Owner)>, after: &[u8]) -> Result<Swap, TrackerError> {
        let mut temp = self.temporary(after, before.map(|(_, owner)| owner))?;
        let now = read_regular(&self.file)?;
        if now.as_ref().map(|(bytes, _)| bytes) != before.map(|(bytes, _)| bytes) {
            return Ok(Swap::Raced);
        }
        self.at(Moment::Compared);
        let done = match before {
            None => self.place(&temp.path),
            Some(before) => self.exchange(&mut temp, before, after),
        }?;
        drop(temp);
        self.sync_dir()?;
        Ok(done)
    }

    fn place(&self, temp: &Path) -> Result<Swap, TrackerError> {
        match self.rename(temp, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(Swap::Done),
            Err(Errno::EXIST) => Ok(Swap::Raced),
            Err(errno) if lacks_flags(errno) => self.plain_rename(temp),
            Err(errno) => Err(self.io("create", errno.into())),
        }
    }

    fn exchange(
        &self,
        temp: &mut Temporary,
        (before, owner): &(Vec<u8>, Owner),
        after: &[u8],
    ) -> Result<Swap, TrackerError> {
        let path = temp.path.clone();
        let exchange = || self.rename(&path, RenameFlags::EXCHANGE);
        match exchange() {
            Ok(()) => {}
            // The user removed the file in this very moment: theirs to do, and the next round sees it.
            Err(Errno::NOENT) => return Ok(Swap::Raced),
            Err(errno) if lacks_flags(errno) => return self.plain_rename(&path),
            Err(errno) => return Err(self.io("replace", errno.into())),
        }
        // From here the temporary name may hold somebody's save: an error must not remove it.
        temp.is_ours = false;
        let mut out = read_back(&path)?;
        let mut done = Swap::Done;
        let mut expected = before;
        let mut placed = after.to_vec();
        let mut put_back;
        for _ in 0..ROUNDS {
            if out == *expected {
                match self.late_save(&path, owner).filter(|_| matches!(done, Swap::Done)) {
                    Some(late) => out = late,
                    None => {
                        temp.is_ours = true;
                        return Ok(done);
                    }
                }
            }
            // A save slipped in: it goes back, and so does any further one, until what comes out is what we put in.
            exchange().map_err(|errno| self.io("restore", errno.into()))?;
            done = Swap::Raced;
            put_back = std::mem::replace(&mut placed, std::mem::take(&mut out));
            expected = &put_back;
            out = read_back(&path)?;
        }
        Err(TrackerError::Contended { path: self.file.clone() })
    }

    /// What an editor that had the old file open wrote into it after it was taken out.
    fn late_save(&self, old: &Path, owner: &Owner) -> Option<Vec<u8>> {
        self.at(Moment::Exchanged);
        // The directory is written to disk now, which gives such an editor a moment.
        let _ = self.sync_dir();
        let now = std::fs::symlink_metadata(old).ok()?;
        if (now.mtime(), now.mtime_nsec(), now.len()) == (owner.mtime.0, owner.mtime.1, owner.len) {
            return None;
        }
        read_back(old).ok()
    }

    fn rename(&self, temp: &Path, flags: RenameFlags) -> Result<(), Errno> {
        #[cfg(test)]
        if self.is_plain {
            return Err(Errno::INVAL);
        }
        renameat_with(CWD, temp, CWD, &self.file, flags)
    }

    /// For file systems that cannot exchange: the last comparison was a moment ago.
    fn plain_rename(&self, temp: &Path) -> Result<Swap, TrackerError> {
        std::fs::rename(temp, &self.file).map_err(|source| self.io("replace", source))?;
        Ok(Swap::Done)
    }

    fn temporary(&self, bytes: &[u8], owner: Option<&Owner>) -> Result<Temporary, TrackerError> {
        let unique = crate::domain::ids::base36(self.ids.bytes(), 16);
        let path = self.dir.join(format!(".beadwork-{unique}.tmp"));
        let failed = |source| TrackerError::Io { doing: "write", path: path.clone(), source };
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
        let temp = Temporary { path: path.clone(), is_ours: true };
        file.write_all(bytes).map_err(failed)?;
        if let Some(owner) = owner {
            // Only root can give a file away; for everybody else it is theirs already or stays theirs.
            let _ = std::os::unix::fs::fchown(&file, Some(owner.uid), Some(owner.gid));
            file.set_permissions(Permissions::from_mode(owner.mode & 0o7777)).map_err(failed)?;
        }
        // A file saved in place was written when its inode last changed. Ours says otherwise.
        if let Ok(written) = file.metadata().and_then(|meta| meta.modified())
            && let Some(before) = written.checked_sub(Duration::from_millis(1))
        {
            let _ = file.set_times(FileTimes::new().set_modified(before));
        }
        file.sync_all().map_err(failed)?;
        Ok(temp)
    }

    /// The lock file of classic `bd` (0.49.4 and later), exclusive. It stays when the lock is released.
    fn lock(&self) -> Result<File, TrackerError> {
        let mut waited = Duration::ZERO;
        // Whoever lets go of the lock is awake, and would have it again before any of those who look now and then.
        // So who waits holds the folder meanwhile: only one looks for the lock, and who comes again waits behind it.
        let queue = File::open(&self.dir).ok();
        // Only a courtesy: whoever cannot have it, or not in time, goes on without.
        let _next = queue
            .filter(|queue| taken(queue, QUEUE, LOCK_PATIENCE / 2, &mut waited).is_ok_and(|taken| taken));
        let path = self.dir.join(".jsonl.lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(flags(OFlags::NOFOLLOW))
            .open(&path)
            .map_err(|source| TrackerError::Io { doing: "open", path: path.clone(), source })?;
        match taken(&file, NEXT, LOCK_PATIENCE, &mut waited) {
            Ok(true) => Ok(file),
            Ok(false) => Err(TrackerError::Locked { path, seconds: LOCK_PATIENCE.as_secs() }),
            Err(source) => Err(TrackerError::Io { doing: "lock", path, source }),
        }
    }

    fn sync_dir(&self) -> Result<(), TrackerError> {
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|source| TrackerError::Io { doing: "sync", path: self.dir.clone(), source })
    }

    fn io(&self, doing: &'static str, source: std::io::Error) -> TrackerError {
        TrackerError::Io { doing, path: self.file.clone(), source }
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "tests hang their seam here"))]
    fn at(&self, moment: Moment) {
        #[cfg(test)]
        if let Some(seam) = &self.seam {
            seam(moment);
        }
        #[cfg(not(test))]
        let _ = moment;
    }
}

fn read_back(path: &Path) -> Result<Vec<u8>, TrackerError> {
    Ok(read_regular(path)?.map(|(bytes, _)| bytes).unwrap_or_default())
}

/// Tries until `waited` is `until`, looking again after a while that grows to `look`. False: it is still another's.
fn taken(file: &File, look: Duration, until: Duration, waited: &mut Duration) -> std::io::Result<bool> {
    let mut step = Duration::from_micros(100);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if *waited < until => {
                std::thread::sleep(step);
                *waited += step;
                step = (step * 2).min(look);
            }
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(source)) => return Err(source),
        }
    }
}

fn lacks_flags(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

#[cfg(test)]
mod tests;
