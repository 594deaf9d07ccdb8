"""Two tenants with two safe points, on RocksDB by ctypes.

Usage: quickstart.py DIRECTORY
"""

import ctypes
import sys
from ctypes import byref, c_char_p, c_size_t, c_void_p

from rocks_gc import Gc, GcType, Kind, Mode

rocksdb = ctypes.CDLL("librocksdb.so")


def call(name, *arguments, result=None):
    """A function of RocksDB. Its last parameter, errptr, must hold NULL before the call."""
    function, error = rocksdb[f"rocksdb_{name}"], c_char_p()
    function.restype = result
    answer = function(*arguments, byref(error))
    if error.value:
        raise RuntimeError(error.value.decode())
    return answer


def create(name):
    function = rocksdb[f"rocksdb_{name}_create"]
    function.restype = c_void_p
    return c_void_p(function())


def versions_left(gc, db, keyspace):
    options, length, left = create("readoptions"), c_size_t(), 0
    for ts in (10, 20, 30):
        key = gc.encode_key(Mode.RAW, keyspace, b"row", ts)
        value = call("get", db, options, key, c_size_t(len(key)), byref(length), result=c_void_p)
        left += value is not None
        rocksdb.rocksdb_free(c_void_p(value))
    rocksdb.rocksdb_readoptions_destroy(options)
    return left


with Gc() as gc:
    gc.bind(rocksdb)
    gc.set_keyspace_gc_types([7, 8], GcType.KEYSPACE_LEVEL)
    gc.advance_keyspace_safe_points([(7, 100), (8, 15)])  # no reader reads below these

    options = create("options")
    rocksdb.rocksdb_options_set_create_if_missing(options, 1)
    gc.install(options, Kind.RAW)
    db = c_void_p(call("open", options, sys.argv[1].encode(), result=c_void_p))
    rocksdb.rocksdb_close.argtypes = [c_void_p]
    with gc.attach(db, close=lambda: rocksdb.rocksdb_close(db)):  # detaches, then closes
        write_options, value = create("writeoptions"), b"value\0"  # the bytes and a byte of flags
        for keyspace in (7, 8):
            for ts in (10, 20, 30):
                key = gc.encode_key(Mode.RAW, keyspace, b"row", ts)
                call("put", db, write_options, key, c_size_t(len(key)), value,
                     c_size_t(len(value)))
        rocksdb.rocksdb_writeoptions_destroy(write_options)
        rocksdb.rocksdb_compact_range(db, None, c_size_t(0), None, c_size_t(0))
        for keyspace in (7, 8):
            print(f"keyspace {keyspace}: {versions_left(gc, db, keyspace)} of 3 versions left")
    rocksdb.rocksdb_options_destroy(options)
