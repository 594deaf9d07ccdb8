#!/bin/sh
# Runs the example and the tests in an empty module, on the system's RocksDB.
# Usage: test.sh LIBRARY INCLUDE_DIR [RACE_FLAG]
# Needs go, gcc, pkg-config, and RocksDB with its header.
set -eu
library=$(realpath "$1")
include=$(realpath "$2")
race=${3:-}
here=$(dirname "$(realpath "$0")")
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT

mkdir "$project/lib" "$project/module"
cp "$library" "$project/lib/librocks_gc.so"
ln -s librocks_gc.so "$project/lib/librocks_gc.so.1"
cat > "$project/lib/rocks_gc.pc" <<END
Name: rocks_gc
Description: garbage collection for RocksDB
Version: 1
Cflags: -I$include
Libs: -L$project/lib -lrocks_gc
END
export PKG_CONFIG_PATH="$project/lib" LD_LIBRARY_PATH="$project/lib" TMPDIR="$project"
export GOFLAGS=-mod=mod GOPROXY=off GO111MODULE=on
# Go's cache keeps the folders that pkg-config named when the package was built.
export GOCACHE="$project/cache"

cp -r "$here/examples" "$here/tests" "$project/module"
cd "$project/module"
cat > go.mod <<END
module project

go 1.19

require rocksgc v0.0.0

replace rocksgc => $here
END
go run ./examples/quickstart > output
cat output
printf 'keyspace 7: 1 of 3 versions left\nkeyspace 8: 2 of 3 versions left\n' | diff - output

echo 'unsigned rgc_abi_version(void) { return 99; }' |
  gcc -shared -fPIC -x c -o "$project/other_abi.so" -
export OTHER_ABI="$project/other_abi.so"
# A second RocksDB, as far as a search of the process can see.
nm -D "$(pkg-config --variable=libdir rocksdb)/librocksdb.so" |
  sed -n 's/.* T \(rocksdb_[a-z0-9_]*\)$/void \1(void) {}/p' |
  gcc -shared -fPIC -x c -o "$project/second.so" -
export SECOND_ROCKSDB="$project/second.so"
go vet rocksgc ./...
go test $race -count=1 -v ./tests -bench . -benchtime 100000x
