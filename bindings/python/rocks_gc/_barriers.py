"""Barriers: readers hold safe points back."""

from typing import List, Optional

from . import _abi, _check
from ._part import Part
from .records import BarrierInfo


class Barriers(Part):
    """keyspace is an id; None means the global safe point; KEYSPACE_ALL means every safe point."""

    def set_barrier(self, keyspace: Optional[int], name: str, timestamp: int,
                    ttl_seconds: Optional[int] = None) -> None:
        """Sets a barrier, or replaces the one of this name. No safe point of it passes timestamp.

        ttl_seconds None: it lives until it is deleted."""
        ttl = _check.UINT64_MAX if ttl_seconds is None else _check.integer(
            ttl_seconds, "ttl_seconds", _check.UINT64_MAX - 1)
        arguments = (_check.keyspaces_of_barrier(keyspace), _check.name(name, "name"),
                     _check.timestamp(timestamp), ttl)
        with self._life as gc:
            self._library.rgc_barrier_set(gc, *arguments)

    def delete_barrier(self, keyspace: Optional[int], name: str) -> bool:
        """Deletes a barrier. False: it was not there."""
        arguments = _check.keyspaces_of_barrier(keyspace), _check.name(name, "name")
        with self._life as gc:
            return bool(self._library.rgc_barrier_delete(gc, *arguments))

    def barriers(self) -> List[BarrierInfo]:
        """The barriers that live, ordered by keyspace and name."""
        with self._life as gc:
            return self._list(
                BarrierInfo, _abi.rgc_barrier_info_t,
                lambda each: self._library.rgc_barriers_foreach(gc, each, None))
