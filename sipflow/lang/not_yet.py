"""What the language has and this version of sipflow does not run.

All of it is in the one table below, and each use is an error: a verdict about something that never happened would be a
lie. A version that learns one of them deletes its row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sipflow.lang.diagnostics import Reporter
from sipflow.lang.lower.codecs import CANONICAL
from sipflow.lang.syntax import Node, Token

RUNNING_CODECS = frozenset(("pcmu", "pcma", "g722", "l16"))


def _always(node: Node) -> Iterator[Node | Token]:
    yield node


def _words_other_than(*running: str) -> Callable[[Node], Iterator[Node | Token]]:
    def find(node: Node) -> Iterator[Node | Token]:
        return (token for token in node.tokens("NAME") if token.text.lower() not in running)

    return find


@dataclass(frozen=True, slots=True)
class NotYet:
    """One thing that is not there yet."""

    code: str
    rule: str
    """The grammar's rule that it is."""
    what: str
    find: Callable[[Node], Iterator[Node | Token]] = _always
    """The parts of a node of that rule that are meant."""
    instead: str = ""
    known: tuple[str, ...] = ()
    """For settings: the words that exist; others are plain mistakes."""


NOT_YET = (
    NotYet(
        "SF268",
        "codecs",
        "this codec",
        _words_other_than(*RUNNING_CODECS),
        "`pcmu`, `pcma`, `g722` and `l16` run",
        tuple(CANONICAL),
    ),
)

_BY_RULE = {rule: [row for row in NOT_YET if row.rule == rule] for rule in dict.fromkeys(row.rule for row in NOT_YET)}
_NOT_IMPORTED = frozenset(("lane", "load"))
"""Parts of a file that are left out where it is imported."""


def report_not_yet(root: Node, report: Reporter, *, imported: bool = False) -> None:
    """Report everything in a file that does not run, once each; of an `imported` one what it brings in."""
    left_out = _NOT_IMPORTED if imported else frozenset[str]()
    for node in (node for part in root.nodes() if part.rule not in left_out for node in part.walk()):
        for row in _BY_RULE.get(node.rule, ()):
            _report(row, node, report)


def _report(row: NotYet, node: Node, report: Reporter) -> None:
    for found in row.find(node):
        if row.known and isinstance(found, Token) and found.text.lower() not in row.known:
            continue
        where = report.source.span(found.start, found.end)
        message = f"{row.what} is not in this version of sipflow yet"
        report.error(row.code, message, where, "does not run yet", help=row.instead)
