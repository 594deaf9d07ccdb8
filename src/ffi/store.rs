//! Attaching a store, and the functions about its worker.

use super::c;
use super::engine::HostEngine;
use super::handles::{Context, context, done, kind_of, need_context, refuse_inside_run};
use super::memory::{Sized1, bytes, read_sized, sized_array, struct_size, text, write_sized};
use super::rocksdb::bound;
use crate::engine::Engine;
use crate::engine::rocksdb::{Handle, RocksDb};
use crate::error::Error;
use crate::log::{Level, log};
use crate::reclaim::{self, AttachedStore, CollectOrder, CollectReport, ColumnFamily, Role, closed};
use crate::shared::{FilterKind, Shared};
use std::ffi::{c_char, c_int, c_void};
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::Duration;

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_column_family_t {
    const VERSION_1: usize = 32;
}

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_collect_report_t {
    const VERSION_1: usize = 64;
}

export! {
    /// Attaches a RocksDB through its C API.
    fn rgc_attach_rocksdb(gc: *mut c::rgc_t, db: *mut c::rocksdb_t, families: *const c::rgc_column_family_t, n: usize; errptr) -> (), on error (); {
        let context = need_context(gc)?;
        if db.is_null() {
            return Err(Error::invalid("db is NULL; give an open DB"));
        }
        let (mut described, handles) = checked_families(families, n)?;
        let functions = bound(context)?;
        let named = described.iter().zip(handles).map(|(family, handle)| (handle, family.name.clone().into_bytes())).collect::<Vec<_>>();
        let engine = RocksDb::new(functions, db.cast(), named.clone())?;
        for (family, (handle, name)) in described.iter_mut().zip(&named) {
            check_handle(&engine, family, *handle, name)?;
        }
        attach(context, Box::new(engine), described, || ())
    }
}

/// Checks that the handle belongs to the family of this name, and notes its id.
fn check_handle(engine: &RocksDb, family: &mut ColumnFamily, handle: Handle, name: &[u8]) -> Result<(), Error> {
    const DEFAULT: &str = "default";
    if handle.0.is_null() {
        family.id = Some(0);
        return if family.name == DEFAULT {
            Ok(())
        } else {
            Err(Error::invalid(format!("the family {:?} has no handle; NULL is the one that is named {DEFAULT:?}", family.name)))
        };
    }
    match engine.name_and_id(handle) {
        Some((found, _)) if found != name => Err(Error::invalid(format!(
            "the handle of the family {:?} is that of {:?}; give each its own",
            family.name,
            String::from_utf8_lossy(&found)
        ))),
        found => {
            family.id = found.map(|(_, id)| id);
            Ok(())
        }
    }
}

export! {
    /// Attaches a store through an engine.
    fn rgc_attach_engine(gc: *mut c::rgc_t, engine: *const c::rgc_engine_t, state: *mut c_void, families: *const c::rgc_column_family_t, n: usize; errptr)
        -> (), on error (); {
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
    }
}

