"""A small RocksDB for tests, by ctypes."""

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_ubyte, c_void_p, string_at

PREFIX = os.environ.get("ROCKS_GC_TEST_ROCKSDB")
PATH = f"{PREFIX}/lib/librocksdb.so" if PREFIX else "librocksdb.so"
ROCKSDB = ctypes.CDLL(PATH)

P, N, B, I = c_void_p, c_size_t, c_char_p, c_int
FUNCTIONS = {
    "options_create": (P,), "options_destroy": (None, P),
    "options_set_create_if_missing": (None, P, c_ubyte),
    "options_set_disable_auto_compactions": (None, P, I),
    "options_set_max_subcompactions": (None, P, ctypes.c_uint32),
    "options_set_target_file_size_base": (None, P, ctypes.c_uint64),
    "writeoptions_create": (P,), "writeoptions_destroy": (None, P),
    "readoptions_create": (P,), "readoptions_destroy": (None, P),
    "flushoptions_create": (P,), "flushoptions_destroy": (None, P),
    "close": (None, P), "free": (None, P), "compact_range": (None, P, B, N, B, N),
    "create_iterator": (P, P, P), "iter_seek_to_first": (None, P), "iter_valid": (c_ubyte, P),
    "iter_next": (None, P), "iter_key": (P, P, POINTER(N)), "iter_value": (P, P, POINTER(N)),
    "iter_destroy": (None, P),
}
FAILING = {
    "open": (P, P, B), "put": (None, P, P, B, N, B, N), "delete": (None, P, P, B, N),
    "flush": (None, P, P),
}


def _declared(name, types, fails):
    function = ROCKSDB[f"rocksdb_{name}"]
    function.restype, function.argtypes = types[0], types[1:] + ((POINTER(P),) if fails else ())
    return function


C = {name: _declared(name, types, False) for name, types in FUNCTIONS.items()}
F = {name: _declared(name, types, True) for name, types in FAILING.items()}


def call(name, *arguments):
    error = c_void_p()
    answer = F[name](*arguments, byref(error))
    if error.value:
        text = string_at(error.value).decode()
        C["free"](error)
        raise OSError(text)
    return answer


class Options:
    def __init__(self, **values):
        self.pointer = C["options_create"]()
        for name, value in {"create_if_missing": 1, "disable_auto_compactions": 1,
                            **values}.items():
            C[f"options_set_{name}"](self.pointer, value)

    def close(self):
        pointer, self.pointer = self.pointer, None
        if pointer:
            C["options_destroy"](pointer)


class Db:
    def __init__(self, path, options):
        self.pointer = call("open", options.pointer, os.fsencode(path))
        self.write_options = C["writeoptions_create"]()
        self.read_options = C["readoptions_create"]()
        self.flush_options = C["flushoptions_create"]()

    def put(self, key, value=b"value\0"):
        call("put", self.pointer, self.write_options, key, len(key), value, len(value))

    def flush(self):
        call("flush", self.pointer, self.flush_options)

    def compact(self):
        C["compact_range"](self.pointer, None, 0, None, 0)

    def items(self):
        iterator, found, length = C["create_iterator"](self.pointer, self.read_options), [], N()
        C["iter_seek_to_first"](iterator)
        while C["iter_valid"](iterator):
            key = string_at(C["iter_key"](iterator, byref(length)), length.value)
            value = string_at(C["iter_value"](iterator, byref(length)), length.value)
            found.append((key, value))
            C["iter_next"](iterator)
        C["iter_destroy"](iterator)
        return found

    def close(self):
        pointer, self.pointer = self.pointer, None
        if pointer:
            for kind in ("write", "read", "flush"):
                C[f"{kind}options_destroy"](getattr(self, f"{kind}_options"))
            C["close"](pointer)
