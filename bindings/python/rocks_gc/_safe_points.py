"""Safe points and GC types. Any thread may call these at any time, also while filters run."""

from typing import Iterable, Optional, Tuple

from . import _check
from ._abi import GcType
from ._part import Part


class SafePoints(Part):
    def advance_global_safe_point(self, timestamp: int) -> bool:
        """Moves the global safe point forward. False: not newer, or refused (see the log)."""
        ts = _check.timestamp(timestamp)
        with self._life as gc:
            return bool(self._library.rgc_advance_global_safe_point(gc, ts))

    def advance_keyspace_safe_point(self, keyspace: int, timestamp: int) -> bool:
        """Moves a keyspace's own safe point forward. False: not newer, or refused."""
        number, ts = _check.keyspace(keyspace), _check.timestamp(timestamp)
        with self._life as gc:
            return bool(self._library.rgc_advance_keyspace_safe_point(gc, number, ts))

    def advance_keyspace_safe_points(self, pairs: Iterable[Tuple[int, int]]) -> int:
        """Moves the safe points of pairs (keyspace, timestamp). Returns how many moved.

        An error of one pair changes nothing at all."""
        pairs = list(pairs)
        numbers = _check.keyspaces(keyspace for keyspace, _ in pairs)
        timestamps = _check.timestamps(ts for _, ts in pairs)
        with self._life as gc:
            return self._library.rgc_advance_keyspace_safe_points(gc, numbers, timestamps,
                                                                  len(pairs))

    def set_keyspace_gc_type(self, keyspace: int, gc_type: GcType) -> None:
        """Registers a keyspace with its GC type. The first type is valid for this Gc's life."""
        number, type_ = _check.keyspace(keyspace), _check.member(GcType, gc_type)
        with self._life as gc:
            self._library.rgc_set_keyspace_gc_type(gc, number, type_)

    def set_keyspace_gc_types(self, keyspaces: Iterable[int], gc_type: GcType) -> None:
        """Registers keyspaces with the same type, all or none."""
        numbers, type_ = _check.keyspaces(keyspaces), _check.member(GcType, gc_type)
        with self._life as gc:
            self._library.rgc_set_keyspace_gc_types(gc, numbers, len(numbers), type_)

    def pause_keyspace(self, keyspace: int) -> None:
        """Keeps everything of a keyspace until it is registered again."""
        number = _check.keyspace(keyspace)
        with self._life as gc:
            self._library.rgc_pause_keyspace(gc, number)

    def global_safe_point(self) -> int:
        """The global safe point; 0 means that none was set yet."""
        with self._life as gc:
            return self._library.rgc_global_safe_point(gc)

    def keyspace_safe_point(self, keyspace: int) -> int:
        """The effective safe point of a keyspace; 0 means that nothing is collected."""
        number = _check.keyspace(keyspace)
        with self._life as gc:
            return self._library.rgc_keyspace_safe_point(gc, number)

    def safe_point_for_key(self, stored_key: _check.Bytes) -> int:
        """The effective safe point of a stored key; 0 means that it is never collected."""
        key = _check.data(stored_key, "stored_key")
        with self._life as gc:
            return self._library.rgc_safe_point_for_key(gc, key, len(key))

    def consistency_safe_point(self, start: Optional[_check.Bytes] = None,
                               end: Optional[_check.Bytes] = None) -> int:
        """The safe point at which two replicas of a range can be compared."""
        bounds = (*_check.bound(start, "start"), *_check.bound(end, "end"))
        with self._life as gc:
            return self._library.rgc_consistency_safe_point(gc, *bounds)

    def oldest_lock(self, keyspace: Optional[int], up_to: int) -> Optional[int]:
        """The least start timestamp at or below up_to of a lock; None: no lock is left.

        keyspace None means keys that belong to no keyspace."""
        arguments = _check.keyspace_or_none(keyspace), _check.timestamp(up_to)
        with self._life as gc:
            return self._library.rgc_oldest_lock(gc, *arguments) or None
