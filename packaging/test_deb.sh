#!/bin/sh
# Installs the Debian packages into an empty chroot, and builds and runs the quick start there:
# test_deb.sh DIST CACHE. It needs root and debootstrap. The empty system is kept in CACHE.
set -eu
dist=$(realpath "$1")
mkdir -p "$2"
base=$(realpath "$2")/bookworm.tar
here=$(cd "$(dirname "$0")" && pwd)
mirror=$(apt-get indextargets --format '$(SITE)' | grep -v security | head -1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ ! -e "$base" ]; then
  debootstrap --variant=minbase bookworm "$work/base" "$mirror" > "$work/log" || {
    tail -20 "$work/log" >&2
    exit 1
  }
  tar -C "$work/base" -cf "$base.new" .
  mv "$base.new" "$base"
fi
mkdir -p "$work/root/build"
tar -C "$work/root" -xf "$base"
cp "$dist"/librocks-gc1_*.deb "$dist"/librocks-gc-dev_*.deb "$dist"/rocks-gc-fleet_*.deb \
  "$work/root/build"
cp "$here/../examples/quickstart.cc" "$here/../examples/fleet_node.cc" "$work/root/build"
cat > "$work/root/build/in_chroot" <<'IN'
set -eu
export DEBIAN_FRONTEND=noninteractive
cd /build
apt-get update
apt-get install -y --no-install-recommends ./*.deb g++ librocksdb-dev pkg-config
for package in librocks-gc1 rocks-gc-fleet; do
  dpkg-query -W -f='${Depends}\n' "$package" | grep -q libc6
done
c++ -std=c++17 quickstart.cc $(pkg-config --cflags rocks_gc) -lrocksdb -o quickstart
printed=$(./quickstart)
[ "$printed" = "1 of 3 versions left" ]
rocks-gc --version
c++ -std=c++17 fleet_node.cc $(pkg-config --cflags rocks_gc) -lrocksdb -o fleet_node
# The node finds both libraries by name, and no etcd.
./fleet_node librocks_gc.so.1 librocks_gc_fleet.so.1 db endpoints=http://127.0.0.1:1 cluster=1 node=n1 \
  2> refused && exit 1
grep -q '127.0.0.1:1' refused
IN
chroot "$work/root" sh /build/in_chroot > "$work/log" 2>&1 || { tail -40 "$work/log" >&2; exit 1; }
echo "test_deb: ok"
