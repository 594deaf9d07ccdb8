"""Stored keys: how a Gc builds them and takes them apart.

keyspace is None for modes m and t and in the plain layout (Mode.NONE)."""

from ctypes import byref
from typing import NamedTuple, Optional, Tuple, Union

from . import _abi, _check, _convert
from ._abi import Mode
from ._library import Library
from ._part import Part, empty

Range = Tuple[bytes, Optional[bytes]]


class StoredKey(NamedTuple):
    """A stored key taken apart."""

    mode: Union[Mode, int]
    keyspace: Optional[int]
    timestamp: int
    user_key: bytes


class StoredKeys(Part):
    def encode_key(self, mode: Mode, keyspace: Optional[int], user_key: _check.Bytes,
                   timestamp: int) -> bytes:
        """Builds the stored key of a version."""
        key, ts = _check.data(user_key, "user_key"), _check.timestamp(timestamp)
        which = _check.member(Mode, mode), _check.keyspace_or_none(keyspace)
        with self._life as gc:
            return self._bytes(self._library.rgc_encode_key, gc, *which, key, len(key), ts)

    def decode_key(self, stored_key: _check.Bytes) -> StoredKey:
        """Takes a stored key apart."""
        key, out = _check.data(stored_key, "stored_key"), empty(_abi.rgc_key_t)
        with self._life as gc:
            self._library.rgc_decode_key(gc, key, len(key), byref(out))
        user_key = self._library.take_bytes(out.user_key, out.user_key_len)
        return StoredKey(_convert.member(Mode, out.mode), _convert.keyspace(out.keyspace), out.ts,
                         user_key)

    def encode_range(self, mode: Mode, keyspace: Optional[int], start: _check.Bytes,
                     end: Optional[_check.Bytes] = None) -> Range:
        """The stored range of the user keys in [start, end).

        end None or empty: to the keyspace's end."""
        which = _check.member(Mode, mode), _check.keyspace_or_none(keyspace)
        bounds = (*_check.bound(start, "start"), *_check.bound(end, "end"))
        out = empty(_abi.rgc_range_t)
        with self._life as gc:
            self._library.rgc_encode_range(gc, *which, *bounds, byref(out))
        return take_range(self._library, out)

    def keyspace_range(self, mode: Mode, keyspace: Optional[int]) -> Range:
        """The stored range of a whole keyspace."""
        which = _check.member(Mode, mode), _check.keyspace_or_none(keyspace)
        out = empty(_abi.rgc_range_t)
        with self._life as gc:
            self._library.rgc_keyspace_range(gc, *which, byref(out))
        return take_range(self._library, out)


def take_range(library: Library, out: _abi.rgc_range_t) -> Range:
    """A range that the library filled; end None means no upper bound."""
    start = library.take_bytes(out.start, out.start_len)
    return start, library.take_bytes(out.end, out.end_len) if out.end else None
