use super::*;

fn tree(paths: impl IntoIterator<Item = String>) -> BTreeMap<String, Vec<u8>> {
    paths.into_iter().map(|path| (path, b"text".to_vec())).collect()
}

#[test]
fn a_small_tree_is_listed_whole() {
    let files = tree(["a.py", "b/c.py", "b/d/e.py", "b/d/f/g.py"].map(str::to_owned));
    let summary = Summary::of(&files, &[]);
    assert_eq!(summary.tree.lines, ["a.py", "b/c.py", "b/d/e.py", "b/d/f/ (1 files)"]);
    assert!(summary.tree.cut);
}

#[test]
fn t19_a_large_tree_and_readme_stay_small() {
    let mut files = tree((0..5000).map(|i| format!("d{}/e{}/f{i}", i % 7, i % 100)));
    files.insert("README.md".into(), vec![b'x'; 1 << 20]);
    let summary = Summary::of(&files, &vec!["s".repeat(9000); 50]);
    assert_eq!(summary.tree.lines.len(), 8);
    assert_eq!(summary.tree.lines[1], "d0/ (715 files)");
    assert!(summary.readme.unwrap().1.len() < README_BYTES + 64);
    assert_eq!((summary.commits.len(), summary.commits[0].chars().count()), (10, 120));
    let wide = Summary::of(&tree((0..5000).map(|i| format!("f{i}"))), &[]);
    assert!(wide.tree.lines.len() == TREE_ENTRIES && wide.tree.cut);
}

#[test]
fn odd_names_are_made_visible() {
    let summary = Summary::of(&tree(["a\u{202e}b\nc".to_owned()]), &["x\u{1b}[2J".to_owned()]);
    assert_eq!(summary.tree.lines, ["a<U+202E>b c"]);
    assert_eq!(summary.commits, ["x<U+001B>[2J"]);
}
