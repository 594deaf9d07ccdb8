#!/bin/sh
# Runs the example and the tests in an empty project that has nothing but three jars.
# Usage: test.sh JAR_DIR [LIBROCKSDB]
# JAR_DIR holds rocks-gc-*.jar. LIBROCKSDB is a second RocksDB for the test with two of them.
# JAVA is another java to run them with.
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
classpath=rocks-gc.jar:jna.jar:rocksdbjni.jar:classes
javac -Xlint:all -Werror -d classes -cp "$classpath" ./*.java

run() {
  ${patience:-} "${JAVA:-java}" -ea -Xms96m -Xmx96m -XX:+AlwaysPreTouch -Djava.io.tmpdir="$project" \
    -cp "$classpath" "$@"
}

run Quickstart > output
cat output
printf 'keyspace 7: 1 of 3 versions left\nkeyspace 8: 2 of 3 versions left\n' | diff - output

gcc -shared -fPIC -x c -o other_abi.so - <<END
unsigned rgc_abi_version(void) { return 99; }
END
gcc -shared -fPIC -x c -o not_ours.so - <<END
int nothing;
END
# A process that does not end is killed, and the script fails.
patience="timeout -s KILL 120" run ExitTest
run LoadingTest "$project/other_abi.so" "$project/not_ours.so"
for test in BindingTest LifeTest MemoryTest; do
  run "$test" "$second"
done
