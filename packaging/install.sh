#!/bin/sh
# Installs what a host needs: install.sh LIBRARY ROOT PREFIX LIBDIR. PREFIX and LIBDIR are absolute,
# and the tree lies under ROOT, which may be empty. For a tree that may be moved PREFIX is
# ${pcfiledir}/../.. and LIBDIR is ${prefix}/lib; then the tree is ROOT itself.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$1 root=$2 prefix=$3 libdir=$4
version=$("$here/version.sh")
fail() { echo "install.sh: $1 is not absolute; give a path that begins with /" >&2; exit 1; }
case $prefix in
  /*) into=$root$prefix ;;
  '${pcfiledir}/../..') into=$root ;;
  *) fail "PREFIX $prefix" ;;
esac
case $libdir in
  /*) libraries=$root$libdir ;;
  '${prefix}/'*) libraries=$into/${libdir#*/} ;;
  *) fail "LIBDIR $libdir" ;;
esac
# For sed, which reads some characters, and for pkg-config, which splits at spaces.
escaped() { printf '%s\n' "$1" | sed -e 's/[&|\\]/\\&/g' -e 's/ /\\\\ /g'; }
fill() { # TEMPLATE FILE
  sed -e "s|@PREFIX@|$(escaped "$prefix")|" -e "s|@LIBDIR@|$(escaped "$libdir")|" \
    -e "s|@VERSION@|$version|" "$here/$1" > "$2"
  chmod 644 "$2"
}

cmake=$libraries/cmake/rocks_gc
mkdir -p "$into/include" "$into/share/rocks_gc/shim" "$libraries/pkgconfig" "$cmake"
install -m 755 "$library" "$libraries/librocks_gc.so.1"
ln -sf librocks_gc.so.1 "$libraries/librocks_gc.so"
install -m 644 "$here"/../include/*.h "$into/include"
install -m 644 "$here"/../shim/* "$into/share/rocks_gc/shim"
fill rocks_gc.pc.in "$libraries/pkgconfig/rocks_gc.pc"
install -m 644 "$here/rocks_gcConfig.cmake" "$cmake"
fill rocks_gcConfigVersion.cmake.in "$cmake/rocks_gcConfigVersion.cmake"
