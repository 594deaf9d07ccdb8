//! Debts: files that may still hold deleted keys. The worker compacts the files of all debts
//! together. So it compacts a file once, however many destroyed ranges end in it.
//!
//! ```text
//!   files      |----- 1 -----|----- 2 -----|----- 3 -----|
//!   destroyed     [a)  [b)        [     c     )    [d)
//!   compacted     [......)        [..................)    file 1 overlaps a and b: one compaction;
//!                                                         file 3 overlaps c and d: another one
//! ```
//!
//! A payment is a list of compactions. Between two of them the worker keeps its rate, and finishes
//! rows. At the end the worker lists the files again. If the files that a debt had above its lowest
//! level are gone, the debt is paid, see `is_left`. If a compaction of the host holds one of these
//! files, RocksDB leaves it, and the worker pays the debt later.

use super::clear::phase;
use super::compaction_cost::compact_at_rate;
use super::file_index::{FileIndex, compact_together, span, split_at_files};
use super::sweep;
use crate::callback::lock;
use crate::engine::{Family, File, Op, Write, WriteOptions};
use crate::error::{Error, hex_range};
use crate::layout::StoredRange;
use crate::log::{Level, log};
use crate::reclaim::ledger::{CoveredFamilies, Destroyed, Ledger, NamedFamily, Progress, SchemaKey, SchemaRecord};
use crate::reclaim::store::{DebtSize, Store};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The cause of a debt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DebtKey {
    /// A destroyed range.
    Range(StoredRange),
    /// A dropped or truncated schema.
    Schema(SchemaKey),
}

/// A debt: ranges whose keys are deleted, and the families whose files may still hold them.
pub struct Debt {
    of: DebtOf,
    families: Vec<Family>,
    ranges: Vec<StoredRange>,
}

enum DebtOf {
    /// A destroyed range, and the number of its debt.
    Range(Destroyed, u64),
    Schema(SchemaRecord),
}

impl Debt {
    /// The cause of the debt.
    pub fn key(&self) -> DebtKey {
        match &self.of {
            DebtOf::Range(record, _) => DebtKey::Range(record.range.clone()),
            DebtOf::Schema(record) => DebtKey::Schema(record.schema()),
        }
    }
}

/// All open debts that can be paid in the attached families.
pub fn open(store: &Store, ledger: &Ledger) -> Vec<Debt> {
    let places = |families: &[NamedFamily]| CoveredFamilies::new(families, &store.families).places;
    let of_range = |(record, debt): (Destroyed, u64)| Debt {
        families: places(record.to_compact().unwrap_or_default()),
        ranges: vec![record.range.clone()],
        of: DebtOf::Range(record, debt),
    };
    let of_schema = |record: SchemaRecord| Debt {
        families: places(&record.families),
        ranges: store.shared.layout.schema_ranges(record.tenant, record.id).to_vec(),
        of: DebtOf::Schema(record),
    };
    let ranges = ledger.destroyed.to_compact().into_iter().map(of_range);
    ranges.chain(ledger.schemas.to_compact().into_iter().map(of_schema)).collect()
}

/// Measures the size of all open debts. It lists the files of each family that has a debt.
pub fn measure(store: &Store, ledger: &Ledger) -> Result<DebtSize, Error> {
    let debts = open(store, ledger);
    let mut size = DebtSize { debts: debts.len() as u64, ..DebtSize::default() };
    files_of(store, &debts)?.values().for_each(|files| size.add(files));
    *lock(&store.debt) = size;
    Ok(size)
}

/// The files of each family that overlap a range of the debts there.
fn files_of(store: &Store, debts: &[Debt]) -> Result<BTreeMap<Family, Vec<File>>, Error> {
    let mut files = BTreeMap::new();
    for family in store.families.in_order() {
        let ranges = ranges_in(debts, family);
        if let Some((start, end)) = span(ranges.iter()) {
            let together = compact_together(ranges, &FileIndex::new(Vec::new()));
            let mut found = store.engine.files(family, (&start, &end))?;
            found.retain(|file| overlaps_any(file, &together));
            files.insert(family, found);
        }
    }
    Ok(files)
}

/// Whether a file overlaps one of these ranges, which are in order and do not overlap.
fn overlaps_any(file: &File, ranges: &[StoredRange]) -> bool {
    let first = ranges.partition_point(|(_, end)| *end <= file.smallest);
    ranges.get(first).is_some_and(|(start, end)| file.overlaps(start, end))
}

