"""The attached store."""

import threading
from typing import TYPE_CHECKING, Any, Callable, Optional

from .errors import only_one

if TYPE_CHECKING:
    from ._rocksdb import RocksDb


class Attachment:
    """An attached store. close() detaches it, and then closes the DB if attach() was told how."""

    def __init__(self, gc: "RocksDb", close: Optional[Callable[[], Any]]) -> None:
        self._gc, self._close_db = gc, close
        self._open = True
        self._closing = threading.Lock()
        gc._life.attached(self)

    @property
    def closed(self) -> bool:
        return not self._open

    def close(self) -> None:
        """Detaches, then closes the DB. A second call does nothing.

        Busy: this thread is inside a callback of the library, or another thread closes it now.
        The store is still attached, and the DB must stay open."""
        if self._gc._life.forked:
            return  # the DB belongs to the parent process
        with only_one(self._closing, "close"):
            if not self._open:
                return
            self._gc._life.detach()
            self._open = False
            if self._close_db is not None:
                self._close_db()

    def __enter__(self) -> "Attachment":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
