use std::collections::HashSet;

use super::*;

fn ids(recipe: &Recipe<'_>, nonce: u32) -> Vec<String> {
    LENGTHS.map(|length| recipe.id(length, nonce).as_str().to_owned()).collect()
}

#[test]
fn the_hash_is_that_of_bd() {
    let bd = Recipe {
        prefix: "bd",
        title: "Fix login",
        description: "Details",
        creator: "jira-import",
        created_at: "2024-01-02T03:04:05.006Z".parse().unwrap(),
    };
    assert_eq!(ids(&bd, 0), ["bd-vju", "bd-8d8e", "bd-bi3tk", "bd-8bi3tk", "bd-r5sr6bm", "bd-8r5sr6bm"]);
    let own = Recipe {
        prefix: "orc",
        title: "Résumé parser: naïve café ☕",
        description: "",
        creator: "агент-1",
        created_at: "2026-02-20T09:30:00.123456789Z".parse().unwrap(),
    };
    let zero = ["orc-gd7", "orc-8dz7", "orc-znect", "orc-mznect", "orc-jhie373", "orc-4jhie373"];
    let one = ["orc-3y3", "orc-w2gf", "orc-41gup", "orc-k41gup", "orc-30qfufa", "orc-b30qfufa"];
    assert_eq!(ids(&own, 0), zero);
    assert_eq!(ids(&own, 1), one);
}

#[test]
fn the_hash_grows_with_the_number_of_beads() {
    for (count, length) in
        [(0, 3), (150, 3), (170, 4), (970, 4), (1_000, 5), (5_800, 5), (6_000, 6), (10_000, 6)]
    {
        assert_eq!(length_for(count), length, "{count}");
    }
    assert_eq!(length_for(usize::MAX), 8);
}

fn recipe() -> Recipe<'static> {
    Recipe { prefix: "p", title: "t", description: "", creator: "c", created_at: DateTime::UNIX_EPOCH }
}

#[test]
fn a_collision_takes_the_next_nonce_then_the_next_length() {
    let recipe = recipe();
    let mut taken = HashSet::new();
    for round in 0..60 {
        let id = fresh_id(&recipe, std::iter::empty(), |id| taken.contains(id)).unwrap();
        assert!(taken.insert(id.as_str().to_owned()), "round {round} gave {id} twice");
    }
    assert!(matches!(
        fresh_id(&recipe, std::iter::empty(), |_| true),
        Err(TrackerError::NoFreeId { prefix }) if prefix == "p"
    ));
}

#[test]
fn only_top_level_beads_of_the_prefix_count() {
    let many: Vec<String> = (0..400).map(|n| format!("p-{n}.1")).collect();
    let id = fresh_id(&recipe(), many.iter().map(String::as_str), |_| false).unwrap();
    assert_eq!(id.as_str().len(), "p-".len() + 3);
    let many: Vec<String> = (0..400).map(|n| format!("p-{n}")).collect();
    let id = fresh_id(&recipe(), many.iter().map(String::as_str), |_| false).unwrap();
    assert_eq!(id.as_str().len(), "p-".len() + 4);
}

#[test]
fn hierarchy_is_the_last_dot_before_digits() {
    assert_eq!(parent_of("a-b.3.1"), Some("a-b.3"));
    assert_eq!(parent_of("my.app-b3"), None);
    assert_eq!(parent_of("my.app-b3.12"), Some("my.app-b3"));
    for id in ["a-b", "a-b.", "a-b.x", ".1", ""] {
        assert_eq!(parent_of(id), None, "{id}");
    }
}

#[test]
fn the_prefix_is_configured_or_shared_or_the_directorys_name() {
    let dir = tempfile::tempdir().unwrap();
    let root = Path::new("/x/My Project_2");
    let of = |ids: &[&'static str]| prefix(dir.path(), root, ids.iter().copied());
    assert_eq!(of(&[]).unwrap(), "myproject2");
    assert_eq!(of(&["orc-1", "orc-k3v.3.1", "orc-wisp-77a"]).unwrap(), "orc");
    assert!(matches!(of(&["a-1", "b-1"]), Err(TrackerError::MixedPrefixes { found }) if found == ["a", "b"]));
    std::fs::write(dir.path().join("config.yaml"), "# c\nissue-prefix: \"gt-\"\nother: {}\n").unwrap();
    assert_eq!(of(&["a-1", "b-1"]).unwrap(), "gt");
}

#[test]
fn t51_a_prefix_is_safe_in_paths_and_refs() {
    let dir = tempfile::tempdir().unwrap();
    for bad in ["../x", "-x", "a b", "a/b", "a..b", "ü"] {
        std::fs::write(dir.path().join("config.yaml"), format!("issue-prefix: \"{bad}\"\n")).unwrap();
        assert!(prefix(dir.path(), Path::new("/x"), std::iter::empty()).is_err(), "{bad}");
    }
    assert_eq!(from_directory(Path::new("/")), "bead");
    assert_eq!(from_directory(Path::new("/--ü--")), "bead");
    assert_eq!(prefix_of("../../etc-passwd"), None);
}