fn ranges_in(debts: &[Debt], family: Family) -> Vec<StoredRange> {
    debts.iter().filter(|debt| debt.families.contains(&family)).flat_map(|debt| debt.ranges.iter().cloned()).collect()
}

/// A compaction of a payment.
struct Step {
    family: Family,
    range: StoredRange,
}

/// Debts that are being paid.
pub struct Payment {
    debts: Vec<Debt>,
    /// The files that overlapped the debts when the payment began.
    before: HashMap<Family, FileIndex>,
    steps: VecDeque<Step>,
}

/// The end of a payment.
#[derive(Default)]
pub struct Paid {
    /// The debts that are paid.
    pub paid: Vec<DebtKey>,
    /// The debts that must be tried again, for example because a compaction of the host holds their
    /// files.
    pub left: Vec<DebtKey>,
}

impl Payment {
    /// Begins to pay debts: flushes their families, and finds the compactions.
    pub fn begin(store: &Store, debts: Vec<Debt>) -> Result<Self, Error> {
        let mut size = DebtSize { debts: debts.len() as u64, ..DebtSize::default() };
        // If a family has no files of the debts, it needs no flush: a later flush of a key and its
        // tombstone writes only the tombstone. Otherwise a compaction needs the tombstones, and it
        // reads only files.
        for family in files_of(store, &debts)?.into_iter().filter(|(_, files)| !files.is_empty()).map(|(family, _)| family) {
            store.engine.flush(family)?;
        }
        let (mut before, mut steps) = (HashMap::new(), VecDeque::new());
        for (family, files) in files_of(store, &debts)? {
            size.add(&files);
            let index = FileIndex::new(files.clone());
            let reached = ranges_in(&debts, family).into_iter().filter(|(start, end)| index.reaches(start, end)).collect();
            // A file in level 0 may cover all ranges. A compaction includes it anyway.
            let below: Vec<_> = files.into_iter().filter(|file| file.level > 0).collect();
            for range in compact_together(reached, &FileIndex::new(below.clone())) {
                let parts = match store.compact_rate.per_second() {
                    Some(most) => split_at_files(range, &below, most),
                    None => vec![range],
                };
                steps.extend(parts.into_iter().map(|range| Step { family, range }));
            }
            before.insert(family, index);
        }
        *lock(&store.debt) = size;
        debts.iter().filter_map(|debt| if let DebtOf::Range(record, _) = &debt.of { Some(&record.range) } else { None }).for_each(
            |range| {
                phase("debt", std::slice::from_ref(range));
            },
        );
        Ok(Self { debts, before, steps })
    }

