use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn me() -> u32 {
    rustix::process::getuid().as_raw()
}

fn env(state: &Path) -> Environment {
    Environment {
        state_dir: Some(state.to_owned()),
        home: Some("/home/somebody".into()),
        ..Environment::default()
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_defaults_follow_xdg_and_ignore_relative_paths() {
    let mut e = Environment { home: Some("/home/ann".into()), ..Environment::default() };
    let places = Places::find(&e, 1000).unwrap();
    assert_eq!(places.journal(), Path::new("/home/ann/.local/state/beadwork/journal.db"));
    assert_eq!(places.config_file(), Path::new("/home/ann/.config/beadwork/config.yaml"));
    assert_eq!(places.cache(), Path::new("/home/ann/.cache/beadwork"));
    e.xdg_state_home = Some("/x".into());
    e.xdg_cache_home = Some("relative".into());
    e.config_dir = Some("/mine".into());
    let places = Places::find(&e, 1000).unwrap();
    assert_eq!(places.state(), Path::new("/x/beadwork"));
    assert_eq!(places.cache(), Path::new("/home/ann/.cache/beadwork"));
    assert_eq!(places.config_file(), Path::new("/mine/config.yaml"));
    let none = Places::find(&Environment::default(), 1000).unwrap_err();
    assert_eq!(
        none.to_string(),
        "cannot tell where to keep state: neither `BEAD_STATE_DIR` nor `HOME` is set"
    );
}

#[test]
fn t10_a_state_directory_that_others_share_is_refused() {
    let bad = [
        "/",
        "//",
        "/.",
        "/home/somebody",
        "/home/somebody/",
        "/home",
        "/proc/self",
        "/sys",
        "/run/x",
        "/run",
        "/var/run/docker",
        "/dev/shm",
        "/tmp",
        "/var/lib",
        "relative",
        "/a/../etc",
        "/run/user/7/other",
    ];
    for path in bad {
        let mut e = env(Path::new(path));
        e.xdg_runtime_dir = Some("/run/user/7".into());
        assert!(Places::find(&e, 1).is_err(), "{path}");
    }
    let mut e = env(Path::new("/run/user/7/beadwork/state"));
    assert!(Places::find(&e, 1).is_err());
    e.xdg_runtime_dir = Some("/run/user/7".into());
    assert!(Places::find(&e, 1).is_ok());
    // A runtime directory that names /run itself opens nothing.
    e.state_dir = Some("/run/beadwork".into());
    e.xdg_runtime_dir = Some("/run".into());
    assert!(Places::find(&e, 1).is_err());
}

#[test]
fn t10_a_link_to_such_a_place_is_refused_too() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    chmod(&home, 0o700);
    let link = dir.path().join("state");
    symlink(&home, &link).unwrap();
    let mut e = env(&link);
    e.home = Some(home);
    let mut places = Places::find(&e, me()).unwrap();
    let error = places.prepare(&e, me(), [1; 16]).unwrap_err();
    assert!(matches!(error, PlacesError::Unsafe { .. }), "{error}");
}

#[test]
fn t36_directories_are_made_private_and_looser_ones_are_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let e = env(&dir.path().join("state"));
    let mut places = Places::find(&e, me()).unwrap();
    places.prepare(&e, me(), [1; 16]).unwrap();
    for path in [places.state().to_owned(), places.locks(), places.backups()] {
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700, "{}", path.display());
    }
    for name in ["", "clones", "run"] {
        let path = places.state().join(name).components().collect::<PathBuf>();
        chmod(&path, 0o750);
        let error = places.prepare(&e, me(), [1; 16]).unwrap_err();
        let told = format!("run: chmod 700 '{}'", path.display());
        assert!(error.to_string().contains("mode 0750") && error.to_string().ends_with(&told), "{error}");
        chmod(&path, 0o700);
    }
    let error = make_private(places.state(), me() + 1).unwrap_err();
    assert!(matches!(error, PlacesError::Foreign { .. }), "{error}");
    fs::write(dir.path().join("file"), "").unwrap();
    let error = make_private(&dir.path().join("file"), me()).unwrap_err();
    assert!(matches!(error, PlacesError::NotADirectory { .. }), "{error}");
}

#[test]
fn a_state_directory_keeps_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let e = env(&dir.path().join("state"));
    let prepare = |byte| Places::find(&e, me()).unwrap().prepare(&e, me(), [byte; 16]);
    let first = prepare(7).unwrap();
    assert_eq!(first, "07".repeat(16));
    assert_eq!(prepare(8).unwrap(), first);
    fs::write(dir.path().join("state/instance"), "torn").unwrap();
    assert!(prepare(8).unwrap_err().to_string().ends_with("instance`: expected 32 hex digits"));
}

#[test]
fn many_processes_agree_on_one_id() {
    let dir = tempfile::tempdir().unwrap();
    let e = env(&dir.path().join("state"));
    let ids: Vec<String> = std::thread::scope(|scope| {
        let start = |byte: u8| {
            let e = &e;
            scope.spawn(move || Places::find(e, me()).unwrap().prepare(e, me(), [byte; 16]).unwrap())
        };
        let threads: Vec<_> = (0..8).map(start).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn socket_paths_stay_short_whatever_the_state_directory() {
    let run = RunId::from_bytes([9; 16]);
    let long = format!("/data/{}", "d".repeat(90));
    for (state, runtime, expect) in [
        ("/s", None, "/s/run/"),
        (long.as_str(), Some("/run/user/1000"), "/run/user/1000/beadwork/"),
        (long.as_str(), None, "/tmp/beadwork-1000/"),
        (long.as_str(), Some(long.as_str()), "/tmp/beadwork-1000/"),
    ] {
        let mut e = env(Path::new(state));
        e.xdg_runtime_dir = runtime.map(PathBuf::from);
        let places = Places::find(&e, 1000).unwrap();
        let socket = places.sockets(&run).join("gateway.sock");
        assert!(socket.starts_with(expect) && socket.as_os_str().len() < 100, "{}", socket.display());
        assert!(places.mount_roots().iter().any(|root| socket.starts_with(root)));
    }
}
