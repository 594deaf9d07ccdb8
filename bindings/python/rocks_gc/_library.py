"""Loads librocks_gc.so, and turns its error texts into exceptions."""

import atexit
import ctypes
import os
import threading
from ctypes import byref, c_char_p, c_void_p, cast, string_at
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Set, Union

from . import _abi, _check
from ._abi import ErrorKind, LogLevel
from ._callback import guard
from .errors import BY_KIND, NotFound, NotSupported, RocksGcError, only_one, refused

PACKAGED = Path(__file__).with_name("librocks_gc.so")
Path_ = Union[str, "os.PathLike[str]"]


class Library:
    """A loaded librocks_gc.so. Each function of the header is an attribute."""

    def __init__(self, path: Path_) -> None:
        self.path = os.fspath(path)
        if not os.path.exists(self.path):
            raise NotFound(f"Not found: there is no library {self.path}: give load() the path of "
                           "librocks_gc.so, or install the wheel, which contains it")
        try:
            library = ctypes.CDLL(self.path)
        except OSError as error:
            raise NotSupported(f"Not supported: {self.path} cannot be loaded: {error}") from None
        self._check_contract(library)
        self._logger: Any = None
        self._logger_lock = threading.Lock()
        for name, (result, parameters, fails) in _abi.FUNCTIONS.items():
            try:
                function = library[name]
            except AttributeError:
                raise NotSupported(f"Not supported: {self.path} has no {name}: it is older than "
                                   "this package; load a newer one") from None
            function.restype, function.argtypes = result, parameters
            setattr(self, name, self._raising(function) if fails else function)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"librocks_gc.so has no {name}")

    def _check_contract(self, library: ctypes.CDLL) -> None:
        """The first call: another contract may have other functions under the same names."""
        try:
            number = library["rgc_abi_version"]
        except AttributeError:
            raise NotSupported(f"Not supported: {self.path} is not rocks-gc: it has no "
                               "rgc_abi_version") from None
        number.restype = ctypes.c_uint32
        if number() != _abi.ABI_VERSION:
            raise NotSupported(f"Not supported: {self.path} has ABI {number()}, and this package "
                               f"needs ABI {_abi.ABI_VERSION}: use the library of this package")

    def _raising(self, function: Any) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            error = c_void_p()
            answer = function(*arguments, byref(error))
            if error.value is not None:
                raise self._error(error)
            return answer

        return call

    def _error(self, error: c_void_p) -> RocksGcError:
        kind = self.rgc_error_kind(cast(error, c_char_p))
        what = self.take_text(error.value)
        raised = BY_KIND.get(kind, RocksGcError)(what)
        if kind not in BY_KIND and kind in list(ErrorKind):
            raised.kind = ErrorKind(kind)
        return raised

    def take_bytes(self, address: Optional[int], length: int) -> bytes:
        """Bytes that the library allocated. It gets them back."""
        try:
            return string_at(address, length) if address else b""
        finally:
            self.rgc_free(address)

    def take_text(self, address: Optional[int]) -> str:
        """A text that the library allocated. It gets it back."""
        try:
            return string_at(address).decode("utf-8", "replace") if address else ""
        finally:
            self.rgc_free(address)

    @property
    def version(self) -> str:
        return self.rgc_version().decode()

    def describe_options(self) -> str:
        """A line for each option: name, default, values, meaning."""
        return self.take_text(self.rgc_options_describe())

    def set_logger(self, log: Optional[Callable[[LogLevel, str], None]],
                   max_level: LogLevel = LogLevel.WARN) -> None:
        """Sets the logger of the whole process; None means silence.

        Any thread calls it, also RocksDB's. What it raises goes to sys.unraisablehook."""
        level = _check.member(LogLevel, max_level)
        if log is not None and not callable(log):
            raise TypeError(f"the logger is not callable: {log!r}")
        callback = _abi.rgc_log_fn(0) if log is None else _abi.rgc_log_fn(guard(
            lambda _, number, line: log(LogLevel(number), line.decode("utf-8", "replace")), None))
        with only_one(self._logger_lock, "set_logger"):
            _with_logger.add(self)
            before = self._logger
            self._logger = before, callback  # C may call either if a signal's handler raises here
            done = self.rgc_set_logger(callback, None, level)
            self._logger = callback if done else before
        if not done:
            raise refused("set_logger")


_loaded: Dict[str, Library] = {}
_lock = threading.Lock()
_with_logger: Set[Library] = set()


@atexit.register
def _silence() -> None:
    """RocksDB's threads must not call Python when the interpreter is gone."""
    for library in _with_logger:
        library.rgc_set_logger(_abi.rgc_log_fn(0), None, LogLevel.OFF)


# In a child a logger that ran at the fork never returns: to set another would not return.
os.register_at_fork(after_in_child=_with_logger.clear)


def load(path: Optional[Path_] = None) -> Library:
    """Loads the library of this package, or the one at a path. A second call gives the same one."""
    wanted = os.path.realpath(PACKAGED if path is None else path)
    with _lock:
        if wanted not in _loaded:
            _loaded[wanted] = Library(wanted)
        return _loaded[wanted]
