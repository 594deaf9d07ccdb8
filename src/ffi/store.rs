//! Attaching a store, and the functions about its worker.

use super::c;
use super::engine::HostEngine;
use super::export::{answer, guarded};
use super::families::{check_factories, check_filter, check_handle, checked_families};
use super::handles::{Context, context, done, kind_of, need_context, refuse_inside_run};
use super::memory::{Sized1, bytes, read_sized, struct_size, text, write_sized};
use super::rocksdb::bound as bound_functions;
use super::rocksdb_calls::RocksDb;
use super::rocksdb_types::to_bound;
use crate::engine::Engine;
use crate::error::Error;
use crate::log::{Level, log};
use crate::reclaim::{self, AttachedStore, CollectOrder, CollectReport, ColumnFamily, Role, closed};
use crate::shared::FilterKind;
use std::ffi::{c_char, c_int, c_void};
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::Duration;

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_collect_report_t {
    const VERSION_1: usize = 64;
}

/// Attaches a RocksDB through its C API.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_attach_rocksdb(
    gc: *mut c::rgc_t,
    db: *mut c::rocksdb_t,
    families: *const c::rgc_column_family_t,
    n: usize,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `families` is readable, `errptr` is writable. `db` and the handles are
    // the bound RocksDB's; the host keeps them open until rgc_detach has returned.
    unsafe {
        answer(errptr, "rgc_attach_rocksdb", (), || {
            let context = need_context(gc)?;
            if db.is_null() {
                return Err(Error::invalid("db is NULL; give an open DB"));
            }
            let (mut described, handles) = checked_families(families, n)?;
            let functions = bound_functions(context)?;
            let named =
                described.iter().zip(handles).map(|(family, handle)| (handle, family.name.clone().into_bytes())).collect::<Vec<_>>();
            let engine = RocksDb::new(functions, to_bound(db), named.clone())?;
            for (family, (handle, name)) in described.iter_mut().zip(&named) {
                check_handle(&engine, family, *handle, name)?;
            }
            attach(context, Box::new(engine), described, || ())
        })
    }
}

/// Attaches a store through an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_attach_engine(
    gc: *mut c::rgc_t,
    engine: *const c::rgc_engine_t,
    state: *mut c_void,
    families: *const c::rgc_column_family_t,
    n: usize,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `families` and `engine` are readable, `errptr` is writable. The
    // engine's functions expect `state`.
    unsafe {
        answer(errptr, "rgc_attach_engine", (), || {
            let context = need_context(gc)?;
            let table = read_sized("engine", engine)?;
            let taken_over = Arc::new(AtomicBool::new(false));
            let engine = HostEngine::new(table, state, taken_over.clone())?;
            let (mut described, _) = checked_families(families, n)?;
            for (place, family) in described.iter_mut().enumerate() {
                family.id = (family.name == "default").then_some(0);
                if let Some((id, number)) = engine.describe(place) {
                    family.id = Some(id);
                    family.filter = if number == 0 { None } else { Some(kind_of(number)?) };
                    check_filter(place, family)?;
                }
            }
            attach(context, Box::new(engine), described, || taken_over.store(true, SeqCst))
        })
    }
}

/// Attaches a store. `taken_over` is called when the library owns the engine, before a detach is
/// possible.
fn attach(context: &Context, engine: Box<dyn Engine>, families: Vec<ColumnFamily>, taken_over: impl FnOnce()) -> Result<(), Error> {
    refuse_inside_run("rgc_attach", &context.shared)?;
    let shared = &context.shared;
    let writes = families.iter().any(|family| family.role == Role::Write);
    check_factories(shared, &families)?;
    let taken = || Error::invalid("a store is attached already; rgc_detach it first, or make another rgc_t for another DB");
    context.attached.attach(taken, || reclaim::attach(shared.clone(), engine, families, spawn).inspect(|_| taken_over()))?;
    if writes && shared.kinds.has(FilterKind::Write) && !shared.kinds.has(FilterKind::Default) && !shared.kinds.has(FilterKind::DroppedOnly)
    {
        log(Level::Warn, || {
            "the default column family has no filter: destroyed keys remain in its files; install kind RGC_KIND_RAW or RGC_KIND_DROPPED_ONLY there".into()
        });
    }
    Ok(())
}

/// The signals of a crash. They are raised by a thread's own fault, and the host's handler must see
/// them on any thread.
const OF_A_CRASH: [c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT];

/// Starts a thread of the library, with the library's name. It blocks all signals except those of a
/// crash.
fn spawn(body: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    let (mut blocked, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: sigfillset fills `blocked`, sigdelset changes it, and pthread_sigmask reads it and
    // fills `before`. A thread inherits the mask of its creator.
    unsafe {
        libc::sigfillset(blocked.as_mut_ptr());
        for signal in OF_A_CRASH {
            libc::sigdelset(blocked.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, blocked.as_ptr(), before.as_mut_ptr());
        let thread = thread::Builder::new().name("rocks_gc".into()).spawn(body);
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        thread
    }
}

/// Detaches the store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_detach(gc: *mut c::rgc_t) -> u8 {
    // SAFETY: `gc` is alive.
    guarded("rgc_detach", 0, || unsafe {
        let Some(found) = context(gc) else { return 1 };
        done(refuse_inside_run("rgc_detach", &found.shared).map(|()| found.attached.detach()))
    })
}

/// Returns the number of rows and jobs that the worker has not finished.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_worker_pending(gc: *const c::rgc_t) -> usize {
    // SAFETY: `gc` is alive.
    guarded("rgc_worker_pending", 0, || unsafe { context(gc).map_or(0, |found| found.shared.worker_queue.pending()) })
}

