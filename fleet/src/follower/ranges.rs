//! Ranges to destroy: into the library, and how far they are.
//!
//! The library destroys a range when the safe point that this node's filters use has passed the
//! range's timestamp. Its record is durable, so a restart forgets nothing. A range that is done, and
//! that does not name this node, was destroyed while this node was away: it does so now, and adds its
//! name.

use super::failures::Failures;
use super::local::{Bounds, Left, Local};
use crate::layout::own_value::{Progress, Range};
use std::collections::BTreeMap;

/// A range's name: job and element.
pub type RangeName = (String, String);

#[derive(Debug)]
struct Open {
    range: Range,
    revision: i64,
    /// Others are done.
    is_late: bool,
    is_given: bool,
    answered: Option<Progress>,
}

/// An answer for etcd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Which.
    pub name: RangeName,
    /// How far this node is.
    pub progress: Progress,
    /// The revision that wrote the range.
    pub revision: i64,
    /// The range, if others are done: then this node's name is to be added.
    pub late: Option<Range>,
}

/// The ranges that this node has to destroy.
#[derive(Debug, Default)]
pub struct RangeBook {
    open: BTreeMap<RangeName, Open>,
    failures: Failures,
}

impl RangeBook {
    /// A range came, or went.
    pub fn todo(&mut self, name: RangeName, range: Option<(Range, i64)>) {
        match range {
            Some((range, revision)) => {
                let open = Open { range, revision, is_late: false, is_given: false, answered: None };
                drop(self.open.insert(name, open));
            }
            None if self.open.get(&name).is_some_and(|open| !open.is_late) => drop(self.open.remove(&name)),
            None => {}
        }
    }

    /// A range is done on other nodes.
    pub fn done(&mut self, name: RangeName, node: &str, range: Option<(Range, i64)>) {
        match range {
            Some((range, revision)) if !range.swept_by.contains(node) => {
                let open = Open { range, revision, is_late: true, is_given: false, answered: None };
                drop(self.open.insert(name, open));
            }
            _ => drop(self.open.remove(&name)),
        }
    }

    /// A new registration answers anew.
    pub fn answer_anew(&mut self) {
        self.open.values_mut().for_each(|open| open.answered = None);
    }

    /// Gives ranges to the library, whose store is attached, and returns what etcd is to be told:
    /// each answer until [`RangeBook::told`].
    pub fn carry_out(&mut self, local: &impl Local) -> Vec<Swept> {
        let mut answers = Vec::new();
        let open: Vec<_> = self.open.iter_mut().filter(|(_, open)| open.answered != Some(Progress::Swept)).collect();
        if open.is_empty() {
            return answers;
        }
        let bounds: Vec<Bounds<'_>> = open.iter().map(|(_, open)| (open.range.start.as_slice(), open.range.end.as_slice())).collect();
        let left = local.left_of_ranges(&bounds);
        for ((name, open), left) in open.into_iter().zip(left) {
            let Range { start, end, timestamp, .. } = &open.range;
            if !open.is_given && left.is_none() {
                match local.destroy_after(start, end, *timestamp) {
                    Ok(()) => open.is_given = true,
                    Err(error) => self.failures.note(format!("range {}/{} cannot be destroyed: {error}", name.0, name.1)),
                }
                continue;
            }
            open.is_given = true;
            let progress = match left {
                Some(Left::Visible) => continue,
                Some(Left::InFiles) => Progress::Removed,
                // The library forgets a record a day after the range was cleared.
                Some(Left::Nothing) | None => Progress::Swept,
            };
            if open.answered != Some(progress) && (!open.is_late || progress == Progress::Swept) {
                let late = open.is_late.then(|| open.range.clone());
                answers.push(Swept { name: name.clone(), progress, revision: open.revision, late });
            }
        }
        self.failures.end_round();
        answers
    }

    /// etcd has the answer.
    pub fn told(&mut self, answer: &Swept) {
        if let Some(open) = self.open.get_mut(&answer.name).filter(|open| open.revision == answer.revision) {
            open.answered = Some(answer.progress);
        }
    }
}
