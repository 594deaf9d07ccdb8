//! What collects nothing says why, once; and errors are heard without a logger.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, reason = "C calls of a test, with arguments that live long enough")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::{self, c};
use std::ffi::{OsStr, c_int};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::gc::{Gc, checked};
use support::log::Log;
use support::{compile, library, root};

fn standard_error(way: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("host");
    let sources = ["standard_error.c", "api.c", "check.c"].map(|name| root().join("c_tests").join(name));
    let arguments = ["-std=gnu11".into(), "-o".into(), program.clone()].into_iter().chain(sources);
    compile("gcc", arguments.chain(["-ldl".into()]));
    Command::new(program).arg(library()).arg(way).output().unwrap()
}

#[test]
fn errors_go_to_standard_error_until_a_logger_is_set() {
    let output = standard_error("default");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("rocks_gc")).collect();
    assert_eq!(lines.len(), 2, "errors, no warnings: {text}");
    assert!(lines.iter().all(|line| line.starts_with("rocks_gc: error: Invalid argument: ")), "{text}");
    assert!(lines[0].contains("mode 116") && lines[1].contains("kind 3"), "{text}");
    assert!(output.status.success());
}

#[test]
fn no_logger_by_name_is_silence() {
    let output = standard_error("silent");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !text.contains("rocks_gc"), "{text}");
}

#[test]
fn a_host_whose_standard_error_is_gone_lives_on() {
    for way in ["closed", "pipe"] {
        let output = standard_error(way);
        assert!(output.status.success(), "{way}: {:?}", output.status);
        assert!(String::from_utf8_lossy(&output.stdout).contains("lives\n"), "{way}");
    }
}

#[test]
fn a_file_that_takes_the_number_of_standard_error_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("000007.sst");
    assert!(standard_error(file.to_str().unwrap()).status.success());
    assert_eq!(fs::read(file).unwrap(), b"");
}

#[test]
fn a_safe_point_of_a_keyspace_that_was_never_registered_is_told_once() {
    let log = Log::new(c::RGC_LOG_WARN);
    let gc = Gc::new("", 1000);
    for ts in [50, 60, 70] {
        assert!(gc.advance(7, ts).unwrap(), "it is stored all the same");
    }
    let told = log.with("keyspace 7 has a safe point but was never registered: all its keys are kept until rgc_set_keyspace_gc_type");
    assert_eq!(told.len(), 1);
    let ids: Vec<u32> = (7..1000).collect();
    let ts = vec![80; ids.len()];
    for _ in 0..2 {
        checked(|error| unsafe { ffi::rgc_advance_keyspace_safe_points(gc.handle(), ids.as_ptr(), ts.as_ptr(), ids.len(), error) })
            .unwrap();
    }
    assert_eq!(log.with("; 991 more keyspaces are in this state").len(), 1, "{:?}", log.with(""));
    assert_eq!(log.with("never registered").len(), 2);
    // One that is named is told nothing of; a global one that its own is not used.
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc.name(2, c::RGC_GC_GLOBAL).unwrap();
    for ts in [50, 60] {
        gc.advance(1, ts).unwrap();
        gc.advance(2, ts).unwrap();
    }
    assert_eq!(log.with("keyspace 1 has").len(), 0);
    assert_eq!(log.with("keyspace 2 has a safe point but is registered as global").len(), 1);
    // With unknown_keyspace=global something is collected.
    let gc = Gc::new("unknown_keyspace=global", 1000);
    gc.advance(5, 50).unwrap();
    assert_eq!(log.with("keyspace 5 has a safe point but was never registered: the global safe point is used").len(), 1);
}

