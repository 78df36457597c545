//! What real versions call ready of the fixture: the lists that were measured, through the tracker.

use beadwork::beads::ready::verdict::in_order;

use super::backend::{Backend, Project};

/// The measured set of each version in our order, less what is in progress (0.47.1 lists that too). Imports into
/// 1.0.x drop the gates of `orc-h6j` and `orc-z1r`: 1.0.5 then takes any child for enough, 1.0.4 wants all.
fn measured(version: &str) -> &'static str {
    match version {
        "0.47.1" | "0.49.6" => {
            "orc-u0e orc-k3v orc-k3v.2 orc-y3u orc-d7n.1 orc-p2d orc-w4s orc-z1r orc-e3x orc-l5k orc-q9b orc-w4s.2"
        }
        "1.0.4" => {
            "orc-u0e orc-k3v orc-k3v.2 orc-t5w orc-y3u orc-p2d orc-w4s orc-e3x orc-l5k orc-q9b orc-w4s.2"
        }
        "1.0.5" => {
            "orc-u0e orc-k3v orc-k3v.2 orc-t5w orc-y3u orc-h6j orc-p2d orc-w4s orc-z1r orc-e3x orc-l5k orc-q9b orc-w4s.2"
        }
        other => panic!("nothing was measured of `bd` {other}"),
    }
}

#[tokio::test]
async fn the_fixture_s_list_on_real() {
    for backend in Backend::real() {
        let version = backend.version();
        if !["0.47.1", "0.49.6", "1.0.4", "1.0.5"].contains(&version) {
            println!("skipped: nothing was measured of `bd` {version}");
            continue;
        }
        let project = Project::new(&backend);
        if version == "0.49.6" {
            // Without it that version refuses the whole file over one bead of type `gate`.
            assert_eq!(project.bd(&["config", "set", "types.custom", "gate"]).code, 0);
        }
        let samples = project.dir.path().join("samples.jsonl");
        std::fs::write(&samples, include_str!("../../fixtures/beads/samples.jsonl")).unwrap();
        let samples = samples.to_str().unwrap();
        let import =
            if backend.is_classic() { vec!["import", "-i", samples] } else { vec!["import", samples] };
        let ran = project.bd(&import);
        assert_eq!(ran.code, 0, "{version}: {ran:?}");
        let tracker = project.open().await;
        let snapshot = tracker.snapshot().await.unwrap();
        let listed = tracker.ready_ids(&snapshot).await.unwrap().unwrap();
        let found: Vec<&str> =
            in_order(&snapshot, &listed).into_iter().map(|at| snapshot.beads[at].id.as_str()).collect();
        assert_eq!(found, measured(version).split(' ').collect::<Vec<_>>(), "{version}");
        println!("{version}: {} ready of {}", found.len(), snapshot.beads.len());
    }
}
