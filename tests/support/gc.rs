//! A context of the library under test, for tests in Rust.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, reason = "C calls of a test, with arguments that live long enough")]

use rocks_gc::ffi::{self, c};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{from_ref, null, null_mut};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// A context with a fixed clock.
pub struct Gc(*mut c::rgc_t);

// An rgc_t is shared by threads.
unsafe impl Sync for Gc {}

pub fn checked<R>(call: impl FnOnce(*mut *mut c_char) -> R) -> Result<R, String> {
    let mut error = null_mut();
    let result = call(&mut error);
    if error.is_null() {
        return Ok(result);
    }
    let text = unsafe { CStr::from_ptr(error) }.to_string_lossy().into_owned();
    unsafe { ffi::rgc_free(error.cast()) };
    Err(text)
}

unsafe extern "C" fn fixed_clock(now: *mut c_void) -> u64 {
    now as u64
}

unsafe extern "C" fn moving_clock(now: *mut c_void) -> u64 {
    unsafe { &*now.cast::<AtomicU64>() }.load(SeqCst)
}

impl Gc {
    /// A context with options `name=value;...` at a fixed time.
    pub fn new(options: &str, now: u64) -> Self {
        let text = CString::new(options).expect("no NUL");
        unsafe {
            let options = ffi::rgc_options_create();
            checked(|error| ffi::rgc_options_parse(options, text.as_ptr(), error)).expect("options");
            let gc = checked(|error| ffi::rgc_create(options, error)).expect("a context");
            ffi::rgc_options_destroy(options);
            assert_eq!(ffi::rgc_set_clock(gc, Some(fixed_clock), now as *mut c_void), 1);
            Self(gc)
        }
    }

    pub fn handle(&self) -> *mut c::rgc_t {
        self.0
    }

    /// Binds the RocksDB of the tests.
    pub fn bind(&self) {
        let path = super::rocksdb_library();
        super::rocksdb::api();
        let path = CString::new(path.as_os_str().as_encoded_bytes()).expect("no NUL");
        checked(|error| unsafe { ffi::rgc_bind_rocksdb_library(self.0, null_mut(), path.as_ptr(), error) }).expect("binds");
    }

    /// A factory for the RocksDB of the tests.
    pub fn factory(&self, kind: u32) -> *mut c_void {
        self.bind();
        checked(|error| unsafe { ffi::rgc_rocksdb_filter_factory(self.0, kind as c_int, error) }).expect("a factory").cast()
    }

    /// Another time.
    pub fn set_time(&self, now: u64) {
        assert_eq!(unsafe { ffi::rgc_set_clock(self.0, Some(fixed_clock), now as *mut c_void) }, 1);
    }

    /// A clock that the test moves.
    pub fn set_moving_time(&self, now: &'static AtomicU64) {
        unsafe { ffi::rgc_set_clock(self.0, Some(moving_clock), from_ref(now).cast_mut().cast()) };
    }

    /// A run that does nothing looks at the clock, which the library follows down at once.
    pub fn look_at_the_clock(&self) {
        drop(self.run(c::RGC_KIND_TTL_V1, -1));
    }

    pub fn attach_rocksdb(&self, db: *mut c_void, families: &[c::rgc_column_family_t]) -> Result<(), String> {
        checked(|error| unsafe { ffi::rgc_attach_rocksdb(self.0, db.cast(), families.as_ptr(), families.len(), error) })
    }

    pub fn detach(&self) {
        assert!(self.try_detach(), "detach is refused");
    }

    /// False = refused.
    pub fn try_detach(&self) -> bool {
        unsafe { ffi::rgc_detach(self.0) != 0 }
    }

    pub fn drain(&self, timeout_ms: u64) -> Result<usize, String> {
        checked(|error| unsafe { ffi::rgc_worker_drain(self.0, timeout_ms, error) })
    }

    /// Waits until the worker has paid all debts, and checks that it has.
    pub fn pay(&self) {
        assert_eq!(self.drain(60_000), Ok(0));
        assert_eq!(self.debt().debts, 0);
    }

    pub fn debt(&self) -> c::rgc_debt_t {
        let mut debt = c::rgc_debt_t { struct_size: size_of::<c::rgc_debt_t>(), ..Default::default() };
        checked(|error| unsafe { ffi::rgc_debt(self.0, &mut debt, error) }).expect("the debt is measured");
        debt
    }

    pub fn pending(&self) -> usize {
        unsafe { ffi::rgc_worker_pending(self.0) }
    }

