"""Keeps exceptions of the program's callbacks away from C."""

from ctypes import CFUNCTYPE, py_object
from typing import Any, Callable, NoReturn


def _raise(error: BaseException) -> NoReturn:
    raise error


# Only the interpreter can build what sys.unraisablehook takes. It does so for a callback of ctypes.
_report = CFUNCTYPE(None, py_object)(_raise)


def guard(function: Callable[..., Any], otherwise: Any) -> Callable[..., Any]:
    """The function; what it raises goes to sys.unraisablehook, and C gets `otherwise`."""

    def guarded(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except BaseException as error:  # C must not see any, not even KeyboardInterrupt
            _report(error)
            return otherwise

    return guarded


def clock(function: Callable[[], int]) -> Callable[..., int]:
    """A clock for C. A time that is not a number of seconds counts as unknown, as 0 does."""

    def seconds(_state: Any) -> int:
        now = function()
        if not isinstance(now, (int, float)) or not 0 <= now < 2**64:
            raise ValueError(f"the clock returned {now!r} instead of unix time in seconds")
        return int(now)

    return guard(seconds, 0)
