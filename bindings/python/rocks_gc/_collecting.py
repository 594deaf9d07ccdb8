"""Collecting now, and why nothing is collected."""

from ctypes import byref
from typing import Any, Callable, List, NamedTuple, Optional

from . import _abi, _check
from ._part import Part, empty
from .records import CollectReport, Debt, Explained


class Explanation(NamedTuple):
    """Why something is collected or not: a text for people, and the same as a list."""

    text: str
    answers: List[Explained]

    def __str__(self) -> str:
        return self.text


class Collecting(Part):
    def collect(self, family: Optional[str] = None, start: Optional[_check.Bytes] = None,
                end: Optional[_check.Bytes] = None, max_bytes: int = 0) -> CollectReport:
        """Compacts the files that hold garbage under today's safe points.

        family None means the families with roles DEFAULT and WRITE; bounds None mean everything;
        max_bytes 0 means no limit."""
        return self._collect(self._library.rgc_collect, family, start, end, max_bytes)

    def collect_dry_run(self, family: Optional[str] = None, start: Optional[_check.Bytes] = None,
                        end: Optional[_check.Bytes] = None, max_bytes: int = 0) -> CollectReport:
        """Tells what collect would do, and changes nothing."""
        return self._collect(self._library.rgc_collect_dry_run, family, start, end, max_bytes)

    def _collect(self, function: Callable[..., Any], family: Optional[str],
                 start: Optional[_check.Bytes], end: Optional[_check.Bytes],
                 max_bytes: int) -> CollectReport:
        report = empty(_abi.rgc_collect_report_t)
        arguments = (None if family is None else _check.name(family, "family"),
                     *_check.bound(start, "start"), *_check.bound(end, "end"),
                     _check.integer(max_bytes, "max_bytes"))
        with self._life as gc:
            function(gc, *arguments, byref(report))
        return CollectReport._of(report)

    def debt(self) -> Debt:
        """The files that may still hold keys of destroyed ranges or dropped schemas."""
        out = empty(_abi.rgc_debt_t)
        with self._life as gc:
            self._library.rgc_debt(gc, byref(out))
        return Debt._of(out)

    def explain(self, start: Optional[_check.Bytes] = None,
                end: Optional[_check.Bytes] = None) -> Explanation:
        """Explains the keyspaces that have keys in a range of stored keys."""
        bounds = (*_check.bound(start, "start"), *_check.bound(end, "end"))
        return self._explain(lambda gc, each: self._library.rgc_explain(gc, *bounds, each, None))

    def explain_keyspace(self, keyspace: int) -> Explanation:
        """Explains one keyspace, also one of which no file holds a version."""
        number = _check.keyspace(keyspace)
        return self._explain(
            lambda gc, each: self._library.rgc_explain_keyspace(gc, number, each, None))

    def _explain(self, function: Callable[[int, Any], Optional[int]]) -> Explanation:
        text = ""

        def call(each: Any) -> None:
            nonlocal text
            text = self._library.take_text(function(gc, each))

        with self._life as gc:
            answers = self._list(Explained, _abi.rgc_explained_t, call)
        return Explanation(text, answers)
