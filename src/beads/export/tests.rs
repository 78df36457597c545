use proptest::prelude::*;

use super::*;

const SAMPLES: &str = include_str!("../../../tests/fixtures/beads/samples.jsonl");

fn export(text: &str, form: Option<Form>) -> Export {
    Snapshot::read(text.as_bytes().to_vec()).export(form)
}

fn text(export: Export) -> String {
    String::from_utf8(export.bytes).unwrap()
}

#[test]
fn the_own_form_is_every_byte_of_what_can_be_read() {
    let header = "{\"_schema\":\"x\"}\n{\"_type\":\"memory\",\"key\":\"k\",\"value\":\"v\"}\n\n";
    let all = format!("{header}{SAMPLES}");
    assert_eq!(text(export(&all, None)), all);
    let bad = export(&format!("{all}rubbish\n{{\"id\":\"a"), None);
    assert_eq!((bad.left_out.len(), bad.beads), (2, 29));
    assert_eq!(text(bad), all);
}

#[test]
fn the_1_x_form_is_what_1_x_exports() {
    let out = text(export(SAMPLES, Some(Form::Modern)));
    assert_eq!(out.lines().count(), 29);
    for line in out.lines() {
        assert!(line.starts_with("{\"_type\":\"issue\",\"id\":\"orc-"), "{line}");
        let bead: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(bead["dependency_count"].is_u64() && bead["dependent_count"].is_u64());
        for edge in bead["dependencies"].as_array().into_iter().flatten() {
            assert!(edge["metadata"].is_string(), "{line}");
        }
        for comment in bead["comments"].as_array().into_iter().flatten() {
            assert!(comment["id"].is_string(), "{line}");
        }
    }
    assert!(
        !out.contains("+09:00") && out.contains("\"x_orchestrator\""),
        "times have a Z, unknown keys are kept"
    );
}

#[test]
fn there_and_back_says_the_same() {
    let there = text(export(SAMPLES, Some(Form::Modern)));
    let back = text(export(&there, Some(Form::Classic)));
    let direct = text(export(SAMPLES, Some(Form::Classic)));
    let beads = |text: &str| Snapshot::read(text.as_bytes().to_vec()).beads;
    let (before, after) = (beads(SAMPLES), beads(&back));
    for (before, after) in before.iter().zip(&after) {
        let mut after = after.clone();
        // An edge without metadata has an empty one in 1.x.
        for (edge, old) in after.dependencies.iter_mut().zip(&before.dependencies) {
            if old.metadata.is_none() {
                assert_eq!(edge.metadata.as_deref(), Some("{}"));
                edge.metadata = None;
            }
        }
        for (comment, old) in after.comments.iter_mut().zip(&before.comments) {
            assert!(comment.id.is_u64());
            comment.id = old.id.clone();
        }
        assert_eq!(before, &after);
    }
    // Lines without edges, comments and odd times are the same bytes.
    let same = direct.lines().filter(|line| SAMPLES.lines().any(|old| old == *line)).count();
    assert!(same >= 25, "{same} lines of 29 kept their bytes");
}

#[test]
fn memories_are_for_1_x_and_headers_for_nobody() {
    let all = "{\"_schema\":\"x\"}\n{\"_type\":\"memory\",\"key\":\"k\",\"value\":\"v\"}\n{\"id\":\"a-1\",\"title\":\"t\"}\n";
    assert!(
        text(export(all, Some(Form::Modern)))
            .ends_with("{\"_type\":\"memory\",\"key\":\"k\",\"value\":\"v\"}\n")
    );
    let classic = export(all, Some(Form::Classic));
    assert_eq!(classic.left_out, ["line 2: a memory, which classic `bd` does not know"]);
    assert_eq!(text(classic), "{\"id\":\"a-1\",\"title\":\"t\"}\n");
}

proptest! {
    #[test]
    fn f36_any_bytes_are_exported_as_lines_that_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for form in [None, Some(Form::Classic), Some(Form::Modern)] {
            let again = Snapshot::read(Snapshot::read(bytes.clone()).export(form).bytes);
            prop_assert!(again.problems.is_empty(), "{:?}", again.problems);
        }
    }
}
