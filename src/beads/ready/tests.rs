use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::beads::Snapshot;
use crate::domain::bead::Status;

const SAMPLES: &[u8] = include_bytes!("../../../tests/fixtures/beads/samples.jsonl");

fn now() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn samples() -> Vec<Bead> {
    let snapshot = Snapshot::read(SAMPLES.to_vec());
    assert_eq!((snapshot.beads.len(), snapshot.problems.len()), (29, 0));
    snapshot.beads
}

fn ready_ids(beads: &[Bead], rules: Rules) -> Vec<&str> {
    ready(beads, rules, now()).into_iter().map(|at| beads[at].id.as_str()).collect()
}

#[test]
fn rules_b_with_gates_kept_give_the_measured_list() {
    let beads = samples();
    let expected =
        "orc-u0e orc-k3v orc-k3v.2 orc-t5w orc-y3u orc-p2d orc-w4s orc-z1r orc-e3x orc-l5k orc-q9b orc-w4s.2";
    assert_eq!(ready_ids(&beads, Rules::B), expected.split(' ').collect::<Vec<_>>());
    // The set as it was measured on 1.0.5, without the bead whose gate an import into 1.0.5 drops.
    let measured =
        "orc-u0e orc-y3u orc-t5w orc-k3v.2 orc-k3v orc-z1r orc-w4s orc-p2d orc-w4s.2 orc-q9b orc-l5k orc-e3x";
    let set: BTreeSet<_> = measured.split(' ').collect();
    assert_eq!(ready_ids(&beads, Rules::B).into_iter().collect::<BTreeSet<_>>(), set);
}

#[test]
fn classic_rules_give_the_list_of_0_49_6() {
    let expected = "orc-u0e orc-k3v orc-k3v.2 orc-y3u orc-d7n.1 orc-p2d orc-w4s orc-z1r orc-e3x orc-l5k orc-q9b orc-w4s.2";
    assert_eq!(ready_ids(&samples(), Rules::Classic), expected.split(' ').collect::<Vec<_>>());
}

/// An import into 1.0.4 drops the gates, and then waits for all children: so do our rules without a gate.
#[test]
fn rules_b_without_gates_give_the_measured_list_of_1_0_4() {
    let mut beads = samples();
    for edge in beads.iter_mut().flat_map(|bead| &mut bead.dependencies) {
        edge.metadata = None;
    }
    let expected =
        "orc-u0e orc-k3v orc-k3v.2 orc-t5w orc-y3u orc-p2d orc-w4s orc-e3x orc-l5k orc-q9b orc-w4s.2";
    assert_eq!(ready_ids(&beads, Rules::B), expected.split(' ').collect::<Vec<_>>());
}

