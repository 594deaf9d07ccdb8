#!/bin/sh
# Builds the jar with the library inside, and the jar of the sources.
# Usage: package.sh LIBRARY DIST
# Needs javac, jar, gcc, JNA (JNA_JAR) and rocksdbjni (ROCKSDBJNI_JAR).
set -eu
library=$(realpath "$1")
mkdir -p "$2"
dist=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
jna=${JNA_JAR:-/usr/share/java/jna.jar}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rocks-gc/rocksdbjni
rocksdbjni=${ROCKSDBJNI_JAR:-$(ls "$cache"/rocksdbjni-*.jar)}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../../Cargo.toml" | head -n 1)
case $(uname -m) in
  x86_64) arch=amd64 ;;
  *) arch=$(uname -m) ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compile() { # FOLDER CLASSPATH SOURCES...
  to=$1
  path=$2
  shift 2
  find "$@" -name '*.java' > "$work/sources"
  javac -Xlint:all -Werror --release 17 -d "$to" -cp "$path" "@$work/sources"
}
compile "$work/classes" "$jna:$rocksdbjni" "$here/src" "$here/jna"
# Once more for Java 22, without JNA. The jar needs only the classes that differ.
later=META-INF/versions/22
compile "$work/foreign-api" "" "$here/foreign-api"
compile "$work/classes/$later" "$work/foreign-api:$rocksdbjni" "$here/src" "$here/foreign"
(cd "$work/classes/$later" && find . -name '*.class') | while read -r class; do
  ! cmp -s "$work/classes/$class" "$work/classes/$later/$class" || rm "$work/classes/$later/$class"
done

native=$work/classes/rocks-gc/linux-$arch
mkdir -p "$native"
cp "$library" "$native/librocks_gc.so"
include=$(dirname "$(realpath "$(command -v javac)")")/../include
gcc -shared -fPIC -O2 -s -Wall -Wextra -Werror -Wl,-z,nodelete,-z,now \
  -I"$include" -I"$include/linux" "$here/native/callbacks.c" -o "$native/librocks_gc_java.so"
cat > "$work/manifest" <<END
Implementation-Title: rocks-gc
Implementation-Version: $version
Multi-Release: true
END
jar --create --file "$dist/rocks-gc-$version.jar" --manifest "$work/manifest" -C "$work/classes" .
mkdir -p "$work/sources-jar/META-INF/versions"
cp -r "$here/foreign" "$work/sources-jar/$later"
jar --create --file "$dist/rocks-gc-$version-sources.jar" -C "$here/src" . -C "$here/jna" . \
  -C "$work/sources-jar" . -C "$here" native
echo "$dist/rocks-gc-$version.jar"
