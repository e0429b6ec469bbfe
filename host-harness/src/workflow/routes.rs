//! Where the routes of a flow lead: every task must be reached, and none twice. A definition has no conditions, so a route
//! that comes back would never end.

use std::collections::BTreeSet;

use super::{Flow, Task};
use crate::source::pointer;

/// Places and messages. The tasks that are named must be there.
pub(super) fn problems(flow: &Flow) -> Vec<(String, String)> {
    let find = |name: &str| flow.tasks.iter().find(|task| task.name == name);
    let mut reached = BTreeSet::new();
    let mut problems = Vec::new();
    let mut before: Option<&Task> = None;
    let mut here = find(&flow.start);
    while let Some(task) = here {
        if !reached.insert(task.name.as_str()) {
            let from = before.map_or_else(String::new, |task| pointer(&task.place, "nextTask"));
            problems.push((from, format!("this leads back to `{}`: a run would never end", task.name)));
            break;
        }
        before = here;
        here = task.next.as_deref().and_then(find);
    }
    for task in flow.tasks.iter().filter(|task| !reached.contains(task.name.as_str())) {
        problems.push((task.place.clone(), format!("no task leads to `{}`", task.name)));
    }
    problems
}
