"""Lanes as they were read last, for an editor that compiles a text at every key.

How a lane is read depends on its words, on the names of the program's top and on the files that it names. So a lane
in which nothing is wrong, and that asked for no file, is read as before as long as its words and those names are the
same. What stands before it may have become longer: then its values move.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

from sipflow.ir.graph import Lane
from sipflow.ir.graph import Node as GraphNode
from sipflow.ir.span import Span
from sipflow.lang.files import FileProblem, Files, ImportedText, MediaInfo, TableInfo
from sipflow.lang.lower.context import Context, Uses
from sipflow.lang.lower.lanes import LaneReader
from sipflow.lang.moving import ElsewhereError, Move
from sipflow.lang.symbols import Occurrence
from sipflow.lang.syntax import Node
from sipflow.values import dataclass, field, replace

if TYPE_CHECKING:
    from sipflow.lang.checks.phases import Calls

_MOST_TEXTS = 50
_World = tuple[object, ...]
"""The names on which the reading of a lane depends."""
_Key = tuple[str, str, int]
"""The words of a lane, its id, and its column."""


class LaneFacts:
    """What checks have found out about the statements of a lane, and nothing else has a part in: no place is in it."""

    def __init__(self) -> None:
        self.calls: Mapping[str, Calls] | None = None
        """What may be known of its calls at each node, once somebody has asked."""
        self.calls_are_right = False
        """Whether all that it does to its calls was looked at, and nothing was wrong."""


@dataclass(frozen=True, slots=True)
class ReadLane:
    """What became of a lane."""

    lane: Lane
    nodes: tuple[GraphNode, ...]
    whole: bool = True
    """Whether every statement was understood."""
    uses: Uses | None = None
    """What it does to others, if that is remembered."""
    occurrences: tuple[Occurrence, ...] = ()
    """The names in it, if they are remembered."""
    facts: LaneFacts = field(default_factory=LaneFacts, compare=False)
    """It goes with the lane wherever that moves."""

    def at(self, place: Span) -> ReadLane:
        """The same lane elsewhere; raises `ElsewhereError`."""
        before = self.lane.span
        if before == place:
            return self
        return Move(before, place.line - before.line, place.start - before.start).of(self)


class LaneMemory:
    """The lanes of the texts that were compiled lately."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[_World, dict[_Key, ReadLane]]] = {}

    def lanes(self, source: str, world: _World) -> dict[_Key, ReadLane]:
        """The lanes of a text when it was read last, if the names were these."""
        known = self._texts.get(source)
        return known[1] if known is not None and known[0] == world else {}

    def keep(self, source: str, world: _World, lanes: dict[_Key, ReadLane]) -> None:
        """Take lanes in the place of those that the text had before."""
        if len(self._texts) >= _MOST_TEXTS:
            self._texts.clear()
        self._texts[source] = world, lanes


class LaneReading:
    """Reads the lanes of a program one after the other; of those that are remembered it reads none."""

    def __init__(self, context: Context, memory: LaneMemory | None, *, alone: bool) -> None:
        """`alone`: nothing is imported."""
        self.context = context
        knows_all = alone and not (context.definitions or context.all_doubtful or context.doubtful or context.repaired)
        self.memory = memory if knows_all else None
        self.world = _world_of(context) if self.memory else ()
        self.before = self.memory.lanes(context.report.source.name, self.world) if self.memory else {}
        self.now: dict[_Key, ReadLane] = {}

    def read(self, node: Node, lane_id: str, agent: str) -> ReadLane:
        """What a `lane` node means."""
        if self.memory is None:
            return self._read(self.context, node, lane_id, agent)
        place = self.context.span(node)
        key = (self.context.written(place), lane_id, place.column)
        found = self._remembered(key, place)
        if found is None:
            found = self._read_and_note(node, lane_id, agent)
        if found.uses is not None:
            self.now[key] = found
            self.context.uses.add(found.uses)
            self.context.symbols.add_all(found.occurrences)
        return found

    def done(self) -> None:
        """All lanes were read."""
        if self.memory is not None:
            self.memory.keep(self.context.report.source.name, self.world, self.now)

    def _remembered(self, key: _Key, place: Span) -> ReadLane | None:
        known = None if self.context.report.full else self.before.get(key)
        try:
            return None if known is None else known.at(place)
        except ElsewhereError:
            return None

    def _read(self, context: Context, node: Node, lane_id: str, agent: str) -> ReadLane:
        reader = LaneReader(context, lane_id, agent, whole=not context.has_repair(node.start, node.end))
        return ReadLane(reader.read(node), tuple(reader.nodes), reader.whole)

    def _read_and_note(self, node: Node, lane_id: str, agent: str) -> ReadLane:
        """Read a lane, with what has to be known to do without reading it; without that when it cannot be done."""
        report, noted = self.context.report, self.context.symbols.occurrences
        said, named, files = len(report.diagnostics), len(noted), _Asked.of(self.context.files)
        context = replace(self.context, uses=Uses(), files=files)
        found = self._read(context, node, lane_id, agent)
        plain = found.whole and len(report.diagnostics) == said and not (files and files.asked) and not context.doubtful
        if plain:
            return replace(found, uses=context.uses, occurrences=tuple(islice(noted.values(), named, None)))
        self.context.uses.add(context.uses)
        return found


def _world_of(context: Context) -> _World:
    return (
        frozenset(context.agents),
        frozenset(context.remote),
        frozenset(context.variables.items()),
        frozenset((name, known.columns) for name, known in context.tables.items()),
    )


class _Asked:
    """Files that remember whether somebody asked."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.asked = False

    @staticmethod
    def of(files: Files | None) -> _Asked | None:
        """None where no files are looked at."""
        return None if files is None else _Asked(files)

    def _answering(self) -> Files:
        self.asked = True
        return self._files

    def probe(self, path: str) -> MediaInfo | FileProblem | None:
        return self._answering().probe(path)

    def text(self, path: str, importer: str) -> ImportedText | FileProblem:
        return self._answering().text(path, importer)

    def missing_for(self, codec: str) -> str:
        return self._answering().missing_for(codec)

    def table(self, path: str) -> TableInfo | FileProblem:
        return self._answering().table(path)
