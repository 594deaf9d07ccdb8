//! Explaining why versions are still there: an answer for each keyspace, and a text for operators.

use super::gain::Gain;
use super::owners::{InFamily, Owners, look};
use super::why::{Seen, Why, why};
use crate::engine::Family;
use crate::error::Error;
use crate::layout::{KeyMode, KeyOwner, KeyRange, KeyspaceId};
use crate::reclaim::store::{Role, Store};
use crate::shared::FilterKind;
use std::cmp::Reverse;
use std::fmt::Write;

/// The most owners that the text names one by one.
const MOST_IN_TEXT: usize = 100;

/// What to explain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// All keyspaces with keys in a range.
    Range(KeyRange),
    /// One keyspace, also if it has no keys.
    Keyspace(KeyspaceId),
}

/// The answer for one owner in one column family.
pub struct Answer {
    /// The column family.
    pub family: Family,
    /// The owner.
    pub owner: KeyOwner,
    /// The reason.
    pub why: Why,
    /// What is known of its versions.
    pub seen: Seen,
    /// The number of files that hold them.
    pub files: u64,
    /// The number of its versions that are known from samples.
    pub sampled: u64,
    /// The reason and the advice.
    pub text: String,
}

impl Answer {
    /// The stale versions that no safe point has reached.
    pub fn held(&self) -> Gain {
        let Seen { figures, due, .. } = &self.seen;
        Gain { versions: figures.stale.saturating_sub(due.versions), bytes: figures.stale_bytes.saturating_sub(due.bytes) }
    }
}

/// The answers, and the text.
pub struct Explanation {
    /// The answers, in the order of families and owners.
    pub answers: Vec<Answer>,
    /// All of it as text.
    pub text: String,
}

/// Explains every column family whose versions are judged.
pub fn explain(store: &Store, subject: &Subject) -> Result<Explanation, Error> {
    store.shared.let_ended_barriers_go_if_free();
    let mut explanation = Explanation { answers: Vec::new(), text: head(store) };
    for role in [Role::Default, Role::Write] {
        let Some(family) = store.families.with_role(role) else { continue };
        let mut owners = Owners::default();
        match subject {
            Subject::Range(range) => owners = look(store, family, range)?,
            Subject::Keyspace(keyspace) => {
                for mode in [KeyMode::Raw, KeyMode::Txn] {
                    let owner = KeyOwner::Keyspace(mode, *keyspace);
                    if let Some(range) = store.shared.layout.owner_range(owner) {
                        owners.join(look(store, family, &range)?);
                    }
                    if store.kind_of(family).judges(owner) {
                        owners.name(owner);
                    }
                }
            }
        }
        explanation.text.push_str(&of_family(store, family, &owners));
        let answers = owners.each.iter().filter_map(|(number, found)| Some(answer(store, family, number.owner()?, found)));
        explanation.answers.extend(answers);
    }
    explanation.text.push_str(&of_answers(store, &explanation.answers));
    Ok(explanation)
}

fn answer(store: &Store, family: Family, owner: KeyOwner, found: &InFamily) -> Answer {
    let (shared, kind) = (&store.shared, store.kind_of(family));
    let has_records = store.families.with_role(Role::Write).is_some();
    let why = why(shared, kind, has_records, owner, &found.seen);
    let text = why.text(shared, owner, &found.seen.figures);
    Answer { family, owner, why, seen: found.seen, files: found.files, sampled: found.sampled, text }
}

fn head(store: &Store) -> String {
    let shared = &store.shared;
    let enabled = if shared.enabled() { "on" } else { "switched off" };
    let (barriers, held) = shared.safe_points.holding();
    let barriers = match barriers {
        0 => String::new(),
        _ => format!(" {} hold {} back.", counted(barriers as u64, "barrier"), counted(held as u64, "safe point")),
    };
    format!(
        "Collecting is {enabled}. The global safe point is {}.{barriers} The worker has {} rows and jobs to finish.\n",
        shared.safe_points.global(),
        shared.worker_queue.pending()
    )
}

fn of_family(store: &Store, family: Family, owners: &Owners) -> String {
    let name = store.families.get(family).map_or("", |family| family.name.as_str());
    let mut text = format!("Column family {name}: {}.", counted(owners.files, "file"));
    if owners.files_without_properties > 0 {
        _ = write!(
            text,
            " {} of them have no properties; a sample of {} keys stands for them.",
            owners.files_without_properties, owners.sampled
        );
    }
    if owners.files_with_others > 0 {
        _ = write!(text, " {} of them hold further keyspaces that their properties do not name.", owners.files_with_others);
    }
    if owners.foreign > 0 {
        _ = write!(
            text,
            " {} keys do not match the key layout and are kept: make sure that data_prefix and key_layout are the host's.",
            owners.foreign
        );
    }
    if !store.shared.kinds.has(store.kind_of(family)) && store.kind_of(family) != FilterKind::DroppedOnly {
        text.push_str(" No factory makes filters for it.");
    }
    text.push('\n');
    text
}

/// A line for each answer, first those with the most garbage.
fn of_answers(store: &Store, answers: &[Answer]) -> String {
    let mut in_order: Vec<&Answer> = answers.iter().collect();
    in_order.sort_by_key(|answer| Reverse((answer.seen.due.bytes, answer.seen.figures.stale_bytes)));
    let mut text: String = in_order.iter().take(MOST_IN_TEXT).map(|answer| line(store, answer)).collect();
    if in_order.len() > MOST_IN_TEXT {
        _ = writeln!(text, "{} more, with less garbage.", in_order.len() - MOST_IN_TEXT);
    }
    text
}

fn line(store: &Store, answer: &Answer) -> String {
    let Seen { figures, due, due_in_last_level } = &answer.seen;
    let held = answer.held();
    let family = store.families.get(answer.family).map_or("", |family| family.name.as_str());
    let mut line = format!(
        "{} in {family}: {} of {} in {}, {} bytes.",
        owner_name(answer.owner),
        counted(figures.versions, "version"),
        counted(figures.rows, "row"),
        counted(answer.files, "file"),
        figures.bytes
    );
    if due.versions > 0 {
        _ = write!(
            line,
            " About {} ({} bytes) could go now, {} of them in the last level.",
            counted(due.versions, "version"),
            due.bytes,
            due_in_last_level.versions
        );
    }
    if held.versions > 0 {
        let how_many = if due.versions > 0 { format!("{} more", held.versions) } else { counted(held.versions, "version") };
        let has_safe_point = store.shared.effective(answer.owner).safe_point > 0;
        let state = if has_safe_point { "stale and above the safe point" } else { "stale" };
        _ = write!(line, " About {how_many} ({} bytes): {state}.", held.bytes);
    }
    if figures.unparsed > 0 {
        _ = write!(line, " Of {} the value does not parse.", counted(figures.unparsed, "version"));
    }
    line + " " + &answer.text + "\n"
}

fn owner_name(owner: KeyOwner) -> String {
    match owner {
        KeyOwner::Keyspace(mode, keyspace) => format!("Keyspace {keyspace} (mode {})", char::from(mode.byte())),
        KeyOwner::Tidb(mode) => format!("Keys of mode {}", char::from(mode.byte())),
        KeyOwner::Plain | KeyOwner::Ledger | KeyOwner::Foreign => "All keys".into(),
    }
}

/// A number and the name of what it counts.
fn counted(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}
