#!/bin/sh
# Tests the npm package in an empty project, on a real RocksDB. Usage: test.sh DIRECTORY_OF_THE_TGZ
# It needs node, npm, gcc, nm, librocksdb.so and npm's registry. ROCKS_GC_TEST_ROCKSDB may name the
# prefix of another RocksDB than the system's; the example always uses the system's.
set -eu
packed=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -R "$here/test" "$here/examples" "$work" # away from the sources: the tests load the package
cd "$work"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund "$packed"/rocks-gc-*.tgz
npm install --silent --no-audit --no-fund --save-dev typescript@5 @types/node@20

printf 'keyspace 7: 1 of 3 versions left\nkeyspace 8: 2 of 3 versions left\n' > expected
node examples/quickstart.js "$work/quickstart.db" > printed
diff expected printed
echo "node: examples/quickstart.js: ok"
npx tsc --noEmit --strict --target es2022 --lib es2022,esnext.disposable --moduleResolution node16 \
  --module node16 test/types.ts
node --expose-gc --test test/*.test.js
