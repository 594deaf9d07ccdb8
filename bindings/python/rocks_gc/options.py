"""Options of a context."""

from typing import Any, Optional

from . import _check
from ._library import Library, load
from .errors import Closed


class Options:
    """Options under construction: Options(history="snapshot", ttl_grace_seconds=60).

    rocks_gc.describe_options() lists them. Use one object from one thread at a time. Creating a
    Gc only reads them."""

    _pointer: Optional[int] = None

    def __init__(self, text: str = "", *, library: Optional[Library] = None, **values: Any) -> None:
        self._library = library or load()
        self._pointer = self._library.rgc_options_create()
        self.parse(text)
        for name, value in values.items():
            self.set(name, value)

    def set(self, name: str, value: Any) -> "Options":
        """Sets one option. A number may be an int or a float."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        self._library.rgc_options_set(self._open(), _check.name(name, "an option's name"),
                                      _check.name(value, f"the value of {name}"))
        return self

    def parse(self, text: str) -> "Options":
        """Sets several options from "name=value;name=value": all of them, or none."""
        self._library.rgc_options_parse(self._open(), _check.name(text, "options"))
        return self

    def close(self) -> None:
        pointer, self._pointer = self._pointer, None
        if pointer is not None:
            self._library.rgc_options_destroy(pointer)

    def _open(self) -> int:
        if self._pointer is None:
            raise Closed("Invalid argument: these Options are closed: create new ones")
        return self._pointer

    def __enter__(self) -> "Options":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
