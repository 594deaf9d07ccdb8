#!/bin/sh
# Fetches RocksDB for Java, if CACHE_DIR has none: fetch_rocksdbjni.sh CACHE_DIR.
# PyPI's pyspark holds rocksdbjni's jar, so pip is enough. It fetches 450 MB, of which 72 MB are
# kept. It needs Python with venv, and 1.5 GB in CACHE_DIR for a while.
set -eu
pyspark=4.0.0 # has rocksdbjni 9.8.4
mkdir -p "$1"
cache=$(cd "$1" && pwd)
for jar in "$cache"/rocksdbjni-*.jar; do
  if [ -e "$jar" ]; then exit 0; fi
done
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export TMPDIR="$work"
echo "fetching rocksdbjni into $cache, once: 450 MB"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" download --quiet --no-cache-dir --no-deps --no-binary pyspark --dest "$work" \
  "pyspark==$pyspark"
tar --no-same-owner --wildcards -xzf "$work/pyspark-$pyspark.tar.gz" -C "$work" \
  '*/jars/rocksdbjni-*.jar'
mv "$work/pyspark-$pyspark"/deps/jars/rocksdbjni-*.jar "$cache"
