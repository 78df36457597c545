use std::collections::BTreeMap;

use super::*;

const PAGE: &str = include_str!("../../../../docs/hand.md");

/// The page's first table: state, then verb, then cell.
fn documented() -> BTreeMap<String, BTreeMap<String, String>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    let mut lines = PAGE.lines().skip_while(|line| !line.starts_with("| state |"));
    let verbs = cells(lines.next().expect("the page has its table"));
    lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let row = cells(line);
            assert_eq!(row.len(), verbs.len(), "{line}");
            (row[0].clone(), verbs[1..].iter().cloned().zip(row[1..].iter().cloned()).collect())
        })
        .collect()
}

#[test]
fn the_page_shows_the_table_as_it_is() {
    let page = documented();
    assert_eq!(page.len(), State::ALL.len(), "a row for each state");
    for state in State::ALL {
        let row = page.get(state.word()).unwrap_or_else(|| panic!("no row `{}`", state.word()));
        assert_eq!(row.len(), Verb::ALL.len(), "a column for each verb");
        for verb in Verb::ALL {
            let cell = row.get(verb.word()).unwrap_or_else(|| panic!("no column `{}`", verb.word()));
            let ours = may(verb, state).map_or("–", Deed::word);
            assert_eq!(cell, ours, "`bead {}` while {}", verb.word(), state.word());
        }
    }
}

/// Whatever is refused is refused with a command that is not.
#[test]
fn every_refusal_names_something_that_makes_sense_there() {
    for state in State::ALL {
        let advice = state.advice("t-1");
        assert!(!advice.is_empty());
        for verb in Verb::ALL {
            let named = advice.contains(&format!("`bead {} t-1", verb.word()));
            assert!(!named || may(verb, state).is_some(), "{}: {advice}", state.word());
        }
    }
}

/// What moves a target is never disturbed, and what is closed or unknown never touched.
#[test]
fn nothing_is_done_to_a_landing_or_to_what_is_not_open() {
    for state in [State::Landing, State::Closed, State::Unknown, State::Taken] {
        for verb in Verb::ALL {
            assert_eq!(may(verb, state), None, "{} {}", verb.word(), state.word());
        }
    }
}