    pub fn destroy_range(&self, start: &[u8], end: &[u8], flags: u32) -> Result<c::rgc_destroy_report_t, String> {
        let mut report = c::rgc_destroy_report_t { struct_size: size_of::<c::rgc_destroy_report_t>(), ..Default::default() };
        let ((start, start_len), (end, end_len)) = ((start.as_ptr().cast(), start.len()), (end.as_ptr().cast(), end.len()));
        checked(|error| unsafe { ffi::rgc_destroy_range(self.0, start, start_len, end, end_len, flags as c_int, &mut report, error) })?;
        Ok(report)
    }

    pub fn destroy_keyspace(&self, keyspace: u32, flags: u32) -> Result<(), String> {
        checked(|error| unsafe { ffi::rgc_destroy_keyspace(self.0, keyspace, flags as c_int, null_mut(), error) })
    }

    /// The stored range of a whole keyspace in a mode.
    pub fn keyspace_range(&self, mode: u32, keyspace: u32) -> (Vec<u8>, Vec<u8>) {
        let mut range = c::rgc_range_t { struct_size: size_of::<c::rgc_range_t>(), ..Default::default() };
        checked(|error| unsafe { ffi::rgc_keyspace_range(self.0, mode as c_int, keyspace, &mut range, error) }).expect("a range");
        unsafe {
            let bounds = (bytes(range.start, range.start_len), bytes(range.end, range.end_len));
            ffi::rgc_free(range.start.cast());
            ffi::rgc_free(range.end.cast());
            bounds
        }
    }

    pub fn recheck_destroyed(&self, now: u64) -> Result<usize, String> {
        checked(|error| unsafe { ffi::rgc_recheck_destroyed(self.0, now, null_mut(), error) })
    }

    pub fn forget_destroyed(&self, start: &[u8], end: &[u8]) -> Result<(), String> {
        let ((start, start_len), (end, end_len)) = ((start.as_ptr().cast(), start.len()), (end.as_ptr().cast(), end.len()));
        checked(|error| unsafe { ffi::rgc_release_destroyed(self.0, start, start_len, end, end_len, error) })
    }

    pub fn reload_ledger(&self) -> Result<(), String> {
        checked(|error| unsafe { ffi::rgc_reload_ledger(self.0, error) })
    }

    pub fn oldest_lock(&self, keyspace: u32, up_to: u64) -> Result<u64, String> {
        checked(|error| unsafe { ffi::rgc_oldest_lock(self.0, keyspace, up_to, error) })
    }

    pub fn destroyed_count(&self) -> usize {
        unsafe { ffi::rgc_destroyed_count(self.0) }
    }

    /// Collects everything, with a budget; 0 = none.
    pub fn collect(&self, max_bytes: u64) -> Result<c::rgc_collect_report_t, String> {
        self.collect_range(&[], &[], max_bytes)
    }

    /// Collects a range; an empty bound is none.
    pub fn collect_range(&self, start: &[u8], end: &[u8], max_bytes: u64) -> Result<c::rgc_collect_report_t, String> {
        let bound = |bytes: &[u8]| if bytes.is_empty() { null() } else { bytes.as_ptr().cast() };
        let mut report = c::rgc_collect_report_t { struct_size: size_of::<c::rgc_collect_report_t>(), ..Default::default() };
        checked(|error| unsafe {
            ffi::rgc_collect(self.0, null(), bound(start), start.len(), bound(end), end.len(), max_bytes, &mut report, error)
        })?;
        Ok(report)
    }

    /// Why nothing of a keyspace is collected: each answer, and the text.
    pub fn explain_keyspace(&self, keyspace: u32) -> Result<(Vec<c::rgc_explained_t>, String), String> {
        unsafe extern "C" fn take(state: *mut c_void, answer: *const c::rgc_explained_t) -> i32 {
            unsafe { (*state.cast::<Vec<c::rgc_explained_t>>()).push(*answer) };
            0
        }
        let mut answers: Vec<c::rgc_explained_t> = Vec::new();
        let state: *mut c_void = (&raw mut answers).cast();
        let text = checked(|error| unsafe { ffi::rgc_explain_keyspace(self.0, keyspace, Some(take), state, error) })?;
        let copy = unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy().into_owned();
        unsafe { ffi::rgc_free(text.cast()) };
        Ok((answers, copy))
    }

    /// What collecting everything would do.
    pub fn collect_dry_run(&self) -> Result<c::rgc_collect_report_t, String> {
        let mut report = c::rgc_collect_report_t { struct_size: size_of::<c::rgc_collect_report_t>(), ..Default::default() };
        checked(|error| unsafe { ffi::rgc_collect_dry_run(self.0, null(), null(), 0, null(), 0, 0, &mut report, error) })?;
        Ok(report)
    }

    /// A listener for the RocksDB that a factory was made for.
    pub fn event_listener(&self) -> Result<*mut c_void, String> {
        checked(|error| unsafe { ffi::rgc_rocksdb_event_listener(self.0, error) }).map(<*mut _>::cast)
    }

