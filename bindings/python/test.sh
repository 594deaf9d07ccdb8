#!/bin/sh
# Tests the wheel in an empty virtual environment, on a real RocksDB.
# Usage: test.sh DIRECTORY_OF_THE_WHEEL
# It needs python3 with venv, gcc, nm, librocksdb.so and PyPI. ROCKS_GC_TEST_ROCKSDB may name the
# prefix of another RocksDB than the system's; rockstore's example always uses the system's.
set -eu
wheels=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
pip="$work/venv/bin/pip --quiet --disable-pip-version-check"
$pip install --no-index --find-links "$wheels" rocks-gc
$pip install rockstore==0.2.0 'pytest>=8' mypy
cp -R "$here/tests" "$here/examples" "$work" # away from the sources: the tests import the wheel
cd "$work"
python=$work/venv/bin/python

printf 'keyspace 7: 1 of 3 versions left\nkeyspace 8: 2 of 3 versions left\n' > expected
for example in quickstart quickstart_rockstore; do
  "$python" "examples/$example.py" "$work/$example.db" > printed
  diff expected printed
  echo "python: examples/$example.py: ok"
done
"$python" -m mypy --strict --no-warn-return-any -p rocks_gc
"$python" -X faulthandler -m pytest -q -p no:cacheprovider tests
