//! Debts: files that may still hold deleted keys. The worker compacts them, all debts together, so
//! that a file is compacted once, however many destroyed ranges end in it.
//!
//! ```text
//!   files      |----- 1 -----|----- 2 -----|----- 3 -----|
//!   destroyed     [a)  [b)       [  c   )         [d)
//!   compacted  [a ......................................d)   in one compaction: file 1 holds a, b;
//!                                                            c reaches from 2 to 3, as d does
//! ```
//!
//! A payment has steps, so that the worker can keep its rate and finish rows between them. It ends
//! with a look at the files: a debt whose files of the beginning are all gone is paid. Files that a
//! compaction of the host holds are left, and the debt is paid later.

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

/// What a debt is about.
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
    Range(Destroyed),
    Schema(SchemaRecord),
}

impl Debt {
    /// What the debt is about.
    pub fn key(&self) -> DebtKey {
        match &self.of {
            DebtOf::Range(record) => DebtKey::Range(record.range.clone()),
            DebtOf::Schema(record) => DebtKey::Schema(record.schema()),
        }
    }
}

/// All open debts that can be paid in the attached families.
pub fn open(store: &Store, ledger: &Ledger) -> Vec<Debt> {
    let places = |families: &[NamedFamily]| CoveredFamilies::new(families, &store.families).places;
    let of_range = |record: Destroyed| Debt {
        families: places(record.to_compact().unwrap_or_default()),
        ranges: vec![record.range.clone()],
        of: DebtOf::Range(record),
    };
    let of_schema = |record: SchemaRecord| Debt {
        families: places(&record.families),
        ranges: store.shared.layout.schema_ranges(record.tenant, record.id).to_vec(),
        of: DebtOf::Schema(record),
    };
    let ranges = ledger.destroyed.to_compact().into_iter().map(of_range);
    ranges.chain(ledger.schemas.to_compact().into_iter().map(of_schema)).collect()
}

/// The size of all open debts now. It lists the files of each family that has any.
pub fn measure(store: &Store, ledger: &Ledger) -> Result<DebtSize, Error> {
    let debts = open(store, ledger);
    let mut size = DebtSize { debts: debts.len() as u64, ..DebtSize::default() };
    for (_, files) in files_of(store, &debts)? {
        size.files += files.len() as u64;
        size.bytes = files.iter().fold(size.bytes, |sum, file| sum.saturating_add(file.bytes));
    }
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
    /// The debts whose files a compaction of the host holds, or that got new keys.
    pub left: Vec<DebtKey>,
}

impl Payment {
    /// Begins to pay debts: flushes their families, and finds the compactions.
    pub fn begin(store: &Store, debts: Vec<Debt>) -> Result<Self, Error> {
        // Keys and tombstones that are only in memtables need no compaction now, because their
        // flush writes only the tombstones. But a tombstone must be in a file to meet a key there.
        for family in files_of(store, &debts)?.into_iter().filter(|(_, files)| !files.is_empty()).map(|(family, _)| family) {
            store.engine.flush(family)?;
        }
        let (mut before, mut steps) = (HashMap::new(), VecDeque::new());
        for (family, files) in files_of(store, &debts)? {
            let index = FileIndex::new(files.clone());
            let reached = ranges_in(&debts, family).into_iter().filter(|(start, end)| index.reaches(start, end)).collect();
            // A file in level 0 may cover everything, and a compaction takes it along anyway.
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
        debts.iter().filter_map(|debt| if let DebtOf::Range(record) = &debt.of { Some(&record.range) } else { None }).for_each(|range| {
            phase("debt", std::slice::from_ref(range));
        });
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
                DebtOf::Range(record) => ranges.push(record),
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

/// Whether the files of a range are not compacted. RocksDB leaves files alone that are at the lowest
/// level already, if the family has no filter; their keys are gone if the files above are.
fn is_left(before: &FileIndex, now: &FileIndex, (start, end): &StoredRange) -> bool {
    let lowest = before.reaching(start, end).map(|file| file.level).max().unwrap_or(0);
    now.reaching(start, end).any(|file| (file.level == 0 || file.level < lowest) && before.has(file))
}

/// Whether the store compacts files of this family when it is asked to. RocksDB does not compact
/// files that hold neither keys nor tombstones of the range, and does not say why. So a tombstone of
/// the library's own makes a file in level 0, and a compaction must remove that file.
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
fn record_paid(store: &Store, ledger: &Ledger, records: Vec<Destroyed>, end: &mut Paid) -> Result<(), Error> {
    let ranges: Vec<_> = records.iter().map(|record| record.range.clone()).collect();
    // A call of the host that has a range may take long, and it will change the record.
    let Some(_turn) = store.range_lock.try_take(&ranges) else {
        end.left.extend(ranges.into_iter().map(DebtKey::Range));
        return Ok(());
    };
    let now = ledger.destroyed.records_of(&ranges);
    let (mut done, mut gone) = (Vec::new(), Vec::new());
    for (record, now) in records.into_iter().zip(now) {
        end.paid.push(DebtKey::Range(record.range.clone()));
        // The range may have been destroyed again, rechecked or released.
        if now.as_ref().and_then(Destroyed::to_compact) != record.to_compact() {
            continue;
        }
        let Some(now) = now else { continue };
        let missing: Vec<_> = not_attached(store, now.to_compact().unwrap_or_default());
        if !missing.is_empty() {
            done.push(now.with(Progress::Cleared(missing)));
        } else if now.reusable {
            gone.push(now);
        } else {
            done.push(now.with(Progress::Done));
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
