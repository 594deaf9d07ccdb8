"""The context: options, safe points, counters and the bound RocksDB."""

from ctypes import byref
from typing import Any, Callable, Optional

from . import _abi, _callback
from ._barriers import Barriers
from ._collecting import Collecting
from ._destroying import Destroying
from ._keyspaces import Keyspaces
from ._library import Library, load
from ._life import Life
from ._part import empty
from ._rocksdb import RocksDb
from ._safe_points import SafePoints
from ._schemas import Schemas
from ._stored_keys import StoredKeys
from .errors import only_one, refused
from .options import Options
from .records import Stats


class Gc(SafePoints, Barriers, Keyspaces, Schemas, RocksDb, Collecting, Destroying, StoredKeys):
    """A context; one for each DB. Any number of threads may share it.

        with Gc(Options(history="snapshot")) as gc: ...

    A program that loses an attached Gc does not lose its garbage collection: it ends at detach."""

    def __init__(self, options: Optional[Options] = None, *,
                 library: Optional[Library] = None) -> None:
        if options is not None and not isinstance(options, Options):
            raise TypeError(f"options must be Options, not {type(options).__name__}")
        self._library = library or (options._library if options else load())
        pointer = self._library.rgc_create(options._open() if options else None)
        self._life = Life(self._library, pointer)

    def close(self) -> None:
        """Closes an attached store first, as Attachment.close does. A second call does nothing.

        Busy: this thread is inside a callback of the library; the Gc stays open."""
        if self._life.store is not None and not self._life.ended:
            self._life.store.close()
        self._life.destroy()

    @property
    def closed(self) -> bool:
        return self._life.ended

    def __enter__(self) -> "Gc":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_life") and self._life.store is None:
            self._life.abandon()

    def set_clock(self, clock: Optional[Callable[[], int]]) -> None:
        """Sets the clock, which returns unix time in seconds; None means the system's clock.

        Any thread calls it, also RocksDB's. If it raises, the time is unknown, and nothing
        expires; the exception goes to sys.unraisablehook."""
        if clock is not None and not callable(clock):
            raise TypeError(f"the clock is not callable: {clock!r}")
        callback = _abi.rgc_clock_fn(0) if clock is None else _abi.rgc_clock_fn(
            _callback.clock(clock))
        with self._life as gc, only_one(self._life.setting_clock, "set_clock"):
            before = self._life.clock
            self._life.clock = before, callback  # C may call either if a signal's handler raises
            done = self._library.rgc_set_clock(gc, callback, None)
            self._life.clock = callback if done else before
        if not done:
            raise refused("set_clock")

    def set_enabled(self, enabled: bool) -> None:
        """Switches collection on or off. While it is off, every filter keeps everything."""
        with self._life as gc:
            if not self._library.rgc_set_enabled(gc, bool(enabled)):
                raise refused("set_enabled")

    def stats(self) -> Stats:
        """The counters since the Gc was created."""
        out = empty(_abi.rgc_stats_t)
        with self._life as gc:
            self._library.rgc_stats(gc, byref(out))
        return Stats._of(out)

    def metrics(self) -> str:
        """The counters as OpenMetrics text."""
        with self._life as gc:
            return self._library.take_text(self._library.rgc_metrics(gc))

    def worker_pending(self) -> int:
        """How many rows, truncations, debts and due destroys wait for the worker."""
        with self._life as gc:
            return self._library.rgc_worker_pending(gc)

    def worker_drain(self, timeout_seconds: float) -> int:
        """Waits until nothing is pending. Returns how many are still pending."""
        if not timeout_seconds >= 0:
            raise ValueError(f"timeout_seconds must be at or above 0, not {timeout_seconds!r}")
        milliseconds = int(min(timeout_seconds * 1000, 2**63))
        with self._life as gc:
            return self._library.rgc_worker_drain(gc, milliseconds)
