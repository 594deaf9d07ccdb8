//! Judges by the counts and properties of a table file whether it holds garbage.

use crate::engine::{Family, File};
use crate::layout::{KeyMode, KeyOwner, Timestamp};
use crate::rule::raw::History;
use crate::shared::{FilterKind, Shared};

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The file holds garbage.
    Garbage,
    /// The file holds no garbage.
    None,
    /// The file must be read.
    Unknown,
}

/// Judges a file by its counts, and by TiKV's MVCC properties if it has them.
pub fn by_counts(shared: &Shared, family: Family, file: &File) -> Judgement {
    let dropped = shared.dropped().in_family(family);
    let behind = [file.largest.as_slice(), b"\0"].concat();
    if file.deletions > 0 {
        return Judgement::Garbage;
    }
    if dropped.touch(&file.smallest, &behind) || shared.kinds.has(FilterKind::TtlV1) || may_hold_invalid_schema(shared, file) {
        return Judgement::Unknown;
    }
    if !shared.safe_points.any_effective() {
        return Judgement::None;
    }
    let (first, last) = (shared.layout.owner(&file.smallest), shared.layout.owner(&file.largest));
    if first != last {
        return Judgement::Unknown;
    }
    let safe_point = shared.effective(first).safe_point;
    if safe_point == 0 { Judgement::None } else { by_properties(shared, file, first, safe_point).unwrap_or(Judgement::Unknown) }
}

fn may_hold_invalid_schema(shared: &Shared, file: &File) -> bool {
    if !shared.schemas.any_invalid() {
        return false;
    }
    match (shared.layout.owner(&file.smallest), shared.layout.owner(&file.largest)) {
        (KeyOwner::Keyspace(_, first), KeyOwner::Keyspace(_, last)) if first == last => {
            shared.schemas.of(Some(first)).is_some_and(|schemas| schemas.any_invalid())
        }
        _ => true,
    }
}

/// Judges a file whose keys all have one owner. `None` means that its properties do not decide.
fn by_properties(shared: &Shared, file: &File, place: KeyOwner, safe_point: Timestamp) -> Option<Judgement> {
    let number = |name: &[u8]| {
        let (_, value) = file.properties.iter().find(|(known, _)| known == name)?;
        value.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
    };
    let min_ts = number(b"tikv.min_ts")?;
    let (rows, puts, versions) = (number(b"tikv.num_rows")?, number(b"tikv.num_puts")?, number(b"tikv.num_versions")?);
    let raw = matches!(place, KeyOwner::Keyspace(KeyMode::Raw, _));
    if min_ts > safe_point || raw && min_ts == safe_point {
        return Some(Judgement::None);
    }
    let may_expire = number(b"tikv.min_expire_ts").is_some();
    if rows == versions && puts == versions && !may_expire {
        return Some(Judgement::None);
    }
    let stale = number(b"tikv.oldest_stale_version_ts")?;
    (raw && shared.history == History::Latest && stale < safe_point).then_some(Judgement::Garbage)
}
