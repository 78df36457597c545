use std::sync::Arc;

use super::*;
use crate::clock::SystemClock;

#[test]
fn a_name_stands_for_one_folder_and_a_folder_for_one_name() {
    let journal = Journal::in_memory(Arc::new(SystemClock::default())).unwrap();
    journal.add_project("shop", Path::new("/p/shop")).unwrap().unwrap();
    journal.add_project("docs", Path::new("/p/docs")).unwrap().unwrap();
    assert_eq!(journal.add_project("shop", Path::new("/q/shop")).unwrap(), Err("/p/shop".into()));
    journal.add_project("store", Path::new("/p/shop")).unwrap().unwrap();
    let names: Vec<_> = journal.projects().unwrap().into_iter().map(|p| p.name).collect();
    assert_eq!(names, ["docs", "store"]);
    assert!(journal.remove_project("docs").unwrap());
    assert!(!journal.remove_project("docs").unwrap());
}