    /// Whether compactions are left.
    pub fn has_steps(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Does the next compaction that is still needed. Returns whether any was done.
    pub fn step(&mut self, store: &Store) -> Result<bool, Error> {
        while let Some(Step { family, range }) = self.steps.pop_front() {
            let files = store.engine.files(family, (&range.0, &range.1))?;
            let is_old = |file: &File| self.before.get(&family).is_some_and(|before| before.has(file));
            if !files.iter().any(is_old) {
                continue;
            }
            log(Level::Debug, || format!("debt: compacts {}", hex_range(&range)));
            compact_at_rate(store, family, &range, &files, false)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Records the debts that are paid.
    pub fn finish(self, store: &Store, ledger: &Ledger) -> Result<Paid, Error> {
        let now: HashMap<_, _> = files_of(store, &self.debts)?.into_iter().map(|(family, files)| (family, FileIndex::new(files))).collect();
        let is_left = |debt: &Debt| {
            let mut parts = debt.families.iter().flat_map(|family| debt.ranges.iter().map(move |range| (family, range)));
            parts.any(|(family, range)| {
                self.before.get(family).zip(now.get(family)).is_some_and(|(before, now)| is_left(before, now, range))
            })
        };
        let (left, mut paid): (Vec<_>, Vec<_>) = self.debts.into_iter().partition(is_left);
        let mut compacts = BTreeMap::new();
        for family in left.iter().flat_map(|debt| &debt.families) {
            if !compacts.contains_key(family) {
                compacts.insert(*family, compacts_on_request(store, *family)?);
            }
        }
        let (empty, left): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|debt| debt.families.iter().all(|family| compacts.get(family) == Some(&true)));
        paid.extend(empty);
        let mut end = Paid { paid: Vec::new(), left: left.iter().map(Debt::key).collect() };
        let (mut ranges, mut schemas) = (Vec::new(), Vec::new());
        for debt in paid {
            match debt.of {
                DebtOf::Range(record, debt) => ranges.push((record, debt)),
                DebtOf::Schema(record) => schemas.push(record),
            }
        }
        record_paid(store, ledger, ranges, &mut end)?;
        for record in schemas {
            let is_empty = sweep::finish(store, ledger, &record)?;
            let into = if is_empty { &mut end.paid } else { &mut end.left };
            into.push(DebtKey::Schema(record.schema()));
        }
        Ok(end)
    }
}

/// Whether a file of the range still waits for its compaction: a file in level 0, or above the
/// lowest level of the range. A payment rewrites a file in the lowest level only together with the
/// files above it. So when these are gone, the hidden keys in the lowest level are gone too.
fn is_left(before: &FileIndex, now: &FileIndex, (start, end): &StoredRange) -> bool {
    let lowest = before.reaching(start, end).map(|file| file.level).max().unwrap_or(0);
    now.reaching(start, end).any(|file| (file.level == 0 || file.level < lowest) && before.has(file))
}

/// Whether the store compacts files of this family on request. RocksDB does not compact a file that
/// holds neither a key nor a tombstone of the range, and its C API does not report that. So this
/// function flushes a tombstone of the library's own into level 0. A compaction must remove it. If
/// it does, the files that RocksDB left hold nothing of their ranges.
fn compacts_on_request(store: &Store, family: Family) -> Result<bool, Error> {
    // RocksDB still shows the files of a family that the host dropped, and compacts none.
    store.engine.look_for_family(family)?;
    let key = store.engine.new_probe();
    let behind = [key.as_slice(), b"\0"].concat();
    let range = (key.as_slice(), behind.as_slice());
    let delete = Write { family, op: Op::Delete(key.clone()) };
    store.engine.write(&[delete], WriteOptions { sync: false, no_slowdown: true })?;
    store.engine.flush(family)?;
    let in_level_0 = |files: Vec<File>| files.into_iter().filter(|file| file.level == 0).collect::<Vec<_>>();
    let before = in_level_0(store.engine.files(family, range)?);
    store.engine.compact(family, range, false)?;
    let after = store.engine.files(family, range)?;
    Ok(!before.iter().any(|file| after.iter().any(|other| other.is_same(file))))
}

/// Records the destroyed ranges whose files are compacted, all in one write.
fn record_paid(store: &Store, ledger: &Ledger, debts: Vec<(Destroyed, u64)>, end: &mut Paid) -> Result<(), Error> {
    let ranges: Vec<_> = debts.iter().map(|(record, _)| record.range.clone()).collect();
    // If a call of the host holds a range, the worker does not wait: the call may take long, and
    // will change the record.
    let Some(_turn) = store.range_lock.try_take(&ranges) else {
        end.left.extend(ranges.into_iter().map(DebtKey::Range));
        return Ok(());
    };
    let (mut done, mut gone) = (Vec::new(), Vec::new());
    for (record, debt) in debts {
        end.paid.push(DebtKey::Range(record.range.clone()));
        // The range may have been destroyed again, rechecked or released. Then it has a new debt.
        if ledger.destroyed.debt_of(&record.range) != Some(debt) {
            continue;
        }
        let missing: Vec<_> = not_attached(store, record.to_compact().unwrap_or_default());
        if !missing.is_empty() {
            done.push(record.with(Progress::Cleared(missing)));
        } else if record.reusable {
            gone.push(record);
        } else {
            done.push(record.with(Progress::Done));
        }
    }
    if !done.is_empty() {
        ledger.destroyed.put(store, &done)?;
    }
    if !gone.is_empty() {
        ledger.destroyed.erase(store, &gone)?;
    }
    done.iter().chain(&gone).for_each(|record| phase("done", std::slice::from_ref(&record.range)));
    Ok(())
}

fn not_attached(store: &Store, families: &[NamedFamily]) -> Vec<NamedFamily> {
    let missing = CoveredFamilies::new(families, &store.families).missing;
    families.iter().filter(|family| missing.contains(&family.name)).cloned().collect()
}
