use super::*;
use crate::config::project::Project;

fn parse(text: &str) -> Result<Project, ConfigError> {
    Project::parse(text.as_bytes(), "bead.yaml")
}

#[test]
fn reads_the_filter_and_the_way_of_landing() {
    let project = parse(
        "night: { labels: [ok], exclude_labels: [risky, ui], types: [bug], max_priority: 2 }\n\
         land: { mode: branch, push: my-fork.2 }",
    )
    .unwrap();
    let night = project.night.unwrap();
    assert_eq!(
        (night.labels, night.exclude_labels.len(), night.types),
        (vec!["ok".into()], 2, vec!["bug".into()])
    );
    assert_eq!(night.max_priority, Some(2));
    assert_eq!(project.land, Some(Land { mode: LandMode::Branch, push: Some("my-fork.2".into()) }));
    assert_eq!(parse("").unwrap().land, None);
    assert_eq!(parse("land: {}").unwrap().land, Some(Land::default()));
}

#[test]
fn a_remote_is_a_name_and_never_an_option_or_an_address() {
    for good in ["origin", "up_stream", "o", "a.b-c"] {
        assert!(is_remote(good), "{good}");
    }
    for bad in [
        "",
        "-o",
        "--upload-pack=x",
        "https://a/b",
        "git@a:b",
        "ext::sh -c x",
        "../up",
        "a/b",
        "a b",
        ".",
        "..",
        "a..b",
        "a.lock",
        "a.",
        "ä",
        "a\n",
    ] {
        assert!(!is_remote(bad), "{bad}");
        let error = parse(&format!("land:\n  push: {bad:?}")).unwrap_err().to_string();
        assert!(error.starts_with("bead.yaml:2: `land.push`: expected the name of a remote"), "{error}");
    }
}

#[test]
fn errors_name_key_and_line() {
    let cases = [
        ("night:\n  label: [a]", "bead.yaml:2: unknown key `night.label`, did you mean `labels`?"),
        (
            "night:\n  max_priority: 5",
            "bead.yaml:2: `night.max_priority`: expected a whole number from 0 to 4, found `5`",
        ),
        ("night:\n  types: bug", "bead.yaml:2: `night.types`: expected a list, found `bug`"),
        (
            "night: { labels: [''] }",
            "bead.yaml:1: `night.labels`: expected words of 1 to 200 characters, found another",
        ),
    ];
    for (text, expect) in cases {
        assert_eq!(parse(text).unwrap_err().to_string(), expect);
    }
}