/// With every gate at any child, as 1.0.5 takes those that its import drops.
#[test]
fn rules_b_with_any_child_give_the_measured_list_of_1_0_5() {
    let mut beads = samples();
    for edge in beads.iter_mut().flat_map(|bead| &mut bead.dependencies) {
        edge.metadata = Some(r#"{"gate":"any-children"}"#.into());
    }
    let expected = "orc-u0e orc-k3v orc-k3v.2 orc-t5w orc-y3u orc-h6j orc-p2d orc-w4s orc-z1r orc-e3x orc-l5k orc-q9b orc-w4s.2";
    assert_eq!(ready_ids(&beads, Rules::B), expected.split(' ').collect::<Vec<_>>());
}

/// 1.3 wakes what was deferred until a moment that has passed and leaves out what is a person's; we do neither.
#[test]
fn rules_b_on_beads_woken_by_1_3_give_its_list() {
    let mut beads = samples();
    beads.retain(|bead| !bead.has_label("human"));
    for bead in &mut beads {
        if bead.status == Status::Deferred && bead.defer_until.is_some_and(|at| at <= now()) {
            bead.status = Status::Open;
        }
    }
    let expected =
        "orc-u0e orc-k3v orc-k3v.2 orc-t5w orc-c2y orc-p2d orc-w4s orc-z1r orc-e3x orc-l5k orc-q9b orc-w4s.2";
    assert_eq!(ready_ids(&beads, Rules::B), expected.split(' ').collect::<Vec<_>>());
}

#[test]
fn each_bead_has_its_sentence() {
    let beads = samples();
    let say = |id: &str, rules| {
        let id = BeadId::new(id);
        explain(&beads, &id, rules, now()).unwrap().sentence(&id)
    };
    let cases = [
        ("orc-u0e", "`orc-u0e` is ready"),
        ("orc-a6p", "`orc-a6p` is not ready: pinned: it is kept for reading, not for working"),
        ("orc-b4z", "`orc-b4z` is not ready: its status is hooked"),
        (
            "orc-c2y",
            "`orc-c2y` is not ready: its status is deferred, though its date 2026-02-25T00:00:00Z has passed",
        ),
        ("orc-d7n", "`orc-d7n` is not ready: deferred until 2099-01-01T00:00:00Z"),
        (
            "orc-d7n.1",
            "`orc-d7n.1` is not ready: its parent `orc-d7n` is deferred until 2099-01-01T00:00:00Z",
        ),
        ("orc-f3m", "`orc-f3m` waits for `orc-b4z` (hooked)"),
        ("orc-g1t", "`orc-g1t` is not ready: deleted; only its tombstone is left"),
        ("orc-h6j", "`orc-h6j` waits for `orc-w4s.2` (open, a child of `orc-w4s`)"),
        (
            "orc-k3v.1",
            "`orc-k3v.1` is not ready: closed since 2026-02-22T16:00:00Z: Implemented and merged in change 41",
        ),
        ("orc-k3v.3", "`orc-k3v.3` waits for `orc-k3v.2` (open)"),
        ("orc-k3v.3.1", "`orc-k3v.3.1` waits with `orc-k3v.3` above it, which waits for `orc-k3v.2` (open)"),
        ("orc-m8q", "`orc-m8q` is not ready: in progress, claimed by `agent-7`"),
        ("orc-s7c", "`orc-s7c` is not ready: its status is blocked"),
        ("orc-v8i", "`orc-v8i` is not ready: its type is `gate`, which is never worked on"),
        ("orc-wisp-77a", "`orc-wisp-77a` is not ready: ephemeral: it is a passing record, not work"),
    ];
    for (id, sentence) in cases {
        assert_eq!(say(id, Rules::B), sentence);
    }
    assert_eq!(say("orc-d7n.1", Rules::Classic), "`orc-d7n.1` is ready");
    assert_eq!(
        say("orc-t5w", Rules::Classic),
        "`orc-t5w` waits for `orc-k3v.1` (closed without the failure this waits for)"
    );
    assert_eq!(explain(&beads, &BeadId::new("orc-zzz"), Rules::B, now()), None);
}

/// Beads from lines of `id status edges...`, an edge being `type>target`.
fn beads(lines: &[&str]) -> Vec<Bead> {
    let line = |line: &&str| {
        let mut words = line.split(' ');
        let (id, status) = (words.next().unwrap(), words.next().unwrap());
        let edges: Vec<_> = words
            .map(|edge| {
                let (kind, to) = edge.split_once('>').unwrap();
                let (kind, gate) = kind.strip_suffix('?').map_or((kind, "all"), |kind| (kind, "any"));
                let gate = format!("{{\"gate\":\"{gate}-children\"}}");
                serde_json::json!({"issue_id": id, "depends_on_id": to, "type": kind, "metadata": gate})
            })
            .collect();
        serde_json::json!({"id": id, "title": id, "status": status, "dependencies": edges}).to_string()
    };
    Snapshot::read(lines.iter().map(line).collect::<Vec<_>>().join("\n").into_bytes()).beads
}

fn is_ready(lines: &[&str], rules: Rules) -> bool {
    ready_ids(&beads(lines), rules).contains(&"x")
}

#[test]
fn what_blocks_under_which_rules() {
    // (beads, ready under B, ready under classic)
    let cases: &[(&[&str], bool, bool)] = &[
        (&["x open blocks>t", "t open"], false, false),
        (&["x open blocks>t", "t in_progress"], false, false),
        (&["x open blocks>t", "t deferred"], false, false),
        (&["x open blocks>t", "t hooked"], false, false),
        (&["x open blocks>t", "t my_done"], false, true),
        (&["x open blocks>t", "t pinned"], true, true),
        (&["x open blocks>t", "t closed"], true, true),
        (&["x open blocks>t", "t tombstone"], true, true),
        (&["x open blocks>missing"], true, true),
        (&["x open blocks>external:a:b"], true, true),
        (&["x open related>t", "t open"], true, true),
        (&["x open conditional-blocks>t", "t hooked"], false, true),
        (&["x open conditional-blocks>t", "t closed"], true, false),
        (&["x open waits-for>t", "t open"], true, true),
        (&["x open waits-for?>t", "t open"], true, false),
        (&["x open waits-for>t", "t open", "c open parent-child>t"], false, false),
        (&["x open waits-for>t", "t open", "c closed parent-child>t"], true, true),
        (&["x open waits-for>t", "t open", "c pinned parent-child>t"], true, false),
        (&["x open waits-for?>t", "t open", "c open parent-child>t", "d closed parent-child>t"], true, true),
        (&["x open waits-for>t", "t open", "c open parent-child>t", "d closed parent-child>t"], false, false),
        (&["x open parent-child>p", "p open"], true, true),
        (&["x open parent-child>p", "p open blocks>t", "t open"], false, false),
        (&["x open parent-child>p", "p closed blocks>t", "t open"], true, false),
        (&["x open parent-child>p", "p open parent-child>g", "g open blocks>t", "t open"], false, false),
        (&["x open parent-child>p", "p closed parent-child>g", "g open blocks>t", "t open"], true, false),
        (&["x open blocks>y", "y open blocks>x"], false, false),
        (&["x open parent-child>y", "y open parent-child>x"], true, true),
    ];
    for (lines, b, classic) in cases {
        assert_eq!((is_ready(lines, Rules::B), is_ready(lines, Rules::Classic)), (*b, *classic), "{lines:?}");
    }
}

#[test]
fn order_is_priority_then_age_then_id() {
    let line = |id: &str, p: u8, at: &str| {
        format!("{{\"id\":\"{id}\",\"title\":\"t\",\"priority\":{p},\"created_at\":\"{at}\"}}\n")
    };
    let text = line("d", 1, "2026-01-01T00:00:00Z")
        + &line("c", 2, "2026-01-01T10:00:00+09:00")
        + &line("b", 2, "2026-01-01T02:00:00Z")
        + &line("a", 2, "2026-01-01T02:00:00Z");
    assert_eq!(ready_ids(&Snapshot::read(text.into_bytes()).beads, Rules::B), ["d", "c", "a", "b"]);
}

#[test]
fn a_parked_bead_waits_for_a_person() {
    let text = br#"{"id":"x","title":"t","status":"blocked","labels":["parked"]}"#;
    let id = BeadId::new("x");
    let said = explain(&Snapshot::read(text.to_vec()).beads, &id, Rules::B, now()).unwrap().sentence(&id);
    assert_eq!(said, "`x` is not ready: parked: it waits for a person");
}

fn any_beads() -> impl Strategy<Value = Vec<Bead>> {
    let status = prop_oneof![
        4 => Just("open"), 1 => Just("closed"), 1 => Just("in_progress"), 1 => Just("pinned"), 1 => Just("tombstone"), 1 => Just("done")
    ];
    let kind = prop_oneof![
        Just("blocks"),
        Just("conditional-blocks"),
        Just("waits-for"),
        Just("waits-for?"),
        Just("parent-child"),
        Just("related")
    ];
    let bead = (status, proptest::collection::vec((kind, 0..14_usize), 0..3));
    proptest::collection::vec(bead, 1..12).prop_map(|all| {
        let lines: Vec<String> = all
            .iter()
            .enumerate()
            .map(|(at, (status, edges))| {
                let edges: String = edges.iter().map(|(kind, to)| format!(" {kind}>b{to}")).collect();
                format!("b{at} {status}{edges}")
            })
            .collect();
        beads(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    })
}

proptest! {
    #[test]
    fn the_sentence_agrees_with_the_decision(beads in any_beads(), classic in any::<bool>()) {
        let rules = if classic { Rules::Classic } else { Rules::B };
        let ready: BTreeSet<&str> = ready_ids(&beads, rules).into_iter().collect();
        for bead in &beads {
            let said = explain(&beads, &bead.id, rules, now()).unwrap();
            prop_assert_eq!(said == Readiness::Ready, ready.contains(bead.id.as_str()), "{}", said.sentence(&bead.id));
        }
    }
}
