//! What a follower of many keyspaces costs, and what many followers cost etcd.
//!
//!     cargo bench -p rocks-gc-fleet --bench scale -- [KEYSPACES [FOLLOWERS]]
//!
//! It needs `etcd` and `librocks_gc.so` (ROCKS_GC_TEST_LIBRARY, or of `cargo build --release`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unsafe_code)]

#[path = "../tests/support/mod.rs"]
mod support;

use prost::Message;
use rocks_gc_fleet::error::Result;
use rocks_gc_fleet::etcd::{Client, Put, Txn};
use rocks_gc_fleet::follower::Follower;
use rocks_gc_fleet::follower::host::Host;
use rocks_gc_fleet::follower::local::{Bounds, GcType, Keyspace, Left, Local, Schema, SchemaProgress};
use rocks_gc_fleet::follower::registration::Identity;
use rocks_gc_fleet::follower::session::Session;
use rocks_gc_fleet::layout::id::{KeyspaceId, Scope};
use rocks_gc_fleet::layout::keyspace_meta::{Identity as MetaIdentity, KeyspaceMeta};
use rocks_gc_fleet::layout::own_value::Role;
use rocks_gc_fleet::layout::pd_key::PdKey;
use rocks_gc_fleet::layout::pd_value;
use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::{CLUSTER, Etcd};
use tokio::runtime::Runtime;

const LIMIT: Duration = Duration::from_secs(60);
const CHANGES: usize = 101;

/// A library that forgets everything but the newest safe point.
#[derive(Clone, Default)]
struct Forgetful(Arc<AtomicU64>);

