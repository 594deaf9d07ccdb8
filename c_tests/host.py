"""A Python host: RocksDB by ctypes, which loads it RTLD_LOCAL, and rocks-gc bound to it by its path.

Usage: host.py LIBROCKS_GC LIBROCKSDB DIRECTORY
"""

import sys
from ctypes import CDLL, POINTER, byref, c_char_p, c_int, c_size_t, c_ubyte, c_uint32, c_uint64, c_void_p, string_at

RGC_KIND_RAW = 17
RGC_GC_KEYSPACE_LEVEL = 1
P, N = c_void_p, c_size_t

gc_path, rocksdb_path, directory = sys.argv[1:]
rocksdb = CDLL(rocksdb_path)
rgc = CDLL(gc_path)


def call(library, name, result, *types):
    """A function by its name; one whose last parameter is errptr raises what it writes there."""
    function = library[name]
    function.restype = result
    function.argtypes = types

    def checked(*arguments):
        if len(arguments) == len(types):
            return function(*arguments)
        error = c_void_p(0x5A5A5A5A)
        answer = function(*arguments, byref(error))
        if error.value:
            text = string_at(error.value).decode()
            rgc.rgc_free(c_void_p(error.value))
            raise RuntimeError(text)
        return answer

    return checked


E = POINTER(c_void_p)
rgc.rgc_free.argtypes = (P,)
rgc.rgc_free.restype = None
rgc_version = call(rgc, "rgc_version", c_char_p)
rgc_create = call(rgc, "rgc_create", P, P, E)
rgc_destroy = call(rgc, "rgc_destroy", c_ubyte, P)
rgc_bind = call(rgc, "rgc_bind_rocksdb_library", None, P, P, c_char_p, E)
rgc_name = call(rgc, "rgc_set_keyspace_gc_type", None, P, c_uint32, c_int, E)
rgc_advance = call(rgc, "rgc_advance_keyspace_safe_point", c_ubyte, P, c_uint32, c_uint64, E)
rgc_factory = call(rgc, "rgc_rocksdb_filter_factory", P, P, c_int, E)
rgc_encode = call(rgc, "rgc_encode_key", P, P, c_int, c_uint32, c_char_p, N, c_uint64, POINTER(N), E)

options_create = call(rocksdb, "rocksdb_options_create", P)
set_create = call(rocksdb, "rocksdb_options_set_create_if_missing", None, P, c_ubyte)
set_manual = call(rocksdb, "rocksdb_options_set_disable_auto_compactions", None, P, c_int)
set_factory = call(rocksdb, "rocksdb_options_set_compaction_filter_factory", None, P, P)
options_destroy = call(rocksdb, "rocksdb_options_destroy", None, P)
writeoptions_create = call(rocksdb, "rocksdb_writeoptions_create", P)
readoptions_create = call(rocksdb, "rocksdb_readoptions_create", P)
flushoptions_create = call(rocksdb, "rocksdb_flushoptions_create", P)
compact = call(rocksdb, "rocksdb_compact_range", None, P, c_char_p, N, c_char_p, N)
create_iterator = call(rocksdb, "rocksdb_create_iterator", P, P, P)
seek_to_first = call(rocksdb, "rocksdb_iter_seek_to_first", None, P)
valid = call(rocksdb, "rocksdb_iter_valid", c_ubyte, P)
step = call(rocksdb, "rocksdb_iter_next", None, P)
iterator_key = call(rocksdb, "rocksdb_iter_key", P, P, POINTER(N))
iterator_destroy = call(rocksdb, "rocksdb_iter_destroy", None, P)
close = call(rocksdb, "rocksdb_close", None, P)


def rocksdb_call(name, result, *types):
    """RocksDB wants errptr to hold NULL before the call."""
    function = rocksdb[name]
    function.restype = result
    function.argtypes = (*types, E)

    def checked(*arguments):
        error = c_void_p(None)
        answer = function(*arguments, byref(error))
        if error.value:
            raise RuntimeError(string_at(error.value).decode())
        return answer

    return checked


open_db = rocksdb_call("rocksdb_open", P, P, c_char_p)
put = rocksdb_call("rocksdb_put", None, P, P, c_char_p, N, c_char_p, N)
db_flush = rocksdb_call("rocksdb_flush", None, P, P)


def encode(gc, keyspace, user_key, ts):
    """A stored key; the library's bytes go back to it."""
    length = N()
    key = rgc_encode(gc, ord("r"), keyspace, user_key, len(user_key), ts, byref(length))
    copy = string_at(key, length.value)
    rgc.rgc_free(key)
    return copy


def keys(db):
    """Every key that is left."""
    iterator = create_iterator(db, readoptions_create())
    seek_to_first(iterator)
    left = []
    while valid(iterator):
        length = N()
        left.append(string_at(iterator_key(iterator, byref(length)), length.value))
        step(iterator)
    iterator_destroy(iterator)
    return left


def main():
    gc = rgc_create(None)
    try:
        rgc_bind(gc, None, b"/no/such/librocksdb.so")
        raise AssertionError("a library that is not loaded was bound")
    except RuntimeError as error:
        assert str(error).startswith("Not found: ") and "/no/such/librocksdb.so" in str(error), error
    rgc_bind(gc, None, rocksdb_path.encode())
    rgc_bind(gc, rocksdb._handle, None)
    rgc_bind(gc, None, None)

    rgc_name(gc, 1, RGC_GC_KEYSPACE_LEVEL)
    assert rgc_advance(gc, 1, 25) == 1
    options = options_create()
    set_create(options, 1)
    set_manual(options, 1)
    set_factory(options, rgc_factory(gc, RGC_KIND_RAW))
    db = open_db(options, directory.encode())
    write_options, flush_options = writeoptions_create(), flushoptions_create()
    for ts in (10, 20, 30):
        for keyspace in (1, 2):
            for row in (b"a", b"b"):
                key = encode(gc, keyspace, row, ts)
                put(db, write_options, key, len(key), b"v\0", 2)
        db_flush(db, flush_options)
    compact(db, None, 0, None, 0)
    expected = [encode(gc, 1, row, 30) for row in (b"a", b"b")]
    expected += [encode(gc, 2, row, ts) for row in (b"a", b"b") for ts in (30, 20, 10)]
    assert keys(db) == expected, keys(db)
    close(db)
    options_destroy(options)
    assert rgc_destroy(gc) == 1
    print(f"host.py: rocks-gc {rgc_version().decode()}: ok")


main()
