"""The program's RocksDB: binding it, giving it filters, and attaching the open store."""

import ctypes
import os
from ctypes import c_char_p, c_void_p, sizeof
from typing import Any, Callable, Iterable, List, NamedTuple, Optional, Union

from . import _abi, _check
from ._abi import Kind, Role
from ._part import Part
from .attachment import Attachment
from .errors import InvalidArgument, NotSupported
from .owned import Owned, WalFilter

RocksDbLibrary = Union[ctypes.CDLL, str, "os.PathLike[str]", int, None]


class Family(NamedTuple):
    """A column family of the store. handle None means the default family."""

    role: Role
    name: str
    handle: Any = None


DEFAULT_FAMILY = (Family(Role.DEFAULT, "default"),)


class RocksDb(Part):
    _rocksdb: Optional[ctypes.CDLL] = None

    def bind(self, rocksdb: RocksDbLibrary = None) -> None:
        """Binds the RocksDB that the program has loaded.

        rocksdb is ctypes' library, the path or SONAME of a loaded library, or a handle of dlopen.
        None searches the process: more than one RocksDB is an error that names them. The call
        never loads a second copy."""
        library: Optional[ctypes.CDLL]
        handle, path = None, None
        if isinstance(rocksdb, ctypes.CDLL):
            handle = rocksdb._handle
        elif isinstance(rocksdb, (str, os.PathLike)):
            path = _check.name(os.fspath(rocksdb), "the path of RocksDB")
        elif rocksdb is not None:
            handle = _check.pointer(rocksdb, "the handle of RocksDB")
        with self._life as gc:
            self._library.rgc_bind_rocksdb_library(gc, handle, path)
        if path is not None:
            library = ctypes.CDLL(os.fsdecode(path), mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        else:
            library = ctypes.CDLL(None, handle=handle)  # both None: the global scope
        self._rocksdb = library

    def install(self, options: Any, kind: Kind = Kind.RAW) -> None:
        """Gives new filters to a rocksdb_options_t*: once for each options object, before open.

        If this RocksDB's C API has listeners (10.4 and later), it gives a listener too."""
        address = _check.pointer(options, "options")
        give = self._function("rocksdb_options_set_compaction_filter_factory", 2)
        with self.filter_factory(kind) as factory:
            give(address, factory.take())
        if self._has("rocksdb_options_add_eventlistener"):
            listen = self._function("rocksdb_options_add_eventlistener", 2)
            with self.event_listener() as listener:
                listen(address, listener.take())

    def install_wal_filter(self, options: Any, families: Iterable[str]) -> WalFilter:
        """Gives a WAL filter to a rocksdb_options_t* (RocksDB 11.8 and later).

        The program must keep the answer, and close it when the DB is closed, not before."""
        address = _check.pointer(options, "options")
        wal_filter = self.wal_filter(families)
        self._function("rocksdb_options_set_wal_filter", 2)(address, wal_filter.pointer)
        return wal_filter

    def filter_factory(self, kind: Kind = Kind.RAW) -> Owned:
        """For rocksdb_options_set_compaction_filter_factory, which takes it over."""
        number = _check.member(Kind, kind)
        destroy = self._function("rocksdb_compactionfilterfactory_destroy", 1)
        with self._life as gc:
            return Owned(self._library.rgc_rocksdb_filter_factory(gc, number), destroy)

    def event_listener(self) -> Owned:
        """For rocksdb_options_add_eventlistener, which takes it over. install does it."""
        with self._life as gc:
            pointer = self._library.rgc_rocksdb_event_listener(gc)
        return Owned(pointer, self._function("rocksdb_eventlistener_destroy", 1))

    def wal_filter(self, families: Iterable[str]) -> WalFilter:
        """For rocksdb_options_set_wal_filter, which does not take it over."""
        names = [_check.name(name, "a family's name") for name in families]
        array = (c_char_p * len(names))(*names)
        with self._life as gc:
            pointer = self._library.rgc_rocksdb_wal_filter(gc, array, len(names))
        return WalFilter(pointer, self._function("rocksdb_walfilter_destroy", 1))

    def attach(self, db: Any, families: Iterable[Family] = DEFAULT_FAMILY, *,
               close: Optional[Callable[[], Any]] = None) -> Attachment:
        """Attaches an open rocksdb_t*, so that the worker can finish what filters cannot.

        The program must close the answer before it closes the DB. With `close`, a function that
        closes the DB, the answer does both in the right order."""
        address = _check.pointer(db, "db")
        if close is not None and not callable(close):
            raise TypeError(f"close is not callable: {close!r}")
        array = _families(families)
        with self._life as gc:
            try:
                self._library.rgc_attach_rocksdb(gc, address, array, len(array))
                return Attachment(self, close)
            except BaseException:
                if self._life.store is None:  # a signal's handler raised after C had attached
                    self._library.rgc_detach(gc)
                raise

    def _has(self, name: str) -> bool:
        return self._rocksdb is not None and hasattr(self._rocksdb, name)

    def _function(self, name: str, pointers: int) -> Callable[..., Any]:
        """A function of RocksDB that takes pointers and returns nothing."""
        if self._rocksdb is None:
            raise InvalidArgument("Invalid argument: no RocksDB is bound: call bind() first")
        if not self._has(name):
            raise NotSupported(
                f"Not supported: {name} is not in the bound RocksDB: it is too old; or bind() "
                "searched the process and the program loaded RocksDB with RTLD_LOCAL: then pass "
                "its path to bind()")
        function = self._rocksdb[name]
        function.restype, function.argtypes = None, (c_void_p,) * pointers
        return function


def _families(families: Iterable[Family]) -> Any:
    rows: List[Any] = []
    for family in families:
        role, name, handle = Family(*family)
        rows.append((sizeof(_abi.rgc_column_family_t), _check.member(Role, role),
                     _check.name(name, "a family's name"),
                     None if handle is None else _check.pointer(handle, f"the handle of {name}")))
    return (_abi.rgc_column_family_t * len(rows))(*rows)
