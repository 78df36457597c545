use super::*;

#[test]
fn the_name_of_a_check_is_read_from_what_git_says() {
    let oid = "a".repeat(40);
    let said =
        format!("error: object {oid}: hasDotgit: contains '.git'\nfatal: fsck error in pack objects\n");
    assert_eq!(fsck_check(&said), Some("hasDotgit"));
    for other in ["", "fatal: early EOF", "error: object x", &format!("error: object {oid}: not a word: x")] {
        assert_eq!(fsck_check(other), None, "{other}");
    }
}

#[test]
fn a_state_directory_may_have_colons_and_quotes_in_its_name() {
    assert_eq!(quoted(Path::new("/a:b/c\"d\\e")), r#""/a:b/c\"d\\e""#);
}

#[tokio::test]
async fn objects_come_in_beneath_such_a_name() {
    use crate::workspace::fixture::{Bench, run_id, write};
    let dir = tempfile::Builder::new().prefix("odd: \"name\"").tempdir().unwrap();
    let fresh = Bench::inside(dir);
    let work = fresh.work(&run_id(1), |clone| write(clone, "src/a.txt", "changed\n")).await.unwrap();
    assert_eq!(work.changes.len(), 1);
}
