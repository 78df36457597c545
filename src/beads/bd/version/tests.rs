use super::*;

fn fit(version: &str, store: Store) -> Fit {
    Dialect::of(Version::parse(version).unwrap(), store)
}

fn good(version: &str, store: Store) -> Dialect {
    match fit(version, store) {
        Fit::Good(dialect) => dialect,
        other => panic!("{version}: {other:?}"),
    }
}

#[test]
fn versions_are_read_as_they_are_printed() {
    assert_eq!(Version::parse("0.49.6"), Some(Version(0, 49, 6)));
    assert_eq!(Version::parse("v1.3.0-rc.1"), Some(Version(1, 3, 0)));
    assert_eq!(Version::parse("2.0"), Some(Version(2, 0, 0)));
    for bad in ["", "dev", "1", "1.x.2", "1.2.3.4", "-1.2.3", "99999999999.0.0"] {
        assert_eq!(Version::parse(bad), None, "{bad}");
    }
}

#[test]
fn each_store_has_its_own_versions() {
    assert_eq!(fit("1.0.4", Store::Classic), Fit::OtherEra);
    assert_eq!(fit("0.49.6", Store::Dolt), Fit::OtherEra);
    assert_eq!(fit("0.46.9", Store::Classic), Fit::TooOld);
    assert_eq!(fit("0.63.0", Store::Dolt), Fit::TooOld);
    for version in ["0.47.1", "0.49.6", "0.50.3"] {
        good(version, Store::Classic);
    }
    for version in ["1.0.0", "1.0.4", "1.0.5", "1.3.1", "7.0.0"] {
        good(version, Store::Dolt);
    }
}

#[test]
fn what_was_measured_of_each_version() {
    let classic = good("0.47.1", Store::Classic);
    assert_eq!((classic.metadata, classic.claiming), (Metadata::Dropped, Claiming::ReadThenWrite));
    let classic = good("0.49.6", Store::Classic);
    assert_eq!((classic.metadata, classic.claiming), (Metadata::Whole, Claiming::Atomic));
    assert!(
        !good("1.0.4", Store::Dolt).comments_on_request && good("1.0.5", Store::Dolt).comments_on_request
    );
    assert!(!good("1.0.5", Store::Dolt).ready_wakes && good("1.3.0", Store::Dolt).ready_wakes);
}

#[test]
fn a_withdrawn_and_an_unknown_version_are_told() {
    assert_eq!(good("1.0.4", Store::Dolt).note, None);
    assert!(good("1.0.5", Store::Dolt).note.unwrap().contains("withdrawn"));
    assert!(good("1.4.0", Store::Dolt).note.unwrap().contains("driven like 1.3.1"));
}
