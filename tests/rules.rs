//! The rules as text: `tests/cases/*.txt`. `REWRITE=1 cargo test --test rules` writes the answers
//! anew; read them before you commit them.
//!
//! `gc` makes a context: `now=N`, a line `options name=value;...` if any, and a command a line.
//! `run` makes a filter (`kind=default|write|ttl_v1`, `bottommost=1|0`, `inputs=(N,N_M,...)` with
//! the tombstones and the range tombstones of each input). Each line shows it a key, or gives a
//! command in the middle. With `skip` the caller can skip, and the answer also says what the skip
//! ends at: a version of the row, or the row's end.
//!
//! ```text
//! r/1 a @100 live          mode/keyspace, user key, timestamp, value: live, del, eN (expires at N),
//!                          del+eN, bad, 0xHEX, or what is no value: merge, wide, blob; a write
//!                          record: P (long value), Ps (short value), D, L, R, P+f9 and Ps+f9 with
//!                          a GC fence of 9
//! m a @100 live            a TiDB key; plain a @100 live in the plain layout; key 0xHEX live for
//!                          any bytes
//! ? r/1 a @100             judged by the key alone
//! global 80 | own 1 80 | name 1 global | name 1 keyspace | remove 1 | enable | disable
//! barrier 1 b 80 60        of keyspace 1 (or global, all), named b, at 80, for 60 seconds or `never`;
//!                          unbarrier 1 b | barriers | time 1060 | effective 1 | effective global
//! bottommost 0
//! schemas 1 9 3,4          a list of keyspace 1 (plain: none), highest id 9; create 1 5 | drop 1 3 |
//!                          state 1 3
//! load 1 ENABLED unified   metadata; destroy 1 | destroy 1 force
//! wal r/1 a @100           does recovery leave it out?
//! ```
//!
//! A user key `#7:a` is 4 bytes of schema id 7 and `a`. `gc attach` attaches an open, empty
//! RocksDB, for drops and destroys.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, unsafe_code, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use std::thread;
use support::gc::{Gc, Run};
use support::store::{RAW, Store, Via};
use tempfile::{TempDir, tempdir};

#[test]
fn cases() {
    datadriven::walk("tests/cases", |file| {
        let mut gc: Option<Made> = None;
        file.run(|case| -> String {
            let input = case.input.clone();
            let argument = |name: &str| case.args.get(name).and_then(|values| values.first()).cloned();
            let number = |name: &str| argument(name).map(|value| value.parse::<i64>().unwrap());
            match case.directive.as_str() {
                "gc" => {
                    let (options, commands): (Vec<_>, Vec<_>) = input.lines().partition(|line| line.starts_with("options "));
                    let options = options.first().map_or("", |line| &line["options ".len()..]);
                    let made = Gc::new(options, number("now").unwrap_or(1000) as u64);
                    let made = Made::new(made, case.args.contains_key("attach"));
                    let answers = commands.iter().map(|line| command(&made.gc, None, line).unwrap() + "\n").collect();
                    gc = Some(made);
                    answers
                }
                "run" => {
                    let gc = &gc.as_ref().expect("gc comes before run").gc;
                    let kind = match argument("kind").as_deref() {
                        None | Some("default") => c::RGC_KIND_RAW,
                        Some("write") => c::RGC_KIND_TXN,
                        Some("ttl_v1") => c::RGC_KIND_TTL_V1,
                        Some("dropped_only") => c::RGC_KIND_DROPPED_ONLY,
                        Some(other) => panic!("kind {other}"),
                    };
                    let inputs: Vec<_> = case.args.get("inputs").into_iter().flatten().map(|text| input_file(text)).collect();
                    let make = || gc.run_over(kind, number("bottommost").unwrap_or(-1) as i32, &inputs);
                    show(gc, make, case.args.contains_key("skip"), &input)
                }
                other => panic!("directive {other}"),
            }
        });
    });
}

/// A context, and its store if it has one, which goes before it.
struct Made {
    _store: Option<Store<'static>>,
    gc: Box<Gc>,
    _dir: TempDir,
}

impl Made {
    fn new(gc: Gc, attach: bool) -> Self {
        let (gc, dir) = (Box::new(gc), tempdir().unwrap());
        // SAFETY: the box keeps its place, and outlives the store, which is dropped first.
        let borrowed: &'static Gc = unsafe { &*std::ptr::from_ref(gc.as_ref()) };
        let store = attach.then(|| Store::attached(dir.path(), borrowed, Via::C, RAW));
        Self { _store: store, gc, _dir: dir }
    }
}

