#!/bin/sh
# Packs the module.
# Usage: package.sh DIST
set -eu
mkdir -p "$1"
dist=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../../Cargo.toml" | head -n 1)
name=rocks-gc-go-$version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r "$here" "$work/$name"
rm "$work/$name/package.sh" "$work/$name/test.sh"
tar -C "$work" --sort=name --owner=0 --group=0 -czf "$dist/$name.tar.gz" "$name"
echo "$dist/$name.tar.gz"
