"""The errors of the library, one class for each kind."""

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Iterator, Optional

from ._abi import ErrorKind

if TYPE_CHECKING:
    from .records import DestroyReport


class RocksGcError(Exception):
    """An error. Its text says what, with the value, and what to do."""

    kind: ErrorKind = ErrorKind.UNKNOWN
    # Of a failed destroy: what was done before, and which of several ranges or keyspaces failed.
    report: "Optional[DestroyReport]" = None
    failed: Optional[int] = None


class InvalidArgument(RocksGcError):
    """The call is wrong. Repeating it changes nothing."""

    kind = ErrorKind.INVALID_ARGUMENT


class Closed(InvalidArgument):
    """The object is closed, or belongs to the process that this one was forked from."""


class NotFound(RocksGcError):
    """What the call names does not exist."""

    kind = ErrorKind.NOT_FOUND


class NotSupported(RocksGcError):
    """The call is right in itself, but not with this store, these options or this library."""

    kind = ErrorKind.NOT_SUPPORTED


class Busy(RocksGcError):
    """Not now. The program may try again."""

    kind = ErrorKind.BUSY


class Corruption(RocksGcError):
    """Bytes that do not parse."""

    kind = ErrorKind.CORRUPTION


class IoError(RocksGcError):
    """The store failed."""

    kind = ErrorKind.IO


class Aborted(RocksGcError):
    """The library gave up."""

    kind = ErrorKind.ABORTED


BY_KIND = {
    error.kind: error
    for error in (InvalidArgument, NotFound, NotSupported, Busy, Corruption, IoError, Aborted)
}


def refused(call: str) -> Busy:
    """The error for a call that returned 0: the library refused it on this thread."""
    return Busy(
        f"Busy: {call} was refused, and nothing changed: this thread is inside a callback of the "
        "library or has a living filter. Call again from another thread. The log names the reason"
    )


@contextmanager
def only_one(lock: Lock, call: str) -> Iterator[None]:
    """Busy if another thread is inside. To wait for it could wait for a callback of this thread."""
    if not lock.acquire(blocking=False):
        raise Busy(f"Busy: another thread is inside {call}: call again when it has returned")
    try:
        yield
    finally:
        lock.release()
