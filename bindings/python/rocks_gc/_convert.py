"""From C's values to Python's."""

from enum import IntEnum
from typing import Optional, Type, Union

from ._abi import KEYSPACE_NONE


def text(value: Optional[bytes]) -> str:
    """A text of the library."""
    return (value or b"").decode("utf-8", "replace")


def keyspace(number: int) -> Optional[int]:
    """A keyspace's id; None for keys that belong to no keyspace."""
    return None if number == KEYSPACE_NONE else number


def member(enumeration: Type[IntEnum], number: int) -> Union[IntEnum, int]:
    """A member of an enumeration. A number that this package does not know stays a number."""
    try:
        return enumeration(number)
    except ValueError:
        return number
