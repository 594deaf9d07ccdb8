//! Explaining why nothing is collected.

use super::c;
use super::export::answer;
use super::handles::need_context;
use super::listing::show;
use super::memory::malloc_text;
use super::store::{bound, need_store};
use crate::error::{Error, ErrorKind, hex_range};
use crate::layout::{KeyOwner, KeyRange};
use crate::properties::Figures;
use crate::reclaim::{Answer, Explanation, Subject, Why};
use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::size_of;
use std::ptr::null_mut;

type Each = Option<unsafe extern "C" fn(*mut c_void, *const c::rgc_explained_t) -> c_int>;

/// Explains the keyspaces of a range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_explain(
    gc: *const c::rgc_t,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    each: Each,
    state: *mut c_void,
    errptr: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: `gc` is alive, `start` and `end` are readable, `each` expects `state` and a pointer
    // to this struct, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_explain", null_mut(), || {
            explain("rgc_explain", gc, &Subject::Range(range((start, start_len), (end, end_len))?), each, state)
        })
    }
}

/// Returns the safe point at which replicas of a range can be compared.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_consistency_safe_point(
    gc: *const c::rgc_t,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    errptr: *mut *mut c_char,
) -> u64 {
    // SAFETY: `gc` is alive, `start` and `end` are readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_consistency_safe_point", 0, || {
            let shared = &need_context(gc)?.shared;
            match shared.keyspace_level_in(&range((start, start_len), (end, end_len))?) {
                None => {
                    shared.let_ended_barriers_go_if_free();
                    Ok(shared.safe_points.global())
                }
                Some(keyspace) => Err(Error::new(
                    ErrorKind::NotSupported,
                    format!(
                        "keyspace {keyspace} of the range has safe points of its own, so the global one does not hold for it; compare a \
                         range without keyspaces of type RGC_GC_KEYSPACE_LEVEL"
                    ),
                )),
            }
        })
    }
}

/// A range that is not empty; NULL means no bound.
///
/// # Safety
/// The bounds are readable.
unsafe fn range(start: (*const c_char, usize), end: (*const c_char, usize)) -> Result<KeyRange, Error> {
    // SAFETY: the bounds are readable.
    let (start, end) = unsafe { (bound("start", start)?.unwrap_or_default(), bound("end", end)?) };
    match end {
        Some(end) if start >= end => Err(Error::invalid(format!(
            "the range {} is empty or inverted; give its first key and the first key behind it",
            hex_range(&(start, end))
        ))),
        end => Ok(KeyRange { start, end }),
    }
}

/// Explains one keyspace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_explain_keyspace(
    gc: *const c::rgc_t,
    id: u32,
    each: Each,
    state: *mut c_void,
    errptr: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: `gc` is alive, `each` expects `state` and a pointer to this struct, `errptr` is
    // writable.
    unsafe {
        answer(errptr, "rgc_explain_keyspace", null_mut(), || {
            let keyspace = super::safe_points::keyspace(id)?;
            explain("rgc_explain_keyspace", gc, &Subject::Keyspace(keyspace), each, state)
        })
    }
}

/// # Safety
/// `gc` is alive, `each` expects `state` and a pointer to this struct.
unsafe fn explain(function: &str, gc: *const c::rgc_t, subject: &Subject, each: Each, state: *mut c_void) -> Result<*mut c_char, Error> {
    // SAFETY: `gc` is alive.
    let store = need_store(unsafe { need_context(gc.cast_mut()) }?, function)?;
    let Explanation { answers, text } = store.explain(subject)?;
    if let Some(each) = each {
        for found in &answers {
            let (family, advice) = (text_of(store.family_name(found.family)), text_of(&found.text));
            let shared = store.shared();
            let own = if let KeyOwner::Keyspace(_, keyspace) = found.owner { shared.safe_points.known(keyspace).own } else { 0 };
            let info = c::rgc_explained_t {
                column_family: family.as_ptr(),
                text: advice.as_ptr(),
                own_safe_point: own,
                effective_safe_point: shared.effective(found.owner).safe_point,
                ..to_c(found)
            };
            // SAFETY: `each` expects `state` and a pointer to this struct, which lives during the
            // call.
            if !unsafe { show(each, state, &info) } {
                break;
            }
        }
    }
    let copy = malloc_text(&text);
    if copy.is_null() { Err(Error::new(ErrorKind::Aborted, "no memory for the text; try again")) } else { Ok(copy) }
}

fn text_of(text: &str) -> CString {
    CString::new(text.replace('\0', "?")).unwrap_or_default()
}

/// Everything but the texts and the safe points.
fn to_c(found: &Answer) -> c::rgc_explained_t {
    let Figures { rows, versions, bytes, unparsed, timestamps, .. } = found.seen.figures;
    let (mode, keyspace) = match found.owner {
        KeyOwner::Keyspace(mode, keyspace) => (c_int::from(mode.byte()), keyspace.get()),
        KeyOwner::Tidb(mode) => (c_int::from(mode.byte()), c::RGC_KEYSPACE_NONE),
        KeyOwner::Plain | KeyOwner::Ledger | KeyOwner::Foreign => (c::RGC_MODE_NONE as c_int, c::RGC_KEYSPACE_NONE),
    };
    let held = found.held();
    c::rgc_explained_t {
        struct_size: size_of::<c::rgc_explained_t>(),
        column_family: std::ptr::null(),
        mode,
        keyspace,
        why: number(found.why),
        text: std::ptr::null(),
        own_safe_point: 0,
        effective_safe_point: 0,
        files: found.files,
        sampled_versions: found.sampled,
        rows,
        versions,
        bytes,
        due_versions: found.seen.due.versions,
        due_bytes: found.seen.due.bytes,
        last_level_versions: found.seen.due_in_last_level.versions,
        last_level_bytes: found.seen.due_in_last_level.bytes,
        held_versions: held.versions,
        held_bytes: held.bytes,
        unparsed,
        oldest_ts: if timestamps.is_empty() { 0 } else { timestamps.least },
    }
}

fn number(why: Why) -> c_int {
    let number = match why {
        Why::NothingStale => c::RGC_WHY_NOTHING_STALE,
        Why::NoVersions => c::RGC_WHY_NO_VERSIONS,
        Why::Due => c::RGC_WHY_DUE,
        Why::OnlyInLastLevel => c::RGC_WHY_ONLY_IN_LAST_LEVEL,
        Why::HeldByOwnSafePoint => c::RGC_WHY_OWN_SAFE_POINT,
        Why::HeldByGlobalSafePoint => c::RGC_WHY_GLOBAL_SAFE_POINT,
        Why::NoOwnSafePoint => c::RGC_WHY_NO_OWN_SAFE_POINT,
        Why::NoGlobalSafePoint => c::RGC_WHY_NO_GLOBAL_SAFE_POINT,
        Why::NotRegistered => c::RGC_WHY_NOT_REGISTERED,
        Why::Paused => c::RGC_WHY_PAUSED,
        Why::Conflict => c::RGC_WHY_CONFLICT,
        Why::UnknownType => c::RGC_WHY_UNKNOWN_TYPE,
        Why::Disabled => c::RGC_WHY_DISABLED,
        Why::ValuesOfRecords => c::RGC_WHY_VALUES_OF_RECORDS,
        Why::OtherKind => c::RGC_WHY_OTHER_KIND,
        Why::NoFilter => c::RGC_WHY_NO_FILTER,
        Why::DoesNotParse => c::RGC_WHY_DOES_NOT_PARSE,
        Why::HeldByBarrier => c::RGC_WHY_BARRIER,
    };
    number as c_int
}
