"""Checks what a program passes, before C sees it: ctypes cuts integers and accepts anything."""

from ctypes import c_char_p, c_size_t, c_uint32, c_uint64, c_void_p
from enum import IntEnum
from typing import Any, Iterable, Optional, Tuple, Type, Union

from ._abi import KEYSPACE_ALL, KEYSPACE_MAX, KEYSPACE_NONE

Bytes = Union[bytes, bytearray, memoryview]
UINT32_MAX = 2**32 - 1
UINT64_MAX = 2**64 - 1


def integer(value: Any, name: str, highest: int = UINT64_MAX) -> int:
    """A whole number from 0 to highest."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}: {value!r}")
    number = value.__index__()
    if not 0 <= number <= highest:
        raise ValueError(f"{name} must be 0 to {highest}, not {number}")
    return number


def keyspace(value: Any) -> int:
    """A keyspace's id."""
    return integer(value, "keyspace", KEYSPACE_MAX)


def keyspace_or_none(value: Any) -> int:
    """A keyspace's id; None stands for keys that belong to no keyspace."""
    return KEYSPACE_NONE if value is None else keyspace(value)


def keyspaces_of_barrier(value: Any) -> int:
    """A keyspace's id; None stands for the global safe point; KEYSPACE_ALL for every safe point."""
    return KEYSPACE_ALL if value == KEYSPACE_ALL else keyspace_or_none(value)


def timestamp(value: Any) -> int:
    return integer(value, "a timestamp")


def schema(value: Any) -> int:
    return integer(value, "a schema's id", UINT32_MAX)


def pointer(value: Any, name: str) -> int:
    """A pointer of the program's RocksDB, as an int or a c_void_p."""
    address = value.value if isinstance(value, c_void_p) else value
    if address is None or address == 0:
        raise ValueError(f"{name} is a NULL pointer: was it closed, or never opened?")
    return integer(address, name)


def member(enumeration: Type[IntEnum], value: Any) -> int:
    """A member of an enumeration, or its number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected {enumeration.__name__}, not {type(value).__name__}: {value!r}")
    return enumeration(value).value


def data(value: Any, name: str) -> bytes:
    """Bytes. A str is never encoded silently: the program must say how."""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"{name} must be bytes, not {type(value).__name__}: {value!r}")
    return bytes(value)


def bound(value: Optional[Bytes], name: str) -> Tuple[Optional[bytes], int]:
    """A bound of a range and its length; None means no bound."""
    if value is None:
        return None, 0
    checked = data(value, name)
    return checked, len(checked)


def name(value: Any, what: str) -> bytes:
    """A text that ends at its first NUL in C."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}: {value!r}")
    if "\0" in value:
        raise ValueError(f"{what} must not contain NUL: {value!r}")
    return value.encode()


def keyspaces(values: Iterable[int]) -> Any:
    """An array of keyspaces' ids."""
    checked = [keyspace(value) for value in values]
    return (c_uint32 * len(checked))(*checked)


def schemas(values: Iterable[int]) -> Any:
    checked = [schema(value) for value in values]
    return (c_uint32 * len(checked))(*checked)


def timestamps(values: Iterable[int]) -> Any:
    checked = [timestamp(value) for value in values]
    return (c_uint64 * len(checked))(*checked)


def keys(values: Iterable[Bytes]) -> Tuple[Any, Any, int]:
    """An array of keys, an array of their lengths, and how many there are."""
    checked = [data(value, "a key") for value in values]
    count = len(checked)
    return (c_char_p * count)(*checked), (c_size_t * count)(*map(len, checked)), count
