"""What every part of Gc uses."""

from ctypes import CFUNCTYPE, POINTER, byref, c_int, c_size_t, c_void_p, sizeof
from typing import Any, Callable, List

from ._library import Library
from ._life import Life


class Part:
    """The handle, and the two ways in which C gives bytes and lists."""

    _library: Library
    _life: Life

    def _list(self, record: Any, struct: Any, call: Callable[[Any], Any]) -> List[Any]:
        """Everything that a listing function passes to its callback, copied."""
        found: List[Any] = []
        failed: List[BaseException] = []

        def each(_state: Any, info: Any) -> int:
            try:
                found.append(record._of(info.contents))
                return 0
            except BaseException as error:  # C must not see it; the caller must
                failed.append(error)
                return 1

        call(CFUNCTYPE(c_int, c_void_p, POINTER(struct))(each))
        if failed:
            raise failed[0]
        return found

    def _bytes(self, function: Callable[..., Any], *arguments: Any) -> bytes:
        """The bytes that a function returns with their length."""
        length = c_size_t()
        return self._library.take_bytes(function(*arguments, byref(length)), length.value)


def empty(struct: Any) -> Any:
    """A struct for the library to fill."""
    return struct(struct_size=sizeof(struct))
