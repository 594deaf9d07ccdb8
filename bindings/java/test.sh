#!/bin/sh
# Runs the example and the tests in an empty project that has nothing but the jars: on Java 17 to 21
# with JNA, and on Java 22 or later without it.
# Usage: test.sh JAR_DIR [LIBROCKSDB]
# JAR_DIR holds rocks-gc-*.jar. LIBROCKSDB is a second RocksDB for the test with two of them.
# JAVA is another java of 17 to 21 to run them with. JAVA22 is a java of 22 or later; without it
# they run with JNA only.
# Needs javac, gcc, JNA (JNA_JAR) and rocksdbjni (ROCKSDBJNI_JAR).
set -eu
jars=$(realpath "$1")
second=${2:-/usr/lib/$(uname -m)-linux-gnu/librocksdb.so}
here=$(dirname "$(realpath "$0")")
jna=${JNA_JAR:-/usr/share/java/jna.jar}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rocks-gc/rocksdbjni
rocksdbjni=${ROCKSDBJNI_JAR:-$(ls "$cache"/rocksdbjni-*.jar)}
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT

cp "$jars"/rocks-gc-*[0-9].jar "$project/rocks-gc.jar"
cp "$jna" "$project/jna.jar"
cp "$rocksdbjni" "$project/rocksdbjni.jar"
cp "$here"/examples/*.java "$here"/tests/*.java "$project"
cd "$project"
mkdir classes
javac -Xlint:all -Werror --release 17 -d classes -cp rocks-gc.jar:rocksdbjni.jar ./*.java

gcc -shared -fPIC -x c -o other_abi.so - <<END
unsigned rgc_abi_version(void) { return 99; }
END
gcc -shared -fPIC -x c -o not_ours.so - <<END
int nothing;
END
gcc -shared -fPIC -x c -o old.so - <<END
unsigned rgc_abi_version(void) { return 1; }
END
include=$(dirname "$(realpath "$(command -v javac)")")/../include
gcc -shared -fPIC -I"$include" -I"$include/linux" -o unload.so "$here/tests/unload.c"

suite() { # CLASSPATH JAVA [OPTION]
  path=$1:rocksdbjni.jar:classes
  shift
  set -- "$@" -ea -Xms96m -Xmx96m -XX:+AlwaysPreTouch -Djava.io.tmpdir="$project" -cp "$path"

  "$@" Quickstart > output
  cat output
  printf 'keyspace 7: 1 of 3 versions left\nkeyspace 8: 2 of 3 versions left\n' | diff - output
  # A process that does not end is killed, and the script fails.
  timeout -s KILL 300 "$@" ExitTest
  "$@" LoadingTest "$project/other_abi.so" "$project/not_ours.so" "$project/old.so"
  "$@" UnloadTest "$project/unload.so"
  for test in BindingTest LifeTest MemoryTest; do
    "$@" "$test" "$second"
  done
}

suite rocks-gc.jar:jna.jar "${JAVA:-java}"
if [ -n "${JAVA22:-}" ]; then
  suite rocks-gc.jar "$JAVA22" --enable-native-access=ALL-UNNAMED
  "$JAVA22" --enable-native-access=ALL-UNNAMED -cp rocks-gc.jar:rocksdbjni.jar:classes StackTest
else
  echo "no JAVA22: nothing is tested on Java 22 or later"
fi
