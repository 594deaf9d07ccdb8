#!/bin/sh
# Builds the wheel of the Python binding, with the library inside.
# Usage: package.sh LIBROCKS_GC DIST
# It needs python3 with venv, objdump and PyPI.
set -eu
library=$(realpath "$1")
mkdir -p "$2"
dist=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -R "$here/pyproject.toml" "$here/hatch_build.py" "$here/README.md" "$here/rocks_gc" "$work"
cp "$here/../../LICENSE" "$work"
cp "$library" "$work/rocks_gc/librocks_gc.so"
ROCKS_GC_VERSION=$(PYTHONPATH="$work" python3 -c 'import rocks_gc; print(rocks_gc.load().version)')
# The oldest glibc that has every symbol that the library uses.
glibc=$(objdump -T "$library" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -1)
[ -n "$glibc" ] || { echo "$library uses no symbol of glibc" >&2; exit 1; }
version=${glibc#GLIBC_}
ROCKS_GC_PLATFORM=manylinux_${version%%.*}_${version#*.}_$(uname -m)
export ROCKS_GC_VERSION ROCKS_GC_PLATFORM

python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check wheel --no-deps --wheel-dir "$dist" "$work"
ls "$dist/rocks_gc-$ROCKS_GC_VERSION-py3-none-$ROCKS_GC_PLATFORM.whl"
