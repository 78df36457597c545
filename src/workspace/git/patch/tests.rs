use super::*;
use crate::workspace::fixture::Bench;

fn oid(bench: &Bench, name: &str) -> Oid {
    Oid::parse(bench.git(&["rev-parse", name]).trim()).unwrap()
}

#[test]
fn a_change_is_lines_with_signs() {
    let bench = Bench::new();
    let base = oid(&bench, "HEAD");
    let text: String =
        (1..=20).map(|n| if n == 10 { "ten\n".to_owned() } else { format!("line {n}\n") }).collect();
    let large = "x\n".repeat(200_000);
    bench.commit(&[("src/a.txt", &text), ("new.txt", "n\n"), ("bin", "a\0b"), ("large", &large)], "Change");
    bench.git(&["rm", "-q", "src/b.txt"]);
    bench.commit(&[], "Remove");
    let objects = Objects::open(&bench.user().join(".git")).unwrap();
    let patch = objects.change(&base, &oid(&bench, "HEAD")).unwrap();
    assert_eq!(patch.total, 5);
    let file = |path: &str| patch.files.iter().find(|f| f.path == path).unwrap();
    let a = file("src/a.txt");
    assert_eq!((a.how, a.added, a.removed), (How::Changed, 1, 1));
    assert!(a.lines[0].1.starts_with("@@ -7,7 +7,7 @@"), "{:?}", a.lines[0]);
    assert!(a.lines.contains(&('-', "line 10".to_owned())) && a.lines.contains(&('+', "ten".to_owned())));
    assert_eq!(file("new.txt").how, How::New);
    assert_eq!(file("src/b.txt").how, How::Gone);
    assert_eq!((file("bin").how, file("bin").lines.len()), (How::Binary, 0));
    assert_eq!((file("large").how, file("large").lines.len()), (How::TooLarge, 0));
    let empty = objects.change(&base, &base).unwrap();
    assert_eq!(empty, Patch::default());
}
