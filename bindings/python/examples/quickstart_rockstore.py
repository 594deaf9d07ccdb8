"""Two tenants with two safe points, on RocksDB by the package rockstore.

Usage: quickstart_rockstore.py DIRECTORY
"""

import sys

from rockstore import RockStore

from rocks_gc import Gc, GcType, Kind, Mode


class Store(RockStore):
    """rockstore keeps its options to itself until open. Here they get filters first."""

    def __init__(self, path, gc):
        self.gc = gc
        super().__init__(path)
        self.attachment = gc.attach(self.address(self.db), close=super().close)

    def address(self, pointer):
        return int(self.ffi.cast("uintptr_t", pointer))

    def _configure_db_options(self):
        super()._configure_db_options()
        self.gc.bind("librocksdb.so")  # rockstore has loaded it
        self.gc.install(self.address(self.db_options), Kind.RAW)

    def compact(self):
        null = self.ffi.NULL
        self.lib.rocksdb_compact_range(self.db, null, 0, null, 0)

    def close(self):
        self.attachment.close()  # detaches, then closes the DB


RockStore._ffi.cdef("""void rocksdb_compact_range(
    struct rocksdb_t*, const char*, size_t, const char*, size_t);""")

with Gc() as gc:
    gc.set_keyspace_gc_types([7, 8], GcType.KEYSPACE_LEVEL)
    gc.advance_keyspace_safe_points([(7, 100), (8, 15)])  # no reader reads below these
    with Store(sys.argv[1], gc) as store:
        keys = {keyspace: [gc.encode_key(Mode.RAW, keyspace, b"row", ts) for ts in (10, 20, 30)]
                for keyspace in (7, 8)}
        for key in keys[7] + keys[8]:
            store.put(key, b"value\0")  # the user's bytes and a byte of flags
        store.compact()
        for keyspace in (7, 8):
            left = sum(store.get(key) is not None for key in keys[keyspace])
            print(f"keyspace {keyspace}: {left} of 3 versions left")
