use super::*;

#[test]
fn t10_broad_and_magic_places_are_refused() {
    let home = Path::new("/home/ann");
    let runtime = Path::new("/run/user/1000");
    for bad in
        ["/", "/home/ann", "/home", "/proc/1/x", "/sys/x", "/run/x", "/run/user/1000/other", "/dev/shm", "x"]
    {
        let found = Places::new(Path::new(bad), Some(home), Some(runtime));
        assert!(matches!(found, Err(PlaceError::Refused { .. })), "{bad}: {found:?}");
    }
    assert!(refuse(Path::new("/run/user/1000/beadwork"), Some(home), Some(runtime)).is_ok());
    assert!(refuse(Path::new("/home/ann/.local/state/beadwork"), Some(home), Some(runtime)).is_ok());
}

#[test]
fn t10_a_link_to_a_broad_place_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::os::unix::fs::symlink(&home, dir.path().join("state")).unwrap();
    assert!(Places::new(&dir.path().join("state"), Some(&home), None).is_err());
    let places = Places::new(&dir.path().join("other"), Some(&home), None).unwrap();
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(places.state()).unwrap().permissions().mode() & 0o777, 0o700);
}
