"""Translates keys between a client of one keyspace and the store, as client-go's codec v2 does."""

from ctypes import byref, c_int, c_size_t, c_uint32
from typing import Any, Callable, Iterable, List, Optional, Tuple, Union

from . import _abi, _check, _convert
from ._abi import Mode
from ._library import Library, load
from ._part import empty
from ._stored_keys import Range, take_range

Bytes = _check.Bytes


def parse_keyspace(request_key: Bytes, *, library: Optional[Library] = None
                   ) -> Tuple[Union[Mode, int], int]:
    """The mode and the keyspace of a request key."""
    key, mode, keyspace = _check.data(request_key, "request_key"), c_int(), c_uint32()
    (library or load()).rgc_codec_parse_keyspace(key, len(key), byref(mode), byref(keyspace))
    return _convert.member(Mode, mode.value), keyspace.value


class Codec:
    """The codec of one keyspace and mode: Codec(Mode.RAW, 4242).encode_key(b"key")."""

    def __init__(self, mode: Mode, keyspace: int, *, library: Optional[Library] = None) -> None:
        self._library = library or load()
        self._which = _check.member(Mode, mode), _check.keyspace(keyspace)

    def encode_key(self, key: Bytes) -> bytes:
        """The request key of a user key."""
        return self._key(self._library.rgc_codec_encode_key, key)

    def decode_key(self, request_key: Bytes) -> bytes:
        """The user key of a request key."""
        return self._key(self._library.rgc_codec_decode_key, request_key)

    def encode_region_key(self, key: Bytes) -> bytes:
        """The region key of a user key."""
        return self._key(self._library.rgc_codec_encode_region_key, key)

    def decode_region_key(self, region_key: Bytes) -> bytes:
        """The user key of a region key."""
        return self._key(self._library.rgc_codec_decode_region_key, region_key)

    def encode_range(self, start: Bytes, end: Optional[Bytes] = None) -> Range:
        """The range of request keys of the user keys in [start, end)."""
        return self._range(self._library.rgc_codec_encode_range, start, end)

    def decode_range(self, start: Bytes, end: Optional[Bytes] = None) -> Range:
        """The range of user keys whose request keys lie in [start, end)."""
        return self._range(self._library.rgc_codec_decode_range, start, end)

    def encode_region_range(self, start: Bytes, end: Optional[Bytes] = None) -> Range:
        """As encode_range, with region keys as bounds."""
        return self._range(self._library.rgc_codec_encode_region_range, start, end)

    def decode_region_range(self, start: Bytes, end: Optional[Bytes] = None) -> Range:
        """As decode_range, for a region given by its bounds."""
        return self._range(self._library.rgc_codec_decode_region_range, start, end)

    def encode_keys(self, keys: Iterable[Bytes]) -> List[bytes]:
        """The request keys of user keys, all or none, in one call."""
        return self._keys(self._library.rgc_codec_encode_keys, keys)

    def decode_keys(self, request_keys: Iterable[Bytes]) -> List[bytes]:
        """The user keys of request keys, all or none, in one call."""
        return self._keys(self._library.rgc_codec_decode_keys, request_keys)

    def decode_bucket_keys(self, region_keys: Iterable[Bytes]) -> List[bytes]:
        """Translates the bounds of a region's buckets into bounds of user keys."""
        array, lengths, count = _check.keys(region_keys)
        offsets, found = (c_size_t * (count + 1))(), c_size_t()
        address = self._library.rgc_codec_decode_bucket_keys(
            *self._which, array, lengths, count, offsets, byref(found))
        return self._split(address, offsets, found.value)

    def _key(self, function: Callable[..., Any], key: Bytes) -> bytes:
        data, length = _check.data(key, "key"), c_size_t()
        address = function(*self._which, data, len(data), byref(length))
        return self._library.take_bytes(address, length.value)

    def _range(self, function: Callable[..., Any], start: Bytes, end: Optional[Bytes]) -> Range:
        out = empty(_abi.rgc_range_t)
        function(*self._which, *_check.bound(start, "start"), *_check.bound(end, "end"),
                 byref(out))
        return take_range(self._library, out)

    def _keys(self, function: Callable[..., Any], keys: Iterable[Bytes]) -> List[bytes]:
        array, lengths, count = _check.keys(keys)
        offsets = (c_size_t * (count + 1))()
        return self._split(function(*self._which, array, lengths, count, offsets), offsets, count)

    def _split(self, address: Optional[int], offsets: Any, count: int) -> List[bytes]:
        data = self._library.take_bytes(address, offsets[count])
        return [data[offsets[i]:offsets[i + 1]] for i in range(count)]
