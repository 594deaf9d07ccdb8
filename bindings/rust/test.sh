#!/bin/sh
# Uses the packaged crate in an empty project:
# test.sh LIBRARY DIST rocksdb|rust-rocksdb [shim|multi-threaded-cf].
# ROCKSDB_LIB_DIR and ROCKSDB_INCLUDE_DIR name a RocksDB; without them the crates build theirs,
# which takes a quarter of an hour.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$(realpath "$1")
crate=$(realpath "$2"/rocks-gc-*.crate)
host=$3
feature=${4-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -xzf "$crate" -C "$work"
mv "$work"/rocks-gc-* "$work/crate"
mkdir -p "$work/project/src"
cp "$work/crate/examples/quickstart.rs" "$work/project/src/main.rs"
cp -r "$work/crate/tests" "$work/project"
cp "$here/projects/$host.toml" "$work/project/Cargo.toml"
cd "$work/project"
expected='keyspace 7: 1 of 3 versions left
keyspace 8: 2 of 3 versions left'
printed=$(cargo run --quiet --features "$feature" -- "$library" "$work/db")
[ "$printed" = "$expected" ] || { echo "the example printed: $printed" >&2; exit 1; }
# What is freed is overwritten, so that a use of it shows.
export ROCKS_GC_LIBRARY="$library" MALLOC_PERTURB_=165
cargo test --quiet --features "$feature" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
echo "rust, $host $feature: ok"
