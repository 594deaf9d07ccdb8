#!/bin/sh
# Packs the npm package, with the library inside. Usage: package.sh LIBROCKS_GC DIST
# It needs node and npm, and asks no registry. The version is that of Cargo.toml.
set -eu
library=$(realpath "$1")
mkdir -p "$2"
dist=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -R "$here/index.js" "$here/index.d.ts" "$here/README.md" "$here/package.json" "$here/lib" "$work"
cp "$here/../../LICENSE" "$work"
cp "$library" "$work/lib/librocks_gc.so"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../../Cargo.toml" | head -1)
cd "$work"
npm pkg set "version=$version" "cpu[]=$(node -p process.arch)"
npm pack --silent --pack-destination "$dist"
