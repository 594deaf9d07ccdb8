#!/bin/sh
# Installs the library of a node, its header, and the command of the workers and the control plane:
# install_fleet.sh RELEASE TREE LIBRARIES. RELEASE is cargo's folder, the command and the header go
# into bin and include of TREE.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
release=$1 tree=$2 libraries=$3
install -D -m 755 "$release/rocks-gc" "$tree/bin/rocks-gc"
install -D -m 644 "$here/../include/rocks_gc_fleet.h" "$tree/include/rocks_gc_fleet.h"
install -D -m 755 "$release/librocks_gc_fleet.so" "$libraries/librocks_gc_fleet.so.1"
ln -sf librocks_gc_fleet.so.1 "$libraries/librocks_gc_fleet.so"
