"""Destroying ranges and keyspaces. It is permanent."""

from ctypes import byref, c_char_p, c_size_t, c_void_p, cast, sizeof
from typing import Any, Callable, Iterable, List, Tuple

from . import _abi, _check
from ._part import Part, empty
from .errors import RocksGcError
from .records import DestroyedInfo, DestroyReport

Bytes = _check.Bytes


class Destroying(Part):
    """force: destroys a keyspace whatever its state. reusable: when the call returns, the range
    may be written again, with timestamps above those of the destroyed versions."""

    def destroy_range(self, start: Bytes, end: Bytes, *, reusable: bool = False) -> DestroyReport:
        """Destroys all stored keys in [start, end)."""
        arguments = (*_bounds(start, end), _flags(False, reusable))
        return self._destroy(lambda gc, report: self._library.rgc_destroy_range(
            gc, *arguments, report))

    def destroy_ranges(self, ranges: Iterable[Tuple[Bytes, Bytes]], *,
                       reusable: bool = False) -> DestroyReport:
        """Destroys ranges together. If an error is about one of them, its `failed` is the index."""
        bounds = [_bounds(start, end) for start, end in ranges]
        size = sizeof(_abi.rgc_range_t)
        array = (_abi.rgc_range_t * len(bounds))(*(
            _abi.rgc_range_t(size, _address(start), start_len, _address(end), end_len)
            for start, start_len, end, end_len in bounds))
        return self._destroy_many(lambda gc, failed, report: self._library.rgc_destroy_ranges(
            gc, array, len(bounds), _flags(False, reusable), failed, report), len(bounds))

    def destroy_keyspace(self, keyspace: int, *, force: bool = False,
                         reusable: bool = False) -> DestroyReport:
        """Destroys a keyspace: its keys of mode r and of mode x."""
        number = _check.keyspace(keyspace)
        return self._destroy(lambda gc, report: self._library.rgc_destroy_keyspace(
            gc, number, _flags(force, reusable), report))

    def destroy_keyspaces(self, keyspaces: Iterable[int], *, force: bool = False,
                          reusable: bool = False) -> DestroyReport:
        """Destroys keyspaces together. If an error is about one, its `failed` is the index."""
        numbers = _check.keyspaces(keyspaces)
        return self._destroy_many(lambda gc, failed, report: self._library.rgc_destroy_keyspaces(
            gc, numbers, len(numbers), _flags(force, reusable), failed, report), len(numbers))

    def destroy_range_after(self, start: Bytes, end: Bytes, timestamp: int, *,
                            reusable: bool = False) -> None:
        """Orders a destroy that begins when the range's safe point is above the timestamp."""
        bounds, ts = _bounds(start, end), _check.timestamp(timestamp)
        with self._life as gc:
            self._library.rgc_destroy_range_after(gc, *bounds, ts, _flags(False, reusable))

    def destroy_keyspace_after(self, keyspace: int, timestamp: int, *, force: bool = False,
                               reusable: bool = False) -> None:
        """Orders the destroy of a keyspace, as destroy_range_after does."""
        number, ts = _check.keyspace(keyspace), _check.timestamp(timestamp)
        with self._life as gc:
            self._library.rgc_destroy_keyspace_after(gc, number, ts, _flags(force, reusable))

    def take_back_destroy_range(self, start: Bytes, end: Bytes) -> None:
        """Removes the pending destroy of exactly this range."""
        bounds = _bounds(start, end)
        with self._life as gc:
            self._library.rgc_take_back_destroy_range(gc, *bounds)

    def take_back_destroy_keyspace(self, keyspace: int) -> None:
        """Removes the pending destroy of a keyspace."""
        number = _check.keyspace(keyspace)
        with self._life as gc:
            self._library.rgc_take_back_destroy_keyspace(gc, number)

    def recheck_destroyed(self, now_unix_seconds: int) -> Tuple[int, DestroyReport]:
        """Destroys due ranges once more. Returns how many records it removed, and a report."""
        now, report = _check.integer(now_unix_seconds, "now"), empty(_abi.rgc_destroy_report_t)
        with self._life as gc:
            removed = self._library.rgc_recheck_destroyed(gc, now, byref(report))
        return removed, DestroyReport._of(report)

    def recheck_destroyed_range(self, start: Bytes, end: Bytes) -> DestroyReport:
        """Destroys exactly this range once more, and removes its record."""
        bounds = _bounds(start, end)
        return self._destroy(lambda gc, report: self._library.rgc_recheck_destroyed_range(
            gc, *bounds, report))

    def release_destroyed(self, start: Bytes, end: Bytes) -> None:
        """Removes the record of exactly this range, so that it may be written again."""
        bounds = _bounds(start, end)
        with self._life as gc:
            self._library.rgc_release_destroyed(gc, *bounds)

    def destroyed_count(self) -> int:
        """How many records of destroyed ranges the attached store has."""
        with self._life as gc:
            return self._library.rgc_destroyed_count(gc)

    def reload_ledger(self) -> None:
        """Reads the ledger anew, after replication has changed it."""
        with self._life as gc:
            self._library.rgc_reload_ledger(gc)

    def destroyed(self) -> List[DestroyedInfo]:
        """The records of destroyed ranges, ordered by start."""
        with self._life as gc:
            return self._list(DestroyedInfo, _abi.rgc_destroyed_info_t,
                              lambda each: self._library.rgc_destroyed_foreach(gc, each, None))

    def _destroy(self, function: Callable[[int, Any], Any]) -> DestroyReport:
        """Runs a destroy. An error has the report of what was done before as `report`."""
        report = empty(_abi.rgc_destroy_report_t)
        try:
            with self._life as gc:
                function(gc, byref(report))
        except RocksGcError as error:
            error.report = DestroyReport._of(report)
            raise
        return DestroyReport._of(report)

    def _destroy_many(self, function: Callable[[int, Any, Any], Any], count: int) -> DestroyReport:
        failed = c_size_t(count)
        try:
            return self._destroy(lambda gc, report: function(gc, byref(failed), report))
        except RocksGcError as error:
            error.failed = failed.value if failed.value < count else None
            raise


def _bounds(start: Bytes, end: Bytes) -> Tuple[bytes, int, bytes, int]:
    first, last = _check.data(start, "start"), _check.data(end, "end")
    return first, len(first), last, len(last)


def _flags(force: bool, reusable: bool) -> int:
    return (_abi.DESTROY_FORCE if force else 0) | (_abi.DESTROY_REUSABLE if reusable else 0)


def _address(data: bytes) -> c_void_p:
    """Where bytes lie. They must outlive the use."""
    return cast(c_char_p(data), c_void_p)
