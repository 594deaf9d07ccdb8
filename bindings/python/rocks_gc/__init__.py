"""Garbage collection for RocksDB hosts: one safe point for each keyspace.

    with rocks_gc.Gc() as gc:
        gc.bind(rocksdb)
        gc.set_keyspace_gc_type(7, GcType.KEYSPACE_LEVEL)
        gc.advance_keyspace_safe_point(7, 100)
        gc.install(options, Kind.RAW)
        ... open the DB ...
        with gc.attach(db, close=close_db): ...

include/rocks_gc.h is the manual: each method names its C function by its own name."""

from ._abi import (KEYSPACE_ALL, KEYSPACE_MAX, DestroyState, ErrorKind, GcType, KeyspaceState, Kind,
                   LogLevel, Mode, Role, SchemaState, Why)
from ._collecting import Explanation
from ._library import Library, load
from ._rocksdb import Family
from ._stored_keys import StoredKey
from .attachment import Attachment
from .codec import Codec, parse_keyspace
from .context import Gc
from .errors import (Aborted, Busy, Closed, Corruption, InvalidArgument, IoError, NotFound,
                     NotSupported, RocksGcError)
from .options import Options
from .owned import Owned, WalFilter
from .records import (BarrierInfo, CollectReport, Debt, DestroyedInfo, DestroyReport, Explained,
                      KeyspaceInfo, SchemaInfo, Stats)

__all__ = [
    "KEYSPACE_ALL", "KEYSPACE_MAX", "Aborted", "Attachment", "BarrierInfo", "Busy", "Closed",
    "Codec", "CollectReport",
    "Corruption", "Debt", "DestroyReport", "DestroyState", "DestroyedInfo", "ErrorKind",
    "Explained", "Explanation", "Family", "Gc", "GcType", "InvalidArgument", "IoError",
    "KeyspaceInfo", "KeyspaceState", "Kind", "Library", "LogLevel", "Mode", "NotFound",
    "NotSupported", "Options", "Owned", "Role", "RocksGcError", "SchemaInfo", "SchemaState",
    "Stats", "StoredKey", "WalFilter", "Why", "load", "parse_keyspace",
]
