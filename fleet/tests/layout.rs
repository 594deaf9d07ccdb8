//! Vectors of PD's layout and ours. `REWRITE=1 cargo test` rewrites the answers: read the
//! difference.
#![allow(clippy::unwrap_used, clippy::panic)] // Helpers of tests are not in `#[test]` functions.

use rocks_gc_fleet::error::Result;
use rocks_gc_fleet::layout::allocator::Allocator;
use rocks_gc_fleet::layout::id::KeyspaceId;
use rocks_gc_fleet::layout::keyspace_meta::{KeyspaceMeta, State};
use rocks_gc_fleet::layout::own_key::OwnKey;
use rocks_gc_fleet::layout::own_value::{Answer, Applied, Fenced, Leader, Node, Order, OwnValue, Range, Resolved, SchemaId, ValidSchema};
use rocks_gc_fleet::layout::pd_key::PdKey;
use rocks_gc_fleet::layout::{name, pd_value, stored_range};
use std::fmt::Debug;

const CLUSTER: u64 = 7;

#[test]
fn cases() {
    datadriven::walk("tests/cases", |file| {
        file.run(|case| case.input.lines().map(|line| answer(&case.directive, line) + "\n").collect::<String>());
    });
}

fn answer(directive: &str, line: &str) -> String {
    match directive {
        "pd_key" => said(
            line,
            PdKey::parse(CLUSTER, line.as_bytes()).inspect(|key| {
                assert!(key.as_ref().is_none_or(|key| key.build(CLUSTER) == line), "{line}");
            }),
        ),
        "own_key" => said(
            line,
            OwnKey::parse(CLUSTER, line.as_bytes()).inspect(|key| {
                assert!(key.as_ref().is_none_or(|key| key.build(CLUSTER).unwrap() == line), "{line}");
            }),
        ),
        "padded" => said(line, KeyspaceId::parse_padded(line)),
        "unpadded" => said(line, KeyspaceId::parse(line)),
        "id" => said(line, KeyspaceId::new(line.parse().unwrap())),
        "hex" => said(line, pd_value::parse_hex(line.as_bytes())),
        "to_hex" => pd_value::hex(line.parse().unwrap()),
        "decimal" => said(line, pd_value::parse_decimal(line.as_bytes())),
        "allocator" => said(line, pd_value::parse_allocator(&bytes(line))),
        "safe_point" => said(line, pd_value::parse_safe_point(line.as_bytes())),
        "barrier" => said(line, pd_value::parse_barrier(line.as_bytes())),
        "global_barrier" => said(line, pd_value::parse_global_barrier(line.as_bytes())),
        "keyspace_name" => said(line, name::check_keyspace_name(line.trim_matches('"'))),
        "barrier_name" => said(line, name::check_barrier_name(line)),
        "meta" => said(line, KeyspaceMeta::parse(&bytes(line)).map(|meta| meta_text(&meta))),
        "transition" => {
            let (from, to) = line.split_once(' ').unwrap();
            let state = |text: &str| State::try_from(text.parse::<i32>().unwrap()).unwrap();
            format!("{line}: {}", state(from).may_become(state(to)))
        }
        "range" => {
            let (start, end) = line.split_once(' ').unwrap();
            said(line, stored_range::keyspace(&bytes(start), &bytes(end)))
        }
        "vend" => vend(line),
        "own_value" => own_value(line),
        other => panic!("unknown directive {other}"),
    }
}

fn said<T: Debug>(line: &str, result: Result<T>) -> String {
    match result {
        Ok(value) => format!("{line}: {value:?}"),
        Err(error) => format!("error: {error}"),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap()).collect()
}

fn meta_text(meta: &KeyspaceMeta) -> String {
    let KeyspaceMeta { identity, name, state, created_at, state_changed_at, .. } = meta;
    let (id, gc) = (meta.id().unwrap(), meta.gc_management());
    format!("{id} {name} state {state} created {created_at} changed {state_changed_at} {identity:?} {gc:?}")
}

/// `STORED COUNT`: starts from what is stored, vends so many, and prints each step.
fn vend(line: &str) -> String {
    let (stored, count) = line.split_once(' ').unwrap();
    let mut allocator = match Allocator::restart(stored.parse().unwrap()) {
        Ok(allocator) => allocator,
        Err(error) => return format!("error: {error}"),
    };
    let (mut ids, mut said) = (Vec::new(), String::new());
    for _ in 0..count.parse::<u32>().unwrap() {
        let id = allocator.vend().or_else(|| {
            match allocator.next_window() {
                Ok(end) => said.push_str(&format!(" store {end}")),
                Err(error) => said.push_str(&format!(" {error}")),
            }
            allocator.stored_window().ok()?;
            allocator.vend()
        });
        ids.extend(id);
    }
    format!("{line}:{said}; {:?} to {:?}, {} ids", ids.first(), ids.last(), ids.len())
}

/// `TYPE JSON`: parses, and writes again.
fn own_value(line: &str) -> String {
    fn again<T: OwnValue>(json: &str) -> Result<String> {
        let bytes = T::parse(json.as_bytes())?.build()?;
        Ok(String::from_utf8(bytes).unwrap())
    }
    let (kind, json) = line.split_once(' ').unwrap();
    let result = match kind {
        "node" => again::<Node>(json),
        "resolved" => again::<Resolved>(json),
        "applied" => again::<Applied>(json),
        "fenced" => again::<Fenced>(json),
        "leader" => again::<Leader>(json),
        "schema_id" => again::<SchemaId>(json),
        "valid_schema" => again::<ValidSchema>(json),
        "order" => again::<Order>(json),
        "answer" => again::<Answer>(json),
        "range" => again::<Range>(json),
        other => panic!("unknown type {other}"),
    };
    result.unwrap_or_else(|error| format!("error: {error}"))
}
