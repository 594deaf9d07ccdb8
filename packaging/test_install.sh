#!/bin/sh
# Installs into folders with a space in their names, and builds the quick start there with
# pkg-config and with CMake: test_install.sh LIBRARY. It needs a RocksDB, pkg-config and CMake.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quickstart=$here/../examples/quickstart.cc
quiet() { "$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }; }
prints_what_it_should() { # PROGRAM
  rm -rf quickstart.db
  printed=$("$1")
  [ "$printed" = "1 of 3 versions left" ] || { echo "$1 printed: $printed" >&2; exit 1; }
}
build_and_run() { # NAME TREE
  mkdir "$work/$1"
  cd "$work/$1"
  export PKG_CONFIG_PATH="$2/lib/pkgconfig"
  # The program is linked with the library here, so --libs counts. pkg-config answers for a shell.
  eval "c++ -std=c++17 '$quickstart' -Wl,--no-as-needed $(pkg-config --cflags --libs rocks_gc)" \
    "-Wl,-rpath,$(pkg-config --variable=libdir rocks_gc) -lrocksdb -o by_pkg_config"
  prints_what_it_should ./by_pkg_config
  cat > CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.18)
project(user CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(rocks_gc 0.1 REQUIRED)
if(NOT EXISTS "${ROCKS_GC_SHIM_DIR}/rocks_gc_install.cc")
  message(FATAL_ERROR "no shim in ${ROCKS_GC_SHIM_DIR}")
endif()
add_executable(by_cmake ${QUICKSTART})
target_link_libraries(by_cmake PRIVATE -Wl,--no-as-needed rocks_gc::rocks_gc rocksdb)
CMAKE
  quiet cmake -S . -B build "-DCMAKE_PREFIX_PATH=$2" "-DQUICKSTART=$quickstart"
  quiet cmake --build build
  prints_what_it_should build/by_cmake
  # No other copy of the library was found.
  for program in by_pkg_config build/by_cmake; do
    ldd "$program" | grep -qF "librocks_gc.so.1 => $2/lib/" || { ldd "$program" >&2; exit 1; }
  done
}
refused() { # PREFIX LIBDIR
  if "$here/install.sh" "$library" "$work/refused" "$1" "$2" 2> "$work/log"; then exit 1; fi
  grep -q "is not absolute" "$work/log" && [ ! -e "$work/refused" ]
}

"$here/install.sh" "$library" "" "$work/a prefix" "$work/a prefix/lib"
build_and_run prefix "$work/a prefix"

"$here/install.sh" "$library" "$work/a tree" '${pcfiledir}/../..' '${prefix}/lib'
mv "$work/a tree" "$work/moved tree"
build_and_run moved "$work/moved tree"

# A package's staging folder: nothing lies outside of it, and no file names it.
"$here/install.sh" "$library" "$work/staging" "/opt/a&b|c" "/opt/a&b|c/lib"
[ -e "$work/staging/opt/a&b|c/lib/librocks_gc.so" ]
grep -qxF 'prefix=/opt/a&b|c' "$work/staging/opt/a&b|c/lib/pkgconfig/rocks_gc.pc"
if grep -rqF "$work" "$work/staging"; then exit 1; fi

refused opt /opt/lib
refused /opt lib
echo "test_install: ok"
