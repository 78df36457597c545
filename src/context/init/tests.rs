use proptest::prelude::*;

use super::*;
use crate::config::project::Project;
use crate::context::stack::TestCommand;

fn stacks(run: &str) -> Vec<Stack> {
    let tests = Some(TestCommand { run: run.into(), because: "x".into() });
    vec![Stack { name: "Python".into(), tests }, Stack { name: "Make".into(), tests: None }]
}

#[test]
fn a_new_file_reads_well() {
    insta::assert_snapshot!(render("main", &stacks("python3 -m unittest -q")));
}

#[test]
fn without_tests_it_says_what_that_means() {
    let text = render("main", &[]);
    assert!(text.contains("No tests were found"));
    assert!(Project::parse(text.as_bytes(), "bead.yaml").unwrap().gates.is_empty());
}

#[test]
fn what_it_writes_the_house_accepts_even_with_its_comments_taken_up() {
    let text = render("release/1", &stacks("cd a && make test"))
        .replace("# image: worker  ", "image: worker  ")
        .replace("# protected", "protected");
    let project = Project::parse(text.as_bytes(), "bead.yaml").unwrap();
    assert_eq!(
        (project.target.as_deref(), project.gates[0].run.as_str()),
        (Some("release/1"), "cd a && make test")
    );
    assert_eq!(project.protected.patterns, ["deploy/**"]);
    let user = crate::config::user::User::default();
    let flags = crate::config::effective::Flags::default();
    crate::config::effective::Effective::merge(&user, &project, &flags).unwrap();
}

proptest! {
    #[test]
    fn any_command_survives(run in "[ -~é]{0,40}[a-z\"'#:{&*!|>%@`]") {
        let run = run.trim();
        let text = render("main", &stacks(run));
        let project = Project::parse(text.as_bytes(), "bead.yaml").unwrap();
        prop_assert_eq!(&project.gates[0].run, run);
    }
}
