//! (v) of the checker: no container of ours without a story that can still use it.
//!
//! Owns the look at the engine alone; an engine that does not answer is a note, no violation.

use super::Report;
use crate::daemon::house::House;
use crate::executor::Executor;
use crate::lifecycle::Story;

pub(super) async fn check(house: &House, stories: &[Story], executor: &dyn Executor, report: &mut Report) {
    let found = match executor.list(&house.instance).await {
        Ok(found) => found,
        Err(error) => {
            report.notes.push(format!("containers were not checked: {error}"));
            return;
        }
    };
    for sandbox in found {
        let wanted =
            stories.iter().any(|s| s.is_open() && s.runs.iter().any(|r| r.as_str() == sandbox.labels.run));
        // Other projects share the state directory; their containers are theirs to check.
        let ours = stories.iter().any(|s| s.project.as_str() == sandbox.labels.project);
        if ours && !wanted {
            report.violations.push(format!("container {} belongs to no open story", sandbox.name));
        }
    }
}