/// `N` or `N_M`: how many tombstones and range tombstones.
fn input_file(text: &str) -> c::rgc_table_properties_t {
    let (points, ranges) = text.split_once('_').unwrap_or((text, "0"));
    support::gc::input(points.parse().unwrap(), ranges.parse().unwrap())
}

fn show(gc: &Gc, make: impl Fn() -> Option<Run>, can_skip: bool, input: &str) -> String {
    let before = gc.stats();
    let mut answers = String::new();
    match make() {
        None => answers += "no filter\n",
        Some(run) => {
            for line in input.lines() {
                let answer = command(gc, Some(&run), line).unwrap_or_else(|| judge(gc, &run, can_skip, line));
                answers += &format!("{line}: {answer}\n");
            }
        }
    }
    answers + &changes(&before, &gc.stats())
}

/// What a command answers; `None` = it is a key.
fn command(gc: &Gc, run: Option<&Run>, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |i: usize| words[i].parse::<u64>().unwrap();
    let answer = match words[0] {
        "global" => gc.advance_global(number(1)).to_string(),
        "own" => gc.advance(number(1) as u32, number(2)).map_or_else(|error| error, |moved| moved.to_string()),
        "name" => {
            let gc_type = if words[2] == "global" { c::RGC_GC_GLOBAL } else { c::RGC_GC_KEYSPACE_LEVEL };
            gc.name(number(1) as u32, gc_type).err().unwrap_or("ok".into())
        }
        "barrier" => {
            let ttl = if words[4] == "never" { u64::MAX } else { number(4) };
            said(gc.set_barrier(barrier_scope(words[1]), words[2], number(3), ttl))
        }
        "unbarrier" => gc.delete_barrier(barrier_scope(words[1]), words[2]).map_or_else(|error| error, |was_there| was_there.to_string()),
        "barriers" => {
            gc.barriers().iter().map(|(scope, name, ts, end)| format!("{scope} {name} {ts} {end}")).collect::<Vec<_>>().join("; ")
        }
        "time" => {
            gc.set_time(number(1));
            "ok".into()
        }
        "effective" => match words[1] {
            "global" => gc.global(),
            _ => gc.effective(number(1) as u32),
        }
        .to_string(),
        "remove" => {
            gc.remove(number(1) as u32);
            "ok".into()
        }
        "enable" | "disable" => {
            gc.set_enabled(words[0] == "enable");
            "ok".into()
        }
        "schemas" => {
            let ids: Vec<u32> = words[3..].iter().flat_map(|ids| ids.split(',')).map(|id| id.parse().unwrap()).collect();
            said(gc.load_schemas(tenant(words[1]), &ids, number(2) as u32))
        }
        "create" => said(gc.create_schema(tenant(words[1]), number(2) as u32)),
        // Not inside a run.
        "drop" => said(thread::scope(|scope| scope.spawn(|| gc.drop_schema(tenant(words[1]), number(2) as u32)).join().unwrap())),
        "state" => ["UNKNOWN", "VALID", "TRUNCATING", "DROPPED"][gc.schema_state(tenant(words[1]), number(2) as u32) as usize].into(),
        "load" => {
            let state = ["ENABLED", "DISABLED", "ARCHIVED", "TOMBSTONE"].iter().position(|state| *state == words[2]).unwrap();
            said(gc.load_keyspace(number(1) as u32, state as u32, words.get(3).copied()))
        }
        "destroy" => {
            let flags = if words.contains(&"force") { c::RGC_DESTROY_FORCE } else { 0 };
            said(thread::scope(|scope| scope.spawn(|| gc.destroy_keyspace(number(1) as u32, flags)).join().unwrap()))
        }
        "wal" => gc.wal_ignores(&key(gc, &words[1..]).0).to_string(),
        "bottommost" => {
            run?.set_bottommost(words[1].parse().unwrap());
            "ok".into()
        }
        _ => return None,
    };
    Some(answer)
}

fn said(result: Result<(), String>) -> String {
    result.err().unwrap_or("ok".into())
}

/// What a barrier holds back.
fn barrier_scope(word: &str) -> u32 {
    match word {
        "global" => c::RGC_KEYSPACE_NONE,
        "all" => c::RGC_KEYSPACE_ALL,
        id => id.parse().unwrap(),
    }
}

/// Whose schemas.
fn tenant(word: &str) -> u32 {
    word.parse().unwrap_or(c::RGC_KEYSPACE_NONE)
}

/// What a word says; `#7:a` is a schema's id before the rest.
fn user_key(word: &str) -> Vec<u8> {
    match word.strip_prefix('#').and_then(|word| word.split_once(':')) {
        Some((id, rest)) => [&id.parse::<u32>().unwrap().to_be_bytes(), rest.as_bytes()].concat(),
        None => word.as_bytes().to_vec(),
    }
}

