"""The life of a context: when it may be used, and when it is destroyed."""

import atexit
import os
import sys
import threading
import weakref
from typing import Any, Dict, List, Optional, Set

from ._library import Library
from .errors import Busy, Closed, refused

# Contexts with an attached store. A program that loses one does not lose its garbage collection.
_attached: Set["Life"] = set()
_all: "weakref.WeakSet[Life]" = weakref.WeakSet()
# Clocks of contexts that could not be destroyed. The library may still call them.
_kept: List[Any] = []


class Life:
    """A handle of C, and the calls that use it now. `with life as pointer:` is one call."""

    def __init__(self, library: Library, pointer: int) -> None:
        self.library = library
        self.clock: Any = None
        self.setting_clock = threading.Lock()
        self.store: Any = None  # the Attachment
        self._pointer: Optional[int] = pointer
        self._condition = threading.Condition()
        self._calls: Dict[int, int] = {}
        self._destroying = False
        self.forked = False
        _all.add(self)

    def __enter__(self) -> int:
        if self.forked:
            raise Closed("Invalid argument: this Gc belongs to the parent process, and its worker "
                         "does not run here: create a new one and open the DB in this process")
        thread = threading.get_ident()
        with self._condition:
            if self._pointer is None:
                raise Closed("Invalid argument: this Gc is closed: create a new one")
            self._calls[thread] = self._calls.get(thread, 0) + 1
            return self._pointer

    def __exit__(self, *_: Any) -> None:
        thread = threading.get_ident()
        with self._condition:
            self._calls[thread] -= 1
            if not self._calls[thread]:
                del self._calls[thread]
            self._condition.notify_all()

    @property
    def ended(self) -> bool:
        return self.forked or self._pointer is None

    def attached(self, store: Any) -> None:
        self.store = store
        _attached.add(self)

    def detach(self) -> None:
        """Ends the use of the store. Busy: the store is still attached."""
        with self._condition:
            if self._destroying:
                raise Busy("Busy: another thread is closing this Gc: call again when it has "
                           "returned")
            if self.ended:
                return
        with self as pointer:
            if not self.library.rgc_detach(pointer):
                raise refused("detach")
        self.store = None
        _attached.discard(self)

    def destroy(self) -> None:
        """Destroys the context when the last running call has returned."""
        if self.ended:
            return
        try:
            self.detach()  # running calls that wait for the store end with Aborted
        except Closed:
            return  # another thread was faster
        with self._condition:
            if threading.get_ident() in self._calls:
                raise Busy("Busy: this thread is inside a call of this Gc: close it elsewhere")
            if self._pointer is None:
                return
            pointer, self._pointer, self._destroying = self._pointer, None, True
        usable = True
        try:
            with self._condition:
                self._condition.wait_for(lambda: not self._calls)
            usable = False  # also if a signal's handler raises before the answer is known
            usable = not self.library.rgc_destroy(pointer)
        finally:
            with self._condition:
                self._pointer = pointer if usable else None
                self._destroying = False
        if usable:
            raise refused("close")
        self.clock = self.store = None
        _attached.discard(self)

    def abandon(self) -> None:
        """Destroys the context of a lost Gc, which has no store."""
        try:
            self.destroy()
        except Busy:
            _kept.append((self.clock, self))


def _close_at_exit() -> None:
    """RocksDB's threads must not call Python when the interpreter is gone."""
    for life in list(_all):
        try:
            if life.store is not None:
                life.store.close()
            life.destroy()
        except Exception as error:  # the process ends; the next one must still be closed
            print(f"rocks_gc: at exit: {error}", file=sys.stderr)


def _in_child() -> None:
    for life in list(_all):
        life.forked = True
    _attached.clear()


atexit.register(_close_at_exit)
os.register_at_fork(after_in_child=_in_child)
