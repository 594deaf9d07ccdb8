#!/bin/sh
# Builds the jar with the library inside, and the jar of the sources.
# Usage: package.sh LIBRARY DIST
# Needs javac, jar, JNA (JNA_JAR) and rocksdbjni (ROCKSDBJNI_JAR).
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

mkdir -p "$work/classes/rocks-gc/linux-$arch"
find "$here/src" -name '*.java' > "$work/sources"
javac -Xlint:all -Werror --release 17 -d "$work/classes" -cp "$jna:$rocksdbjni" "@$work/sources"
cp "$library" "$work/classes/rocks-gc/linux-$arch/librocks_gc.so"
cat > "$work/manifest" <<END
Implementation-Title: rocks-gc
Implementation-Version: $version
END
jar --create --file "$dist/rocks-gc-$version.jar" --manifest "$work/manifest" -C "$work/classes" .
jar --create --file "$dist/rocks-gc-$version-sources.jar" -C "$here/src" .
echo "$dist/rocks-gc-$version.jar"