fn judge(gc: &Gc, run: &Run, can_skip: bool, line: &str) -> String {
    let by_key = line.strip_prefix("? ");
    let words: Vec<&str> = by_key.unwrap_or(line).split_whitespace().collect();
    let (key, rest) = key(gc, &words);
    let shown = |text: &str| match text {
        "merge" => (c::RGC_MERGE_OPERAND, b"operand".to_vec()),
        "wide" => (c::RGC_WIDE_COLUMNS, b"columns".to_vec()),
        "blob" => (c::RGC_BLOB_INDEX, b"index".to_vec()),
        text => (c::RGC_VALUE, value(text)),
    };
    let (decision, until) = match (by_key, rest.first().map(|text| shown(text))) {
        (Some(_), _) if can_skip => run.decide_by_key_or_skip(&key),
        (Some(_), _) => (run.decide_by_key(&key), Vec::new()),
        (None, Some((value_type, value))) if can_skip => run.decide_or_skip(value_type, &key, &value),
        (None, Some((value_type, value))) => (run.decide(value_type, &key, &value), Vec::new()),
        (None, None) => panic!("{line}: no value"),
    };
    match decision {
        c::RGC_REMOVE_AND_SKIP_UNTIL => format!("skip to {}", target(&key[..key.len() - 8], &until)),
        decision => ["keep", "remove", "?", "undetermined"][decision as usize].into(),
    }
}

/// A version of the row, or the key behind the row's last possible version, or the end of a dropped
/// range.
fn target(row: &[u8], until: &[u8]) -> String {
    match until.strip_prefix(row) {
        Some([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]) => "the row's end".into(),
        Some(ts) => format!("@{}", !u64::from_be_bytes(ts.try_into().unwrap())),
        None => format!("0x{}", until.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

fn key<'w>(gc: &Gc, words: &'w [&'w str]) -> (Vec<u8>, &'w [&'w str]) {
    if words[0] == "key" {
        return (hex(words[1]), &words[2..]);
    }
    let (mode, keyspace) = match words[0].split_once('/') {
        Some((mode, keyspace)) => (mode, keyspace.parse().unwrap()),
        None => (words[0], c::RGC_KEYSPACE_NONE),
    };
    let mode = if mode == "plain" { c::RGC_MODE_NONE } else { u32::from(mode.as_bytes()[0]) };
    let ts = match &words[2][1..] {
        "max" => u64::MAX,
        ts => ts.parse().unwrap(),
    };
    (gc.key(mode, keyspace, &user_key(words[1]), ts), &words[3..])
}

fn value(text: &str) -> Vec<u8> {
    match text {
        "live" => b"value\0".to_vec(),
        "del" => b"\x02".to_vec(),
        "bad" => b"value\x04".to_vec(),
        text if text.starts_with("0x") => hex(text),
        text if text.starts_with(['P', 'D', 'L', 'R']) => record(text),
        text => {
            let (flags, expire) = match text.strip_prefix("del+e") {
                Some(expire) => (3, expire),
                None => (1, text.strip_prefix('e').unwrap()),
            };
            let expire = if expire == "max" { u64::MAX } else { expire.parse().unwrap() };
            [b"value", &expire.to_be_bytes()[..], &[flags]].concat()
        }
    }
}

/// A write record with start_ts 5.
fn record(text: &str) -> Vec<u8> {
    let (what, fence) = text.split_once("+f").map_or((text, None), |(what, fence)| (what, Some(fence.parse::<u64>().unwrap())));
    let mut bytes = vec![what.as_bytes()[0], 5];
    if what == "Ps" {
        bytes.extend(b"v\x05value");
    }
    if let Some(fence) = fence {
        bytes.extend([&b"RF"[..], &fence.to_be_bytes()].concat());
    }
    bytes
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("0x").unwrap();
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}

fn changes(before: &c::rgc_stats_t, after: &c::rgc_stats_t) -> String {
    macro_rules! changed {
        ($($name:ident)*) => {
            [$((stringify!($name), after.$name - before.$name)),*]
        };
    }
    let counters = changed! {
        runs_started filters_not_needed runs_closed kept removed skipped expired delete_marked unparsed_keys unparsed_values
        kept_unknown_keyspace kept_unknown_schema dropped safe_points_refused gc_types_refused rows_deferred
    };
    let text: Vec<String> = counters.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name} {n}")).collect();
    format!("= {}\n", text.join(", "))
}
