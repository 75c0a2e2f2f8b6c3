"""What a lane may know at one place of its text: variables and calls, over branches and loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sipflow.ir.span import Span
from sipflow.lang.lower.context import Kind

_ABSENT: Any = object()
Changes = dict[tuple[int, str], Any]
"""What one way through the text changed: table and name to the new value."""


class Known:
    """Names that a lane may have by now.

    What may exist is known: a name that only one arm of an `if` makes is known behind it, and the run judges whether it
    has a value. Arms are read one after the other, each from the state before the first (`branches`).
    """

    def __init__(self) -> None:
        self.variables: dict[str, Kind] = {}
        self.calls: dict[str, Span] = {}
        """Names of calls, and where each begins."""
        self.origins: dict[str, Span] = {}
        """Where each variable got its first value."""
        self._certain: dict[str, bool] = {}
        self._marks: dict[str, bool] = {}
        self._tables: tuple[dict[str, Any], ...] = (self.variables, self.calls, self._certain, self._marks)
        self._journal: list[tuple[int, str, Any]] = []

    @property
    def has_call(self) -> bool:
        """Whether anything so far makes or takes a call."""
        return "call" in self._marks

    def now_has_call(self) -> None:
        """From here on there may be a current call."""
        if not self.has_call:
            self._set(3, "call", True)

    def set_variable(self, name: str, kind: Kind, where: Span) -> None:
        """`let`, or a capture."""
        self.origins.setdefault(name, where)
        self._set(0, name, kind)

    def add_call(self, name: str, where: Span, *, certain: bool) -> None:
        """A call gets a name; `certain` when it has it however the lane came here."""
        self._set(1, name, self.calls.get(name, where))
        if certain:
            self._set(2, name, True)

    def surely_has(self, call: str) -> bool:
        """Whether there is a call of this name, however the lane came here."""
        return call in self._certain

    def branches(self, arms: Sequence[Callable[[], None]]) -> None:
        """Read each arm from what is known now; afterwards is known what any of them made."""
        found: list[Changes] = []
        for read in arms:
            start = len(self._journal)
            read()
            found.append(self._take_back(start))
        for table, name in dict.fromkeys(key for changes in found for key in changes):
            self._join(table, name, [changes.get((table, name), _ABSENT) for changes in found])

    def _join(self, table: int, name: str, values: list[Any]) -> None:
        before = self._tables[table].get(name, _ABSENT)
        filled = [before if value is _ABSENT else value for value in values]
        present = [value for value in filled if value is not _ABSENT]
        if table == 2 and len(present) < len(filled):
            return
        same = all(value == present[0] for value in present)
        self._set(table, name, present[0] if same or table == 1 else None)

    def _set(self, table: int, name: str, value: Any) -> None:
        self._journal.append((table, name, self._tables[table].get(name, _ABSENT)))
        self._tables[table][name] = value

    def _take_back(self, start: int) -> Changes:
        """Undo the changes since the journal had `start` entries; returns what they led to."""
        changes: Changes = {(table, name): self._tables[table][name] for table, name, _ in self._journal[start:]}
        for table, name, old in reversed(self._journal[start:]):
            if old is _ABSENT:
                del self._tables[table][name]
            else:
                self._tables[table][name] = old
        del self._journal[start:]
        return changes


def nothing() -> None:
    """The way on which nothing is done, for `Known.branches`."""
