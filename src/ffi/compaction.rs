//! What the host knows of a compaction and its input files.

use super::c;
use super::memory::{Sized1, array, bytes, read_sized, sized_array};
use crate::error::Error;
use crate::filter::CompactionContext;
use crate::properties::{FileFigures, Property};
use crate::shared::{FilterKind, Shared};
use std::ffi::c_int;
use std::fmt::Display;

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_compaction_t {
    const VERSION_1: usize = 32;
}

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_table_properties_t {
    const VERSION_1: usize = 48;
}

/// The input files of a compaction.
#[derive(Default)]
pub(super) struct CheckedInputs {
    /// Whether there are inputs, and none of them holds a tombstone.
    pub no_tombstones: bool,
    /// Whether each record of a transaction in them holds its value.
    pub all_values_in_records: bool,
    /// The figures of all inputs; empty if those of one are unknown.
    pub figures: Vec<FileFigures>,
}

/// Reads and checks every field. NULL means that nothing is known. A filter uses only the level,
/// the family and the inputs.
///
/// # Safety
/// `compaction` and its inputs are readable.
pub(super) unsafe fn read(
    shared: &Shared,
    kind: FilterKind,
    compaction: *const c::rgc_compaction_t,
) -> Result<(CompactionContext, Vec<FileFigures>), Error> {
    if compaction.is_null() {
        return Ok((CompactionContext::default(), Vec::new()));
    }
    // SAFETY: `compaction` is readable.
    let compaction = unsafe { read_sized("compaction", compaction) }?;
    let c::rgc_compaction_t { is_full, is_manual, is_bottommost, start_level, output_level, column_family_id, inputs, num_inputs, .. } =
        compaction;
    for (name, value) in [("is_full", is_full), ("is_manual", is_manual), ("is_bottommost", is_bottommost)] {
        if !(-1..=1).contains(&value) {
            return Err(Error::invalid(format!("compaction.{name} is {value}; give 1 (yes), 0 (no) or -1 (unknown)")));
        }
    }
    for (name, value) in [("start_level", start_level), ("output_level", output_level)] {
        if value < -1 {
            return Err(Error::invalid(format!("compaction.{name} is {value}; give a level, or -1 (unknown)")));
        }
    }
    // SAFETY: `inputs` is readable.
    let CheckedInputs { no_tombstones, all_values_in_records, figures } =
        unsafe { read_inputs(shared, kind, "compaction.inputs", inputs, num_inputs) }?;
    let (bottommost, column_family) = (tristate(is_bottommost), Some(column_family_id));
    Ok((CompactionContext { bottommost, no_tombstones, all_values_in_records, column_family }, figures))
}

/// Reads and checks the input files of a compaction. `kind` is the kind of its filters.
///
/// # Safety
/// `inputs` is readable.
pub(super) unsafe fn read_inputs(
    shared: &Shared,
    kind: FilterKind,
    what: &str,
    inputs: *const c::rgc_table_properties_t,
    n: usize,
) -> Result<CheckedInputs, Error> {
    // SAFETY: `inputs` is readable; the structs are copied.
    let inputs = unsafe { sized_array(what, inputs, n) }?;
    let mut figures = Some(Vec::new());
    for (i, input) in inputs.iter().enumerate() {
        let what = format_args!("{what}[{i}].user_collected");
        // SAFETY: the host's struct has this pointer and this length, so both are readable.
        let properties = unsafe { properties(what, input.user_collected, input.num_user_collected) }?;
        let file = FileFigures::read(&shared.layout, kind, properties.iter().copied());
        figures = figures.zip(file).and_then(|(mut figures, file)| {
            // This is a callback of the host, where an allocation may fail.
            figures.try_reserve(1).ok()?;
            figures.push(file);
            Some(figures)
        });
    }
    let figures = figures.unwrap_or_default();
    let no_tombstones = !inputs.is_empty() && inputs.iter().all(|input| input.num_deletions == 0 && input.num_range_deletions == 0);
    let all_values_in_records = !figures.is_empty() && figures.iter().all(FileFigures::all_values_are_in_records);
    Ok(CheckedInputs { no_tombstones, all_values_in_records, figures })
}

/// The properties of a file.
///
/// # Safety
/// `data` is readable, and so are the bytes of each property.
unsafe fn properties<'a>(what: impl Display, data: *const c::rgc_property_t, n: usize) -> Result<Vec<Property<'a>>, Error> {
    // SAFETY: `data` is readable.
    let all = unsafe { array(&what, data, n) }?;
    let property = |(i, property): (usize, &c::rgc_property_t)| {
        // SAFETY: the bytes of each property are readable.
        unsafe {
            let name = bytes(format_args!("{what}[{i}].name"), property.name, property.name_len)?;
            let value = bytes(format_args!("{what}[{i}].value"), property.value, property.value_len)?;
            Ok((name, value))
        }
    };
    all.iter().enumerate().map(property).collect()
}

/// A number of the C contract that may be unknown.
pub(super) fn tristate(value: c_int) -> Option<bool> {
    match value {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}
