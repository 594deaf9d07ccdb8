"""Objects of RocksDB that this package creates for the program's options."""

import os
from typing import Any, Callable, Optional

from .errors import Closed, InvalidArgument


class Owned:
    """An object that options take over, once. If it was not taken, it is destroyed."""

    _pointer: Optional[int] = None

    def __init__(self, pointer: int, destroy: Callable[[int], Any]) -> None:
        self._pointer, self._destroy, self._process = pointer, destroy, os.getpid()

    def take(self) -> int:
        """The pointer, for the options that own it from now on."""
        if self._pointer is None:
            raise InvalidArgument("Invalid argument: this was taken or closed already: create "
                                  "another one for each options object")
        pointer, self._pointer = self._pointer, None
        return pointer

    def close(self) -> None:
        pointer, self._pointer = self._pointer, None
        if pointer is not None and os.getpid() == self._process:
            self._destroy(pointer)

    def __enter__(self) -> "Owned":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


class WalFilter:
    """A WAL filter. RocksDB uses it until the DB is closed. One that the program loses leaks."""

    def __init__(self, pointer: int, destroy: Callable[[int], Any]) -> None:
        self._pointer: Optional[int] = pointer
        self._destroy, self._process = destroy, os.getpid()

    @property
    def pointer(self) -> int:
        if self._pointer is None:
            raise Closed("Invalid argument: this WAL filter is closed: create a new one")
        return self._pointer

    def close(self) -> None:
        """Destroys the filter. The DB must be closed before."""
        pointer, self._pointer = self._pointer, None
        if pointer is not None and os.getpid() == self._process:
            self._destroy(pointer)

    def __enter__(self) -> "WalFilter":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
