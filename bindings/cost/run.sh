#!/bin/sh
# What a compaction of 1,000,000 versions costs in each language, against a C host on the same
# RocksDB: run.sh LIBRARY DIST FOLDER [ROUNDS]. DIST has the packages (make packages). Each host
# compacts a copy of the same DB. The ratio is of the least CPU times.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$(realpath "$1")
dist=$(realpath "$2")
folder=$3
rounds=${4:-7}
system=${ROCKS_GC_COST_ROCKSDB:-/usr/lib/x86_64-linux-gnu/librocksdb.so}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rocks-gc
bundled=$cache/rocksdb-11.8.1/lib
work=$(mktemp -d)
mkdir -p "$folder"
trap 'rm -rf "$work" "$folder"/cost_*' EXIT
cc -O2 -std=gnu11 -I"$here/../../include" "$here/cost.c" -o "$work/cost" -ldl

# Java's RocksDB lies in its jar.
jar=$(ls "$cache"/rocksdbjni/rocksdbjni-*.jar)
(cd "$work" && unzip -q -o "$jar" librocksdbjni-linux64.so)
jni=$work/librocksdbjni-linux64.so

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "$dist"/rocks_gc-*.whl
mkdir "$work/node" "$work/java" "$work/rust" "$work/rust/src"
(cd "$work/node" && npm init --yes >/dev/null && npm install --silent --no-audit --no-fund "$dist"/rocks-gc-*.tgz)
cp "$here/cost.js" "$work/node"
classpath=$(ls "$dist"/rocks-gc-*[0-9].jar):/usr/share/java/jna.jar:$jar:$work/java
javac -d "$work/java" -cp "$classpath" "$here/Cost.java"
"$here/../../packaging/install.sh" "$library" "$work/tree" '${pcfiledir}/../..' '${prefix}/lib'
cp -r "$here/go" "$work/go"
cat > "$work/go/go.mod" <<END
module cost

go 1.19

require rocksgc v0.0.0

replace rocksgc => $here/../go
END
(cd "$work/go" && PKG_CONFIG_PATH="$work/tree/lib/pkgconfig" GOFLAGS=-mod=mod GOPROXY=off GOCACHE="$work/cache" \
  go build -o "$work/cost_go" .)
tar -xzf "$dist"/rocks-gc-*.crate -C "$work"
mv "$work"/rocks-gc-[0-9]* "$work/crate"
cp "$here/../rust/projects/rocksdb.toml" "$work/rust/Cargo.toml"
cp "$here/cost.rs" "$work/rust/src/main.rs"
(cd "$work/rust" && ROCKSDB_LIB_DIR=$bundled ROCKSDB_INCLUDE_DIR=$bundled/../include CARGO_TARGET_DIR=$cache/bindings-rust \
  cargo build --quiet --release && cp "$cache/bindings-rust/release/user" "$work/cost_rust")

for db in system jni bundled; do
  case $db in system) rocksdb=$system ;; jni) rocksdb=$jni ;; *) rocksdb=$bundled/librocksdb.so ;; esac
  "$work/cost" write "$library" "$rocksdb" "$folder/cost_$db"
done
export LD_LIBRARY_PATH="$work/tree/lib:$bundled"
host() { # NAME DB
  case $1 in
    c) case $2 in system) rocksdb=$system ;; jni) rocksdb=$jni ;; *) rocksdb=$bundled/librocksdb.so ;; esac
      "$work/cost" compact "$library" "$rocksdb" "$folder/cost_copy" ;;
    python) "$work/venv/bin/python" "$here/cost.py" "$library" "$system" "$folder/cost_copy" ;;
    node) (cd "$work/node" && node cost.js "$library" "$system" "$folder/cost_copy") ;;
    go) "$work/cost_go" "$folder/cost_copy" ;;
    java) java -Drocksgc.library="$library" -cp "$classpath" Cost "$folder/cost_copy" ;;
    rust) "$work/cost_rust" "$library" "$folder/cost_copy" ;;
  esac
}
for round in $(seq "$rounds"); do
  for pair in c:system python:system node:system go:system c:jni java:jni c:bundled rust:bundled; do
    rm -rf "$folder/cost_copy"
    cp -r "$folder/cost_${pair#*:}" "$folder/cost_copy"
    echo "${pair%:*} ${pair#*:} $(host "${pair%:*}" "${pair#*:}")" >> "$work/times"
  done
done
awk '{ key = $1 " " $2; if (!(key in least) || $3 < least[key]) least[key] = $3; db[key] = $2; name[key] = $1 }
  END {
    print "| host | RocksDB | CPU s | C host, CPU s | ratio |"; print "|---|---|---|---|---|"
    for (key in least) if (name[key] != "c")
      printf "| %s | %s | %.3f | %.3f | %.2f |\n", name[key], db[key], least[key], least["c " db[key]], least[key] / least["c " db[key]]
  }' "$work/times"
