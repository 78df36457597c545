use super::*;

fn merge(user: &str, project: &str) -> Result<Effective, ConfigError> {
    let user = User::parse(user.as_bytes(), "~/config.yaml").unwrap();
    let project = Project::parse(project.as_bytes(), "bead.yaml")?;
    Effective::merge(&user, &project, &Flags::default())
}

#[test]
fn every_value_knows_its_origin() {
    let e =
        merge("limits: { cost_usd: 20, attempts: 5 }", "target: main\nlimits: { cost_usd: 2.5 }").unwrap();
    assert_eq!(
        (e.limits.cost_usd.value, e.limits.cost_usd.origin),
        (2.5, Origin::Project("bead.yaml".into()))
    );
    assert_eq!(
        (e.limits.attempts.value, e.limits.attempts.origin),
        (5, Origin::User("~/config.yaml".into()))
    );
    assert_eq!((e.limits.slots.value, e.limits.slots.origin), (3, Origin::Default));
    assert_eq!((e.image.value.as_str(), e.image.origin), ("worker", Origin::Default));
    assert_eq!(e.commit.value.email, "bead@localhost");
    assert_eq!(e.target.origin.to_string(), "bead.yaml");
    let e = merge("", "land: { push: origin }\nnight: { max_priority: 1 }").unwrap();
    assert_eq!((e.land.value.push.as_deref(), e.night.value.max_priority), (Some("origin"), Some(1)));
    assert_eq!(e.land.origin, Origin::Project("bead.yaml".into()));
    assert_eq!(merge("", "").unwrap().land.origin, Origin::Default);
}

#[test]
fn flags_win() {
    let flags = Flags { target: Some("dev".into()), model: Some("haiku".into()) };
    let project = Project::parse(b"target: main\nmodel: opus", "bead.yaml").unwrap();
    let e = Effective::merge(&User::default(), &project, &flags).unwrap();
    assert_eq!((e.target.value.as_deref(), e.target.origin), (Some("dev"), Origin::Flag("--target")));
    assert_eq!(e.model.value.as_deref(), Some("haiku"));
}

#[test]
fn t54_a_project_that_widens_is_refused_naming_the_key() {
    let cases = [
        ("limits.cost_usd", "limits: { cost_usd: 5.01 }"),
        ("limits.attempts", "limits: { attempts: 4 }"),
        ("limits.run_time", "limits: { run_time: 7h }"),
        ("limits.idle", "limits: { idle: 1d }"),
        ("limits.tool", "limits: { tool: 61m }"),
        ("limits.slots", "limits: { slots: 64 }"),
        ("limits.memory", "limits: { memory: 5g }"),
        ("limits.output", "limits: { output: 1g }"),
        ("network", "network: host"),
        ("mounts", "mounts: ['/:/host']"),
        ("image", "image: mine:latest"),
        ("no_gates", "no_gates: true"),
        ("slots", "slots: 9"),
        ("windows", "windows: [{ start: 0 0 * * *, stop: 24h }]"),
        ("budgets", "budgets: { night: 1000 }"),
        ("protected", "protected: ['!CLAUDE.md']"),
    ];
    for (key, project) in cases {
        let error = merge("image: worker", project).unwrap_err().to_string();
        assert!(error.starts_with("bead.yaml:1: ") && error.contains(&format!("`{key}`")), "{key}: {error}");
    }
    assert_eq!(
        merge("limits: { cost_usd: 3 }", "limits:\n  cost_usd: 4").unwrap_err().to_string(),
        "bead.yaml:2: `limits.cost_usd` may only narrow what you allow: found 4, allowed at most 3 (~/config.yaml); \
         to allow more, set `limits.cost_usd` in ~/config.yaml"
    );
}

#[test]
fn what_the_user_allows_a_project_may_ask_for() {
    let e =
        merge("limits: { cost_usd: 20 }\nimage: [worker, python]", "limits: { cost_usd: 20 }\nimage: python")
            .unwrap();
    assert_eq!((e.limits.cost_usd.value, e.image.value.as_str()), (20.0, "python"));
    // Without a list of the user's, a project names the image its gates need.
    assert_eq!(
        merge("", "image: registry.example/tools@sha256:0a").unwrap().image.value,
        "registry.example/tools@sha256:0a"
    );
}