impl Local for Forgetful {
    fn load_keyspace(&self, _: &Keyspace) -> Result<()> {
        Ok(())
    }
    fn register(&self, _: KeyspaceId, _: GcType) -> Result<()> {
        Ok(())
    }
    fn pause(&self, _: KeyspaceId) -> Result<()> {
        Ok(())
    }
    fn advance_global(&self, _: u64) {}
    fn advance(&self, safe_points: &[(KeyspaceId, u64)]) -> Result<()> {
        safe_points.iter().for_each(|(_, safe_point)| {
            self.0.fetch_max(*safe_point, Ordering::SeqCst);
        });
        Ok(())
    }
    fn load_schemas(&self, _: KeyspaceId, _: &[u32], _: u32) -> Result<()> {
        Ok(())
    }
    fn drop_schema(&self, _: Schema) -> Result<()> {
        Ok(())
    }
    fn is_dropped(&self, _: Schema) -> bool {
        false
    }
    fn truncate_schema(&self, _: Schema, _: u64) -> Result<()> {
        Ok(())
    }
    fn has_lock_family(&self) -> bool {
        false
    }
    fn highest_dropped(&self) -> Vec<Schema> {
        Vec::new()
    }
    fn progress_of_schemas(&self, schemas: &[Schema]) -> Vec<SchemaProgress> {
        schemas.iter().map(|_| SchemaProgress { left: Left::Nothing, truncated_up_to: 0 }).collect()
    }
    fn destroy_after(&self, _: &[u8], _: &[u8], _: u64) -> Result<()> {
        Ok(())
    }
    fn left_of_ranges(&self, ranges: &[Bounds<'_>]) -> Vec<Option<Left>> {
        ranges.iter().map(|_| None).collect()
    }
}

struct NoTransactions;

impl Host for NoTransactions {
    fn holds_transactions(&self) -> bool {
        false
    }
    fn resolve(&self, _: Scope, _: u64) -> bool {
        false
    }
    fn fenced(&self, _: &str) {}
    fn hold_lost(&self, _: Scope, _: &str) {}
}

fn identity(name: String) -> Identity {
    Identity { name, role: Role::Primary, holds_transactions: false, versions: BTreeMap::new(), lease: Duration::from_secs(60) }
}

/// Bytes of a line of /proc/PID/status.
fn memory(process: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let found = status.lines().find(|found| found.starts_with(line)).unwrap();
    found.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn milliseconds(times: &mut [Duration]) -> String {
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    format!("median {:.1} ms, p99 {:.1} ms, worst {:.1} ms", at(50), at(99), at(100))
}

async fn fill(client: &Client, keyspaces: u32) {
    let config: std::collections::HashMap<_, _> = [("gc_management_type".to_owned(), "keyspace_level".to_owned())].into();
    let ids: Vec<u32> = (1..=keyspaces).collect();
    for ids in ids.chunks(60) {
        let puts = ids.iter().flat_map(|number| {
            let id = KeyspaceId::new(*number).unwrap();
            let identity = Some(MetaIdentity::Id(*number));
            let meta = KeyspaceMeta { identity, name: format!("keyspace_{number}"), config: config.clone(), ..KeyspaceMeta::default() };
            [
                Put::new(PdKey::KeyspaceMeta(id).build(CLUSTER), meta.encode_to_vec()),
                Put::new(PdKey::GcSafePoint(Scope::Keyspace(id)).build(CLUSTER), pd_value::safe_point(id, 1000).unwrap()),
            ]
        });
        assert!(client.commit(&Txn { puts: puts.collect(), ..Txn::default() }).await.unwrap());
    }
}

async fn move_safe_point(client: &Client, number: u32, safe_point: u64) {
    let id = KeyspaceId::new(number).unwrap();
    let value = pd_value::safe_point(id, safe_point).unwrap();
    support::put(client, &PdKey::GcSafePoint(Scope::Keyspace(id)).build(CLUSTER), value).await;
}

/// The memory of the follower alone: its library keeps nothing.
fn follower_alone(etcd: &Etcd) {
    let me = std::process::id();
    let before = memory(me, "VmRSS");
    let follower = Follower::load(&etcd.settings(), identity("alone".into()), Forgetful::default(), NoTransactions, || (), LIMIT).unwrap();
    follower.follow(LIMIT).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let (after, most) = (memory(me, "VmRSS"), memory(me, "VmHWM"));
    println!("a follower alone: {:.1} MiB resident, at most {:.1} MiB", mib(after - before), mib(most - before));
}

/// Both libraries, as a host loads them: the time of the load, and of a change.
fn both_libraries(etcd: &Etcd, runtime: &Runtime, client: &Client, keyspaces: u32) {
    type Create = unsafe extern "C" fn(*const c_void, *mut *mut c_char) -> *mut c_void;
    type SafePoint = unsafe extern "C" fn(*const c_void, u32) -> u64;
    type Set = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, *mut *mut c_char);
    type Load = unsafe extern "C" fn(*mut c_void, *const c_void, *const c_void, u64, *mut *mut c_char) -> *mut c_void;
    type Follow = unsafe extern "C" fn(*mut c_void, u64, *mut *mut c_char);
    type Close = unsafe extern "C" fn(*mut c_void) -> u8;
    let me = std::process::id();
    // SAFETY: the functions have these types by their headers; handles are used as these say.
    unsafe {
        let library = libloading::Library::new(support::library()).unwrap();
        let fleet = libloading::Library::new(support::fleet_library()).unwrap();
        let gc = library.get::<Create>(b"rgc_create").unwrap()(null(), null_mut());
        let safe_point = library.get::<SafePoint>(b"rgc_keyspace_safe_point").unwrap();
        let options = fleet.get::<unsafe extern "C" fn() -> *mut c_void>(b"rgc_fleet_options_create").unwrap()();
        for (name, value) in [("endpoints", etcd.endpoint(0)), ("cluster", CLUSTER.to_string()), ("node", "both".to_owned())] {
            let (name, value) = (CString::new(name).unwrap(), CString::new(value).unwrap());
            fleet.get::<Set>(b"rgc_fleet_options_set").unwrap()(options, name.as_ptr(), value.as_ptr(), null_mut());
        }
        let before = memory(me, "VmRSS");
        let begin = Instant::now();
        let follower = fleet.get::<Load>(b"rgc_fleet_load").unwrap()(gc, options, null(), 60_000, null_mut());
        assert!(!follower.is_null() && safe_point(gc, keyspaces) == 1000);
        println!("load of {keyspaces} keyspaces into librocks_gc.so: {:.2} s", begin.elapsed().as_secs_f64());
        fleet.get::<Follow>(b"rgc_fleet_follow").unwrap()(follower, 60_000, null_mut());
        println!("both libraries: {:.1} MiB resident", mib(memory(me, "VmRSS") - before));
        std::thread::sleep(Duration::from_secs(2));
        let mut times = Vec::new();
        for change in 0..CHANGES {
            let (number, next) = (1 + (change as u32 * 7919) % keyspaces, 2000 + change as u64);
            let begin = Instant::now();
            runtime.block_on(move_safe_point(client, number, next));
            while safe_point(gc, number) != next {
                std::thread::sleep(Duration::from_micros(100));
            }
            times.push(begin.elapsed());
        }
        println!("from the begin of a write into etcd to the library's answer: {}", milliseconds(&mut times));
        assert_eq!(fleet.get::<Close>(b"rgc_fleet_close").unwrap()(follower), 1);
    }
}

/// Many followers in one process, each with its own connection, lease and watches.
fn many_followers(etcd: &Etcd, runtime: &Runtime, client: &Client, followers: usize) {
    let process = etcd.process(0);
    let before = memory(process, "VmRSS");
    let begin = Instant::now();
    let locals: Vec<Forgetful> = (0..followers).map(|_| Forgetful::default()).collect();
    let mut tasks = Vec::new();
    for (i, local) in locals.iter().enumerate() {
        let (settings, local) = (etcd.settings(), local.clone());
        tasks.push(runtime.spawn(async move {
            let client = Client::connect(&settings).await.unwrap();
            let mut session = Session::new(client, identity(format!("f{i}")), Arc::new(local), Arc::new(NoTransactions));
            session.run().await
        }));
    }
    let arrived = |value| locals.iter().filter(|local| local.0.load(Ordering::SeqCst) >= value).count();
    while arrived(1000) < followers {
        std::thread::sleep(Duration::from_millis(10));
    }
    println!("{followers} followers of {} keyspaces loaded in {:.1} s", 100, begin.elapsed().as_secs_f64());
    std::thread::sleep(Duration::from_secs(5));
    let mut times = Vec::new();
    for change in 0..21 {
        let next = 1_000_000 + change;
        let begin = Instant::now();
        runtime.block_on(move_safe_point(client, 1, next));
        while arrived(next) < followers {
            std::thread::sleep(Duration::from_micros(200));
        }
        times.push(begin.elapsed());
    }
    println!("a change has reached all {followers}: {}", milliseconds(&mut times));
    println!(
        "etcd: {:.1} MiB more resident, {:.0} kB a follower",
        mib(memory(process, "VmRSS") - before),
        (memory(process, "VmRSS") - before) as f64 / followers as f64 / 1e3
    );
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u32>().ok());
    let (keyspaces, followers) = (numbers.next().unwrap_or(100_000), numbers.next().unwrap_or(1000));
    let runtime = Runtime::new().unwrap();
    {
        let etcd = runtime.block_on(Etcd::start(1));
        let client = runtime.block_on(etcd.client());
        runtime.block_on(fill(&client, keyspaces));
        follower_alone(&etcd);
        both_libraries(&etcd, &runtime, &client, keyspaces);
    }
    let etcd = runtime.block_on(Etcd::start(1));
    let client = runtime.block_on(etcd.client());
    runtime.block_on(fill(&client, 100));
    many_followers(&etcd, &runtime, &client, followers as usize);
}