#[test]
fn keys_of_another_data_prefix_are_told_once() {
    let log = Log::new(c::RGC_LOG_WARN);
    let tikv = Gc::new("data_prefix=z", 1000);
    let gc = Gc::new("", 1000);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc.advance(1, 80).unwrap();
    for kind in [c::RGC_KIND_RAW, c::RGC_KIND_TXN, c::RGC_KIND_RAW] {
        let run = gc.run(kind, -1).unwrap();
        for ts in [70, 60] {
            assert_eq!(run.decide(c::RGC_VALUE, &tikv.raw_key(1, b"a", ts), b"v\0"), c::RGC_KEEP);
        }
    }
    let told = log.with("do not match the key layout");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.contains("0x7a72000001") && told[0].1.contains("data_prefix is empty"), "{told:?}");
    // The other way round, and of a kind without timestamps.
    let (other, run) = (&gc, tikv.run(c::RGC_KIND_TTL_V1, -1).unwrap());
    for ts in [70, 60] {
        run.decide(c::RGC_VALUE, &other.raw_key(1, b"a", ts), b"12345678");
    }
    let told = log.with("data_prefix is 0x7a");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.contains("0x72000001"), "{told:?}");
}

#[test]
fn metadata_as_json_is_named() {
    let gc = Gc::new("", 1000);
    let json = br#"{"id":1,"name":"one","state":"ENABLED","config":{"gc_management_type":"keyspace_level"}}"#;
    let error =
        checked(|error| unsafe { ffi::rgc_keyspace_load_protobuf(gc.handle(), json.as_ptr().cast(), json.len(), error) }).unwrap_err();
    assert!(error.starts_with("Corruption: 0x7b22") && error.contains("looks like JSON") && error.contains("as PD stores them"), "{error}");
}

#[test]
fn a_region_with_a_broken_bound_is_named_by_both() {
    let good = b"r\0\x10\x92\0\0\0\0\xfb";
    let broken = b"r\0\x10\x92\0";
    let decode = |start: &[u8], end: &[u8]| {
        let mut out = c::rgc_range_t { struct_size: size_of::<c::rgc_range_t>(), ..Default::default() };
        checked(|error| unsafe {
            let ((start, start_len), (end, end_len)) = ((start.as_ptr().cast(), start.len()), (end.as_ptr().cast(), end.len()));
            ffi::rgc_codec_decode_region_range(c::RGC_MODE_RAW as c_int, 4242, start, start_len, end, end_len, &mut out, error)
        })
        .unwrap_err()
    };
    let error = decode(good, broken);
    assert!(error.contains("the end of the region [0x7200109200000000fb, 0x7200109200)"), "{error}");
    let error = decode(broken, b"");
    assert!(error.contains("the start of the region [0x7200109200, no bound)"), "{error}");
}

#[test]
fn keys_are_hex_in_messages() {
    let log = Log::new(c::RGC_LOG_WARN);
    let gc = Gc::new("", 1000);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc.advance(1, 80).unwrap();
    let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
    run.decide(c::RGC_VALUE, &gc.raw_key(1, b"b", 70), b"");
    run.decide(c::RGC_VALUE, &gc.raw_key(1, b"a", 70), b"v\0");
    assert_eq!(log.with("a value does not parse, or has extra bytes; key 0x720000016200000").len(), 1, "{:?}", log.with(""));
    assert_eq!(log.with("its keys are not in order; last key 0x720000016200000").len(), 1, "{:?}", log.with(""));
    let key = [0x72, 0];
    let mut out = c::rgc_key_t { struct_size: size_of::<c::rgc_key_t>(), ..Default::default() };
    let error = checked(|error| unsafe { ffi::rgc_decode_key(gc.handle(), key.as_ptr().cast(), key.len(), &mut out, error) }).unwrap_err();
    assert!(error.starts_with("Corruption: 0x7200 is no stored key"), "{error}");
}

/// Whatever the library prints, bytes are 0x7200 there and never [72, 00].
#[test]
fn no_message_is_made_with_bytes_as_a_list() {
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension() == Some(OsStr::new("rs")) && path.file_name() != Some(OsStr::new("tests.rs")) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    sources(&root().join("src"), &mut found);
    assert!(found.len() > 50, "{found:?}");
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        let production = text.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(!production.contains("x?}"), "{} prints bytes as a list; say hex(bytes)", path.display());
    }
}