/// The described families and their handles, if they are consistent.
///
/// # Safety
/// Unless NULL, `families` points to `n` structs as the header describes them.
unsafe fn checked_families(families: *const c::rgc_column_family_t, n: usize) -> Result<(Vec<ColumnFamily>, Vec<Handle>), Error> {
    // SAFETY: the caller promises it, see `# Safety`.
    let given = unsafe { sized_array("families", families, n) }?;
    if given.is_empty() {
        return Err(Error::invalid("no families are given; give at least one, the default one has handle NULL and name \"default\""));
    }
    let mut described: Vec<ColumnFamily> = Vec::new();
    for (i, family) in given.iter().enumerate() {
        let role = match u32::try_from(family.role) {
            Ok(c::RGC_CF_DEFAULT) => Role::Default,
            Ok(c::RGC_CF_WRITE) => Role::Write,
            Ok(c::RGC_CF_LOCK) => Role::Lock,
            Ok(c::RGC_CF_OTHER) => Role::Other,
            Ok(c::RGC_CF_LEDGER) => Role::Ledger,
            _ => {
                return Err(Error::invalid(format!(
                    "families[{i}].role is {}; give one of RGC_CF_DEFAULT (0) to RGC_CF_LEDGER (4)",
                    family.role
                )));
            }
        };
        // SAFETY: the caller promises it, see `# Safety`.
        let name = unsafe { text(&format!("families[{i}].name"), family.name) }?.to_owned();
        let once = matches!(role, Role::Default | Role::Write | Role::Ledger);
        if let Some(other) = described.iter().find(|other| other.name == name || once && other.role == role) {
            return Err(Error::invalid(format!(
                "families[{i}] ({name:?}, role {}) has the name or the role of {:?}; give each family once, and the roles DEFAULT, WRITE and LEDGER to one each",
                family.role, other.name
            )));
        }
        described.push(ColumnFamily { role, name, id: None, filter: None });
    }
    let handles: Vec<_> = given.iter().map(|family| Handle(family.handle.cast())).collect();
    if let Some((i, _)) =
        handles.iter().enumerate().find(|(i, handle)| !handle.0.is_null() && handles.iter().take(*i).any(|other| other == *handle))
    {
        return Err(Error::invalid(format!("families[{i}] has the handle of another one; give each family its own")));
    }
    let has = |role| described.iter().any(|family| family.role == role);
    if has(Role::Write) && !has(Role::Default) {
        return Err(Error::invalid(
            "a family with role RGC_CF_WRITE needs one with role RGC_CF_DEFAULT, which holds its long values; give both",
        ));
    }
    Ok((described, handles))
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

/// Checks that the kind of a family's filters belongs to its role.
fn check_filter(place: usize, family: &ColumnFamily) -> Result<(), Error> {
    match family.filter {
        Some(kind) if !family.role.runs().have(kind) => Err(Error::invalid(format!(
            "families[{place}] ({:?}) has role {:?} and filters of kind {kind:?}, which would judge its keys by the wrong rules; install a kind \
             of this role, or give the right role",
            family.name, family.role
        ))),
        _ => Ok(()),
    }
}

/// Checks the kinds of the factories. RocksDB's C API does not tell which family a factory filters.
/// But if no attached family may have a factory's kind, the factory filters a family with another
/// role.
fn check_factories(shared: &Shared, families: &[ColumnFamily]) -> Result<(), Error> {
    for (kind, name) in [(FilterKind::Default, "RGC_KIND_RAW"), (FilterKind::Write, "RGC_KIND_TXN"), (FilterKind::TtlV1, "RGC_KIND_TTL_V1")]
    {
        if shared.kinds.has_factory(kind) && !families.iter().any(|family| family.role.runs().have(kind)) {
            return Err(Error::invalid(format!(
                "gc has made a filter factory of kind {name}, and no given family has a role for it; attach the family that \
                 it filters, with its role (RGC_CF_OTHER allows any kind), or install the right kind"
            )));
        }
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

export! {
    /// Detaches the store.
    fn rgc_detach(gc: *mut c::rgc_t) -> u8, on error 0; {
        let Some(found) = context(gc) else { return 1 };
        done(refuse_inside_run("rgc_detach", &found.shared).map(|()| found.attached.detach()))
    }
}

export! {
    /// Returns the number of rows and orders that the worker has not finished.
    fn rgc_worker_pending(gc: *const c::rgc_t) -> usize, on error 0; {
        context(gc).map_or(0, |found| found.shared.worker_queue.pending())
    }
}

export! {
    /// Waits until the worker has finished all rows and orders.
    fn rgc_worker_drain(gc: *mut c::rgc_t, timeout_ms: u64; errptr) -> usize, on error 0; {
        let context = need_context(gc)?;
        drop(need_store(context, "rgc_worker_drain")?);
        Ok(context.shared.worker_queue.drain(Duration::from_millis(timeout_ms)))
    }
}

/// The attached store, on a thread that may wait for its worker.
pub(super) fn need_store(context: &Context, function: &str) -> Result<Arc<AttachedStore>, Error> {
    refuse_inside_run(function, &context.shared)?;
    let store = context.attached.get();
    let store = store.ok_or_else(|| Error::invalid("no store is attached; call rgc_attach_rocksdb or rgc_attach_engine first"))?;
    if store.is_closed() { Err(closed()) } else { Ok(store) }
}

export! {
    /// Collects now.
    fn rgc_collect(gc: *mut c::rgc_t, family: *const c_char, start: *const c_char, start_len: usize, end: *const c_char, end_len: usize,
                   max_bytes: u64, report: *mut c::rgc_collect_report_t; errptr) -> (), on error (); {
        let context = need_context(gc)?;
        check_report(report)?;
        let bound = |what, data, len| -> Result<Option<Vec<u8>>, Error> {
            let bytes = bytes(what, data, len)?;
            Ok((!data.is_null()).then(|| bytes.to_vec()))
        };
        let order = CollectOrder {
            family: if family.is_null() { None } else { Some(text("column_family", family)?.to_owned()) },
            start: bound("start", start, start_len)?,
            end: bound("end", end, end_len)?,
            max_bytes: (max_bytes > 0).then_some(max_bytes),
        };
        let store = need_store(context, "rgc_collect")?;
        let mut done = CollectReport::default();
        let collected = store.collect(&order, &mut done);
        if !report.is_null() {
            write_sized(report, &to_c(&done));
        }
        collected
    }
}

/// Checks that a report is NULL or can be filled in.
///
/// # Safety
/// Unless NULL, `report` points to a struct that begins with its struct_size.
pub(super) unsafe fn check_report<T: Sized1>(report: *mut T) -> Result<(), Error> {
    if !report.is_null() {
        // SAFETY: the caller promises it, see `# Safety`.
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
    }
}
