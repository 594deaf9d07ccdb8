"""The Python host of cost.c. Usage: cost.py LIBROCKS_GC LIBROCKSDB DB"""

import ctypes
import resource
import sys
from ctypes import byref, c_char_p, c_size_t, c_void_p

import rocks_gc
from rocks_gc import Gc, GcType, Kind

rocksdb = ctypes.CDLL(sys.argv[2])


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


with Gc(library=rocks_gc.load(sys.argv[1])) as gc:
    gc.bind(rocksdb)
    gc.set_keyspace_gc_type(7, GcType.KEYSPACE_LEVEL)
    gc.advance_keyspace_safe_point(7, 21)
    rocksdb.rocksdb_options_create.restype = rocksdb.rocksdb_open.restype = c_void_p
    options, error = c_void_p(rocksdb.rocksdb_options_create()), c_char_p()
    rocksdb.rocksdb_options_set_disable_auto_compactions(options, 1)
    gc.install(options, Kind.RAW)
    db = c_void_p(rocksdb.rocksdb_open(options, sys.argv[3].encode(), byref(error)))
    assert not error.value, error.value
    before = cpu_seconds()
    rocksdb.rocksdb_compact_range(db, None, c_size_t(0), None, c_size_t(0))
    print(f"{cpu_seconds() - before:.6f}")
    rocksdb.rocksdb_close(db)
    rocksdb.rocksdb_options_destroy(options)