    pub fn advance_global(&self, ts: u64) -> bool {
        unsafe { ffi::rgc_advance_global_safe_point(self.0, ts) != 0 }
    }

    pub fn advance(&self, keyspace: u32, ts: u64) -> Result<bool, String> {
        checked(|error| unsafe { ffi::rgc_advance_keyspace_safe_point(self.0, keyspace, ts, error) != 0 })
    }

    pub fn name(&self, keyspace: u32, gc_type: u32) -> Result<(), String> {
        checked(|error| unsafe { ffi::rgc_set_keyspace_gc_type(self.0, keyspace, gc_type as c_int, error) })
    }

    pub fn name_all(&self, keyspaces: &[u32], gc_type: u32) -> Result<(), String> {
        let (ids, n) = (keyspaces.as_ptr(), keyspaces.len());
        checked(|error| unsafe { ffi::rgc_set_keyspace_gc_types(self.0, ids, n, gc_type as c_int, error) })
    }

    /// Sets a barrier; `u64::MAX` seconds = it never ends.
    pub fn set_barrier(&self, keyspace: u32, name: &str, ts: u64, ttl_seconds: u64) -> Result<(), String> {
        let name = CString::new(name).expect("no NUL");
        checked(|error| unsafe { ffi::rgc_barrier_set(self.0, keyspace, name.as_ptr(), ts, ttl_seconds, error) })
    }

    /// Deletes a barrier. Was it there?
    pub fn delete_barrier(&self, keyspace: u32, name: &str) -> Result<bool, String> {
        let name = CString::new(name).expect("no NUL");
        checked(|error| unsafe { ffi::rgc_barrier_delete(self.0, keyspace, name.as_ptr(), error) != 0 })
    }

    /// Keyspace, name, timestamp and last second of every barrier.
    pub fn barriers(&self) -> Vec<(u32, String, u64, u64)> {
        unsafe extern "C" fn take(state: *mut c_void, info: *const c::rgc_barrier_info_t) -> i32 {
            unsafe {
                let name = CStr::from_ptr((*info).name).to_string_lossy().into_owned();
                let barrier = ((*info).keyspace, name, (*info).ts, (*info).expires_unix_seconds);
                (*state.cast::<Vec<(u32, String, u64, u64)>>()).push(barrier);
            }
            0
        }
        let mut barriers = Vec::new();
        unsafe { ffi::rgc_barriers_foreach(self.0, Some(take), (&raw mut barriers).cast()) };
        barriers
    }

    pub fn remove(&self, keyspace: u32) {
        // A thread with a living filter is refused.
        let remove = || checked(|error| unsafe { ffi::rgc_pause_keyspace(self.handle(), keyspace, error) }).expect("removes");
        std::thread::scope(|scope| scope.spawn(remove).join().expect("no panic"));
    }

    pub fn set_enabled(&self, enabled: bool) {
        let set = || assert_eq!(unsafe { ffi::rgc_set_enabled(self.handle(), u8::from(enabled)) }, 1);
        std::thread::scope(|scope| scope.spawn(set).join().expect("no panic"));
    }

    pub fn effective(&self, keyspace: u32) -> u64 {
        unsafe { ffi::rgc_keyspace_safe_point(self.0, keyspace) }
    }

    /// The effective safe point of a stored key.
    pub fn of_key(&self, key: &[u8]) -> u64 {
        unsafe { ffi::rgc_safe_point_for_key(self.0, key.as_ptr().cast(), key.len()) }
    }

    pub fn destroy_keyspace_after(&self, keyspace: u32, ts: u64) -> Result<(), String> {
        checked(|error| unsafe { ffi::rgc_destroy_keyspace_after(self.0, keyspace, ts, 0, error) })
    }

    pub fn global(&self) -> u64 {
        unsafe { ffi::rgc_global_safe_point(self.0) }
    }

    pub fn stats(&self) -> c::rgc_stats_t {
        let mut stats = c::rgc_stats_t { struct_size: size_of::<c::rgc_stats_t>(), ..Default::default() };
        unsafe { ffi::rgc_stats(self.0, &mut stats) };
        stats
    }

    /// The metrics as OpenMetrics text.
    pub fn metrics(&self) -> String {
        let text = unsafe { ffi::rgc_metrics(self.0) };
        let copy = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
        unsafe { ffi::rgc_free(text.cast()) };
        copy
    }

    /// The stored key of a version; mode r.
    pub fn raw_key(&self, keyspace: u32, user_key: &[u8], ts: u64) -> Vec<u8> {
        self.key(c::RGC_MODE_RAW, keyspace, user_key, ts)
    }

