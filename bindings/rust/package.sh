#!/bin/sh
# Makes the crate: package.sh DIST. It holds the C++ adaptor's sources for the feature `shim`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dist=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for part in Cargo.toml build.rs README.md src tests examples ../../LICENSE; do
  cp -r "$here/$part" "$work"
done
mkdir "$work/native"
cp -r "$here/../../include" "$here/../../shim" "$work/native"
cd "$work"
CARGO_TARGET_DIR="$work/target" cargo package --quiet --allow-dirty
cp target/package/rocks-gc-*.crate "$dist"