/// Reads the ledger anew.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_reload_ledger(gc: *mut c::rgc_t, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe { answer(errptr, "rgc_reload_ledger", (), || need_store(need_context(gc)?, "rgc_reload_ledger")?.reload()) }
}

/// Waits until the worker has finished all rows and jobs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_worker_drain(gc: *mut c::rgc_t, timeout_ms: u64, errptr: *mut *mut c_char) -> usize {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_worker_drain", 0, || {
            let context = need_context(gc)?;
            // A detach waits for the calls that use the store, so it is not held during the wait.
            need_store(context, "rgc_worker_drain")?.count_due();
            Ok(context.shared.worker_queue.drain(Duration::from_millis(timeout_ms)))
        })
    }
}

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_debt_t {
    const VERSION_1: usize = 32;
}

/// Fills in the size of all debts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_debt(gc: *const c::rgc_t, out: *mut c::rgc_debt_t, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `out` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_debt", (), || {
            if out.is_null() {
                return Err(Error::invalid("out is NULL; give an rgc_debt_t"));
            }
            check_report(out)?;
            let size = need_store(need_context(gc.cast_mut())?, "rgc_debt")?.debt(true)?;
            write_sized(out, &c::rgc_debt_t { struct_size: 0, debts: size.debts, files: size.files, bytes: size.bytes });
            Ok(())
        })
    }
}

/// The attached store, on a thread that may wait for its worker.
pub(super) fn need_store(context: &Context, function: &str) -> Result<Arc<AttachedStore>, Error> {
    refuse_inside_run(function, &context.shared)?;
    let store = context.attached.get();
    let store = store.ok_or_else(|| Error::invalid("no store is attached; call rgc_attach_rocksdb or rgc_attach_engine first"))?;
    if store.is_closed() { Err(closed()) } else { Ok(store) }
}

/// Collects now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_collect(
    gc: *mut c::rgc_t,
    family: *const c_char,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    max_bytes: u64,
    report: *mut c::rgc_collect_report_t,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `start`, `end` and `family` are readable, `report` and `errptr` are
    // writable.
    unsafe {
        answer(errptr, "rgc_collect", (), || {
            collect("rgc_collect", gc, family, [(start, start_len), (end, end_len)], max_bytes, false, report)
        })
    }
}

/// Tells what collecting now would do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_collect_dry_run(
    gc: *mut c::rgc_t,
    family: *const c_char,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    max_bytes: u64,
    report: *mut c::rgc_collect_report_t,
    errptr: *mut *mut c_char,
) {
    // SAFETY: as rgc_collect.
    unsafe {
        answer(errptr, "rgc_collect_dry_run", (), || {
            collect("rgc_collect_dry_run", gc, family, [(start, start_len), (end, end_len)], max_bytes, true, report)
        })
    }
}

/// # Safety
/// `gc` is alive, the bounds and `family` are readable, `report` is writable.
unsafe fn collect(
    function: &str,
    gc: *mut c::rgc_t,
    family: *const c_char,
    [start, end]: [(*const c_char, usize); 2],
    max_bytes: u64,
    dry_run: bool,
    report: *mut c::rgc_collect_report_t,
) -> Result<(), Error> {
    // SAFETY: as this function.
    unsafe {
        let context = need_context(gc)?;
        check_report(report)?;
        let order = CollectOrder {
            family: if family.is_null() { None } else { Some(text("column_family", family)?.to_owned()) },
            start: bound("start", start)?,
            end: bound("end", end)?,
            max_bytes: (max_bytes > 0).then_some(max_bytes),
            dry_run,
        };
        let store = need_store(context, function)?;
        let mut done = CollectReport::default();
        let collected = store.collect(&order, &mut done);
        if !report.is_null() {
            write_sized(report, &to_c(&done));
        }
        collected
    }
}

/// A bound of a range; NULL means none.
///
/// # Safety
/// The bound is readable.
pub(super) unsafe fn bound(what: &str, (data, len): (*const c_char, usize)) -> Result<Option<Vec<u8>>, Error> {
    // SAFETY: as this function.
    let bytes = unsafe { bytes(what, data, len) }?;
    Ok((!data.is_null()).then(|| bytes.to_vec()))
}

/// Checks that a report is NULL or can be filled in.
///
/// # Safety
/// `report` is writable.
pub(super) unsafe fn check_report<T: Sized1>(report: *mut T) -> Result<(), Error> {
    if !report.is_null() {
        // SAFETY: `report` is writable, so it begins with the struct_size that the host has set.
        unsafe { struct_size("report", report.cast_const(), size_of::<usize>()) }?;
    }
    Ok(())
}

fn to_c(report: &CollectReport) -> c::rgc_collect_report_t {
    c::rgc_collect_report_t {
        struct_size: 0,
        files_considered: report.files_considered,
        files_compacted: report.files_compacted,
        files_skipped: report.files_considered - report.files_compacted,
        bytes_before: report.bytes_before,
        bytes_after: report.bytes_after,
        versions_removed: report.versions_removed,
        elapsed_microseconds: report.elapsed.as_micros() as u64,
        files_read: report.files_read,
        files_without_garbage: report.files_without_garbage,
        files_over_budget: report.files_over_budget,
        files_with_figures: report.files_with_figures,
        garbage_versions: report.garbage.0,
        garbage_bytes: report.garbage.1,
    }
}
