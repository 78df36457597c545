//! The socket a sandbox talks to: a private directory, one socket in it, and who may connect.
//!
//! Owns preparing the directory, binding with the right mode from the first moment, taking over a dead
//! process's socket (adoption), and the check of the peer's user (T36). The directory may be writable by an
//! agent's user, so nothing here follows a link it finds there. Start with [`Listening::open`].

use std::fs::{self, DirBuilder};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::{UnixListener, UnixStream};

use super::GatewayError;

/// The name of the socket in its directory.
pub const SOCKET_NAME: &str = "m.sock";

/// Socket addresses have room for 107 bytes; some clients stop earlier (116 was seen to fail).
const MAX_PATH: usize = 100;

/// Who a directory and its socket belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

/// A bound socket that removes itself.
#[derive(Debug)]
pub(crate) struct Listening {
    path: PathBuf,
    /// The socket's own inode, held so that its number is not given to a successor under the same name.
    node: OwnedFd,
}

impl Listening {
    pub(crate) fn open(dir: &Path, owner: Option<Owner>) -> Result<(Self, UnixListener), GatewayError> {
        let path = dir.join(SOCKET_NAME);
        let length = path.as_os_str().len();
        if length >= MAX_PATH {
            return Err(GatewayError::PathTooLong { path, length, limit: MAX_PATH });
        }
        prepare(dir, owner)?;
        clear_stale(&path)?;
        let failed = |what: &'static str| {
            let path = path.clone();
            move |source: rustix::io::Errno| GatewayError::Socket { what, path, source: source.into() }
        };
        let listener = bind(&path).map_err(failed("bind"))?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let node = rustix::fs::open(&path, flags, Mode::empty()).map_err(failed("find"))?;
        if let Some(owner) = owner {
            give(&node, owner).map_err(failed("give away"))?;
        }
        rustix::net::listen(&listener, 128).map_err(failed("listen on"))?;
        let io = |source| GatewayError::Socket { what: "listen on", path: path.clone(), source };
        let listener = UnixListener::from_std(listener.into()).map_err(io)?;
        Ok((Self { path, node }, listener))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let ours = rustix::fs::fstat(&self.node).ok();
        let there = rustix::fs::lstat(&self.path).ok();
        let same = ours.zip(there).is_some_and(|(a, b)| (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino));
        if same {
            // Nothing is lost when it stays: the next gateway takes a stale socket over.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The directory is ours or the run's, and closed to everybody else.
fn prepare(dir: &Path, owner: Option<Owner>) -> Result<(), GatewayError> {
    let failed = |source: std::io::Error| GatewayError::Directory { dir: dir.to_owned(), source };
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = rustix::fs::open(dir, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
    let about = rustix::fs::fstat(&handle).map_err(|error| failed(error.into()))?;
    let us = rustix::process::geteuid().as_raw();
    let expected = owner.map_or(us, |owner| owner.uid);
    if about.st_uid != us && about.st_uid != expected {
        return Err(GatewayError::ForeignDirectory { dir: dir.to_owned(), owner: about.st_uid, expected });
    }
    rustix::fs::fchmod(&handle, Mode::RWXU).map_err(|error| failed(error.into()))?;
    if let Some(owner) = owner {
        let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
        rustix::fs::fchown(&handle, Some(uid), Some(gid)).map_err(|error| failed(error.into()))?;
    }
    Ok(())
}

/// Removes what a dead process left. A socket somebody answers on is another gateway's.
fn clear_stale(path: &Path) -> Result<(), GatewayError> {
    let failed = |source| GatewayError::Socket { what: "take over", path: path.to_owned(), source };
    let about = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed)?,
    };
    // A link is never followed: connecting through it would reach somebody else's socket.
    if about.file_type().is_socket() && answers(path) {
        return Err(GatewayError::InUse { path: path.to_owned() });
    }
    if about.is_dir() {
        return Err(GatewayError::Obstacle { path: path.to_owned() });
    }
    fs::remove_file(path).map_err(failed)
}

/// Whether somebody serves the socket. A process that is just being started holds our descriptors for a moment,
/// those of a closed listener included: only who goes on answering is alive.
fn answers(path: &Path) -> bool {
    (0..10).all(|again| {
        if again > 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
        StdStream::connect(path).is_ok()
    })
}

/// The mode is set on the socket before it has a name, so there is no moment at which others could connect.
fn bind(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

/// Gives away the very node that is held, and only a socket: the directory's user may have swapped the name.
fn give(node: &OwnedFd, owner: Owner) -> rustix::io::Result<()> {
    let about = rustix::fs::fstat(node)?;
    if FileType::from_raw_mode(about.st_mode) != FileType::Socket || about.st_nlink != 1 {
        return Err(rustix::io::Errno::LOOP);
    }
    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    rustix::fs::chownat(node, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)
}

/// Whether the process at the other end runs as one of the allowed users; an unknown one does not.
pub(crate) fn peer_allowed(stream: &UnixStream, allowed: &[u32]) -> bool {
    stream.peer_cred().is_ok_and(|peer| allowed.contains(&peer.uid()))
}

#[cfg(test)]
mod tests;