    pub fn key(&self, mode: u32, keyspace: u32, user_key: &[u8], ts: u64) -> Vec<u8> {
        let mut len = 0;
        unsafe {
            let key = checked(|error| {
                ffi::rgc_encode_key(self.0, mode as c_int, keyspace, user_key.as_ptr().cast(), user_key.len(), ts, &mut len, error)
            })
            .expect("a key");
            let copy = bytes(key, len);
            ffi::rgc_free(key.cast());
            copy
        }
    }

    /// A run of which nothing is known but its level; `None` = none is needed.
    pub fn run(&self, kind: u32, bottommost: i32) -> Option<Run> {
        self.run_over(kind, bottommost, &[])
    }

    /// A run over known input files.
    pub fn run_over(&self, kind: u32, bottommost: i32, inputs: &[c::rgc_table_properties_t]) -> Option<Run> {
        let compaction = c::rgc_compaction_t {
            struct_size: size_of::<c::rgc_compaction_t>(),
            is_full: -1,
            is_manual: -1,
            is_bottommost: bottommost,
            start_level: -1,
            output_level: -1,
            column_family_id: 0,
            inputs: inputs.as_ptr(),
            num_inputs: inputs.len(),
        };
        let run = checked(|error| unsafe { ffi::rgc_filter_create(self.0, kind as c_int, &compaction, error) }).expect("a run");
        (!run.is_null()).then_some(Run(run))
    }
}

impl Drop for Gc {
    fn drop(&mut self) {
        // A test that fails beside a living run has said why.
        let destroyed = unsafe { ffi::rgc_destroy(self.0) };
        assert!(destroyed == 1 || std::thread::panicking());
    }
}

/// A run of the library under test.
pub struct Run(*mut c::rgc_filter_t);

// The library itself notices another thread, which tests show.
unsafe impl Sync for Run {}

unsafe fn bytes(data: *const c_char, len: usize) -> Vec<u8> {
    if data.is_null() { Vec::new() } else { unsafe { std::slice::from_raw_parts(data.cast(), len) }.to_vec() }
}

/// What the properties of an input file say of its tombstones.
pub fn input(num_deletions: u64, num_range_deletions: u64) -> c::rgc_table_properties_t {
    c::rgc_table_properties_t {
        struct_size: size_of::<c::rgc_table_properties_t>(),
        num_deletions,
        num_range_deletions,
        ..Default::default()
    }
}

impl Run {
    /// The decision's number, and what a skip goes to.
    pub fn decide_or_skip(&self, value_type: u32, key: &[u8], value: &[u8]) -> (u32, Vec<u8>) {
        let (key, value) = ((key.as_ptr().cast(), key.len()), (value.as_ptr().cast(), value.len()));
        let (mut until, mut until_len) = (null(), 0);
        unsafe {
            let decision =
                ffi::rgc_filter_decide(self.0, 0, value_type as c_int, key.0, key.1, value.0, value.1, &mut until, &mut until_len) as u32;
            (decision, bytes(until, until_len))
        }
    }

    /// The decision's number, and what a skip goes to.
    pub fn decide_by_key_or_skip(&self, key: &[u8]) -> (u32, Vec<u8>) {
        let (mut until, mut until_len) = (null(), 0);
        unsafe {
            let decision = ffi::rgc_filter_decide_by_key(self.0, 0, key.as_ptr().cast(), key.len(), &mut until, &mut until_len) as u32;
            (decision, bytes(until, until_len))
        }
    }

    /// The decision's number.
    pub fn decide(&self, value_type: u32, key: &[u8], value: &[u8]) -> u32 {
        let (key, value) = ((key.as_ptr().cast(), key.len()), (value.as_ptr().cast(), value.len()));
        unsafe { ffi::rgc_filter_decide(self.0, 0, value_type as c_int, key.0, key.1, value.0, value.1, null_mut(), null_mut()) as u32 }
    }

    /// The decision's number.
    pub fn decide_by_key(&self, key: &[u8]) -> u32 {
        unsafe { ffi::rgc_filter_decide_by_key(self.0, 0, key.as_ptr().cast(), key.len(), null_mut(), null_mut()) as u32 }
    }

    pub fn callback(&self, key: &[u8], value: &[u8]) -> bool {
        let (key, value) = ((key.as_ptr().cast(), key.len()), (value.as_ptr().cast(), value.len()));
        unsafe {
            ffi::rgc_filter_callback(self.0.cast(), 0, key.0, key.1, value.0, value.1, null_mut(), null_mut(), null::<u8>().cast_mut()) != 0
        }
    }

    pub fn set_bottommost(&self, bottommost: i32) {
        unsafe { ffi::rgc_filter_set_bottommost(self.0, bottommost) }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        unsafe { ffi::rgc_filter_destroy(self.0) }
    }
}
