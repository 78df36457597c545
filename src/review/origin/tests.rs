use proptest::prelude::*;

use super::*;

const WORK: &str = "diff --git a/src/a.rs b/src/a.rs
index 1..2 100644
--- a/src/a.rs
+++ b/src/a.rs
@@ -10,7 +10,8 @@ fn x() {
 ten
 eleven
-twelve
+twelve, new
+thirteen, new
 fourteen
--- looks like a header
+++ looks like one too
 sixteen
 seventeen
@@ -40,3 +41,2 @@
 forty
-gone
 forty-one
diff --git a/old.txt b/old.txt
deleted file mode 100644
--- a/old.txt
+++ /dev/null
@@ -1 +0,0 @@
-x
diff --git \"a/sp\\303\\251.txt\" \"b/sp\\303\\251.txt\"
new file mode 100644
--- /dev/null
+++ \"b/sp\\303\\251.txt\"
@@ -0,0 +1,2 @@
+a
+b
\\ No newline at end of file
diff --git a/was.md b/is.md
similarity index 100%
rename from was.md
rename to is.md
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
";

fn fix(change: &str) -> Fix {
    Fix { change: change.to_owned(), on_new_base: None }
}

fn at(file: &str, line: Option<u32>) -> Finding {
    Finding { file: Some(file.to_owned()), line, ..Finding::default() }
}

#[test]
fn reads_a_diff_by_its_counts() {
    let lines = Lines::from_diff(WORK);
    let mut expected = Lines::default();
    expected.add("src/a.rs", 12..=13);
    expected.add("src/a.rs", 15..=15);
    expected.add("src/a.rs", 41..=42);
    expected.add("old.txt", 1..=u32::MAX);
    expected.add("old.txt", 1..=1);
    expected.add("sp\u{e9}.txt", 1..=2);
    expected.0.entry("is.md".into()).or_default();
    expected.0.entry("run.sh".into()).or_default();
    assert_eq!(lines, expected);
}

#[test]
fn origin_goes_by_lines() {
    let answer = "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -13 +13,2 @@\n-thirteen, new\n+thirteen\n+more\n";
    let mut changed = Changed::from_diffs(WORK, &[fix(answer)]);
    changed.before = ["src/a.rs", "src/b.rs", "xsrc/a.rs", "docs"].map(str::to_owned).into();
    let origin = |file: &str, line| changed.origin(&at(file, line));
    assert_eq!(origin("src/a.rs", Some(12)), Origin::ThisChange);
    assert_eq!(origin("src/a.rs", Some(13)), Origin::Fix(1));
    assert_eq!(origin("src/a.rs", Some(14)), Origin::Fix(1));
    assert_eq!(origin("a.rs", Some(14)), Origin::Fix(1));
    assert_eq!(origin("src/a.rs", Some(17)), Origin::ThisChange, "beside the work");
    assert_eq!(origin("src/a.rs", Some(30)), Origin::PreExisting);
    assert_eq!(origin("src/a.rs", None), Origin::ThisChange);
    assert_eq!(origin("src/b.rs", Some(1)), Origin::PreExisting);
    assert_eq!(origin("xsrc/a.rs", Some(12)), Origin::PreExisting);
    assert_eq!(origin("old.txt", Some(77)), Origin::ThisChange);
    assert_eq!(changed.origin(&Finding::default()), Origin::ThisChange);
}

#[test]
fn what_the_base_does_not_have_cannot_have_been_there_before() {
    let mut changed = Changed::from_diffs(WORK, &[]);
    changed.before = ["src/a.rs", "src/b.rs", "src", "docs"].map(str::to_owned).into();
    let origin = |file: &str, line| changed.origin(&at(file, line));
    // A file that the work should have made, and whatever is no path at all.
    for file in ["tests/test_a.rs", "src/a.rs, src/b.rs", "b.rs", "the parser", "src/b.rs and others"] {
        assert_eq!(origin(file, Some(500)), Origin::ThisChange, "{file}");
    }
    assert_eq!(origin("src/b.rs", Some(500)), Origin::PreExisting);
    // A folder: of this change, if something in it is.
    assert_eq!((origin("src", None), origin("docs", None)), (Origin::ThisChange, Origin::PreExisting));
}

#[test]
fn only_what_is_in_a_diff_counts_as_a_fix() {
    let changed =
        |fixes: &[&str]| Changed::from_diffs(WORK, &fixes.iter().map(|text| fix(text)).collect::<Vec<_>>());
    let some = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
    let since = |changed: &Changed| [0, 1, 2, 3].map(|round| changed.since(round));
    assert_eq!(since(&changed(&[])), [false; 4]);
    assert_eq!(since(&changed(&["", ""])), [false; 4]);
    assert_eq!(since(&changed(&[some, ""])), [true, true, false, false]);
    assert_eq!(since(&changed(&["", some])), [true, true, true, false]);
    assert_eq!(since(&Changed { taken_up: true, ..changed(&[]) }), [true, false, false, false]);
    // All of it came with the target.
    let theirs =
        Fix { change: some.into(), on_new_base: Some("--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n".into()) };
    assert!(!theirs.is_any() && fix(some).is_any());
}

#[test]
fn lines_of_an_earlier_fix_move_with_a_later_one() {
    let first = "--- a/x\n+++ b/x\n@@ -20,0 +21,3 @@\n+a\n+b\n+c\n";
    // Adds five lines at the top, and replaces the middle line of the first fix.
    let second = "--- a/x\n+++ b/x\n@@ -0,0 +1,5 @@\n+1\n+2\n+3\n+4\n+5\n@@ -22 +27 @@\n-b\n+B\n";
    let work = "--- a/x\n+++ b/x\n@@ -0,0 +1,5 @@\n+1\n+2\n+3\n+4\n+5\n@@ -20,0 +26,3 @@\n+a\n+B\n+c\n";
    let mut changed = Changed::from_diffs(work, &[fix(first), fix(second)]);
    changed.before.insert("x".into());
    let origins: Vec<Origin> = [3, 26, 27, 28, 21].map(|line| changed.origin(&at("x", Some(line)))).into();
    let expected = [Origin::Fix(2), Origin::Fix(1), Origin::Fix(2), Origin::Fix(1), Origin::PreExisting];
    assert_eq!(origins, expected);
}

#[test]
fn what_came_with_the_target_is_no_fix() {
    // The fix replaced line 3; the target, which came in between, added line 1 and replaced what is line 8 now.
    let change = "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+t\n@@ -2 +3 @@\n-b\n+fixed\n@@ -7 +8 @@\n-g\n+target\n\
                  --- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n";
    let since_target = "--- a/x\n+++ b/x\n@@ -3 +3,3 @@\n-two\n+fixed\n+w\n+w\n";
    let fix = Fix { change: change.into(), on_new_base: Some(since_target.into()) };
    let mut changed = Changed::from_diffs(since_target, &[fix]);
    changed.before.extend(["x".to_owned(), "y".to_owned()]);
    let origins = [1, 3, 4, 8, 20].map(|line| changed.origin(&at("x", Some(line))));
    use Origin::{Fix as Of, PreExisting, ThisChange};
    assert_eq!(
        origins,
        [ThisChange, Of(1), ThisChange, ThisChange, PreExisting],
        "1 and 8 are beside the work"
    );
    assert_eq!(changed.fixes[0].0.get("x").unwrap(), &[3..=3]);
    assert_eq!(changed.origin(&at("y", Some(1))), Origin::PreExisting);
}

#[test]
fn deletion_in_the_middle_of_a_range_keeps_both_sides() {
    let blocks =
        [Block { old: 5, removed: 2, new: 5, added: 0 }, Block { old: 20, removed: 0, new: 18, added: 4 }];
    assert_eq!(diff::moved(&(3..=9), &blocks), [3..=4, 5..=7]);
    assert_eq!(diff::moved(&(5..=6), &blocks), []);
    assert_eq!(diff::moved(&(18..=22), &blocks), [16..=17, 22..=24]);
    assert_eq!(diff::moved(&(30..=30), &blocks), [32..=32]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_text_is_a_diff(text in any::<String>(), pieces in prop::collection::vec(prop::sample::select(vec![
        "diff --git a/x b/x\n", "--- a/x\n", "+++ b/x\n", "+++ /dev/null\n", "@@ -1,4294967295 +4294967295,9 @@\n", "@@ -1 +1 @@\n",
        "+a\n", "-b\n", " c\n", "\n", "rename from x\n", "rename to y\n", "\"\\777", "@@ -0,0 +4294967295 @@\n",
    ]), 0..40)) {
        let text = pieces.concat() + &text;
        let changed = Changed::from_diffs(&text, &[fix(&text), Fix { on_new_base: Some(text.clone()), ..fix(&text) }]);
        for line in [0, 1, 5, u32::MAX] {
            changed.origin(&at("x", Some(line)));
        }
    }
}

#[test]
fn of_two_fixes_of_one_line_the_newer_one_answers_for_it() {
    let mut changed = Changed::default();
    for _ in 0..2 {
        let mut lines = Lines::default();
        lines.add("a.rs", 5..=9);
        changed.fixes.push(lines);
    }
    assert_eq!(changed.origin(&at("a.rs", Some(7))), Origin::Fix(2));
}

#[test]
fn t45_a_diff_without_end_is_bounded_and_its_rest_counts_as_changed() {
    let hunk = |n: u32| format!("@@ -{0} +{0} @@\n-a\n+b\n", 2 * n + 1);
    let hunks: String = (0..200_010).map(hunk).collect();
    let lines = Lines::from_diff(&format!("diff --git a/x b/x\n--- a/x\n+++ b/x\n{hunks}"));
    assert_eq!(lines.0["x"].len(), 200_000);
    assert!(lines.touches("x", Some(500_000), 0), "nothing is called older than it may be");
}
