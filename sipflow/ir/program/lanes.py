"""Lanes of a graph as statements: blocks where the graph has the shape of blocks, `label` and `goto` for the rest.

Every node becomes one statement. A sequence is what success edges string together; behind a failure edge stands an
`else`, behind the arms of a branching node stand its blocks, up to the node in which they meet. A node that was placed
already, or that belongs elsewhere, is gone to. Two things say where a node may stand: nothing jumps into a `repeat`
from outside, since its rounds would not be counted, nor into an `else`, since nothing failed there.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sipflow.errors import SipflowError
from sipflow.ir import ops
from sipflow.ir.graph import Graph, Lane, Node
from sipflow.ir.program.layout import Entry, falls_through
from sipflow.ir.text import block_items, event_text, statement_text

MAX_LEVEL = 20
"""Blocks within each other; what would lie deeper stands elsewhere, behind a label."""
_MAX_DEPTH = 12
"""Failures that are carried at once, as far as this module cares to know."""
_TERMINAL = (ops.End, ops.Fail, ops.Recover)
_NOWHERE = "?"
"""What `recover` leads to where no node's id says it."""


class NoTextError(SipflowError):
    """No text of the language means this graph."""


@dataclass(frozen=True, slots=True)
class Loop:
    """The innermost loop."""

    head: str
    exit: str | None


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a sequence."""

    repeats: tuple[str, ...] = ("",)
    """Ids of the `repeat` nodes whose bodies it is in, the innermost last."""
    depth: int = 0
    """How many `else` are around it."""
    recover_to: str | None = _NOWHERE
    """Where a plain `recover` leads."""
    loop: Loop | None = None
    level: int = 0
    """How many blocks are around it."""


@dataclass(slots=True)
class LaneWriter:
    """Writes one lane; `label_of` is complete when `entries` has returned."""

    graph: Graph
    lane: Lane
    names: dict[str, str] = field(default_factory=dict)
    """Names of the places before nodes."""
    end_names: dict[str, str] = field(default_factory=dict)
    """Names of the places at the end of the bodies of `repeat` nodes, and with an empty key at the end of the lane."""
    _placed: set[str] = field(default_factory=set)
    _wanted: dict[str, None] = field(default_factory=dict)
    """Nodes that something jumps to, in order."""
    _lowered: dict[str, int] = field(default_factory=dict)
    """Nodes for which there was no place in an `else` of their depth, and the depth that they get."""
    _depths: dict[str, int] = field(default_factory=dict)
    _own_names: dict[str, str] = field(default_factory=dict)
    """Names that the graph gives to the places before nodes; those that nothing jumps to are not written."""
    _taken: set[str] = field(default_factory=set)
    """Names that no new label may have."""
    _repeats: frozenset[str] = frozenset()

    def entries(self) -> tuple[Entry, ...]:
        """The statements of the lane; raises `NoTextError` when there are none that mean it."""
        nodes = [node for node in self.graph.nodes if node.lane == self.lane.id]
        self._repeats = frozenset(node.id for node in nodes if isinstance(node.op, ops.Repeat))
        while True:
            self._begin(nodes)
            entries = self._block(self.lane.entry, None, Around())
            homeless = [node_id for node_id in self._wanted if node_id not in self._placed]
            if not homeless:
                return self._with_end(entries, "")
            self._lower(homeless[0])

    def label_of(self, node_id: str) -> str | None:
        """The name of the place before a node, None when it needs none."""
        return self.names.get(node_id)

    def _begin(self, nodes: Iterable[Node]) -> None:
        self.names, self.end_names, self._taken = {}, {}, set()
        self._placed, self._wanted = set(), {}
        self._depths = depths(self.graph, self.lane.entry, self._lowered)
        self._own_names = {node.id: self._free(node.label) for node in nodes if node.label}

    def _lower(self, node_id: str) -> None:
        depth = self._depths[node_id]
        if depth == 0:
            raise NoTextError(f"no place of a text is right for node `{node_id}`")
        self._lowered[node_id] = depth - 1

    # --- sequences -------------------------------------------------------------------------------------------------

    def _block(self, start: str | None, follow: str | None, around: Around) -> tuple[Entry, ...]:
        """A sequence, and behind it what is jumped to and belongs here."""
        entries = self._chain(start, follow, around)
        while (next_start := self._homeless(around)) is not None:
            if falls_through(entries):
                entries.append(self._jump(follow, around))
            entries += self._chain(next_start, follow, replace(around, recover_to=_NOWHERE))
        return tuple(entries)

    def _homeless(self, around: Around) -> str | None:
        return next((node_id for node_id in self._wanted if self._fits(node_id, around)), None)

    def _chain(self, start: str | None, follow: str | None, around: Around) -> list[Entry]:
        """The statements from `start` on; `follow` is where the lane comes to behind them."""
        spine, onward = self._spine(start, follow, around)
        entries = [
            self._entry(self.graph.node(node_id), after, around)
            for node_id, after in zip(spine, [*spine, onward][1:], strict=True)
        ]
        if onward != follow and falls_through(entries):
            entries.append(self._jump(onward, around))
        return entries

    def _spine(self, start: str | None, follow: str | None, around: Around) -> tuple[list[str], str | None]:
        """The nodes of a sequence, which are placed with this, and where it goes on."""
        spine: list[str] = []
        current = start
        while current is not None and current != follow and self._fits(current, around):
            self._placed.add(current)
            spine.append(current)
            node = self.graph.node(current)
            if isinstance(node.op, _TERMINAL):
                return spine, follow
            current = self._onward(node, follow)
        return spine, current

    def _fits(self, node_id: str, around: Around) -> bool:
        return (
            node_id not in self._placed
            and self._region(node_id) == around.repeats[-1]
            and self._depths[node_id] == around.depth
            and around.level <= MAX_LEVEL
        )

    def _region(self, node_id: str) -> str:
        """The innermost `repeat` whose body a node is in, by the rule of `ops.Repeat`."""
        end = node_id.rfind(".")
        while end >= 0 and node_id[:end] not in self._repeats:
            end = node_id.rfind(".", 0, end)
        return node_id[:end] if end >= 0 else ""

    def _onward(self, node: Node, follow: str | None) -> str | None:
        if isinstance(node.op, ops.Repeat | ops.While):
            return node.arms[1]
        return meeting_point(self.graph, node, follow) if node.arms else node.success

    # --- statements ------------------------------------------------------------------------------------------------

    def _entry(self, node: Node, after: str | None, around: Around) -> Entry:
        """The statement of a node; `after` is what stands behind it."""
        head = statement_text(node.op, node.call, node.within)
        inner = replace(around, level=around.level + 1)
        if isinstance(node.op, ops.Branching):
            return self._branching(node, head, after, inner)
        if isinstance(node.op, ops.Recover):
            return self._recover(node, around)
        items, ends = tuple(block_items(node.op)), isinstance(node.op, _TERMINAL)
        if node.failure is None:
            return Entry(head, node.id, items=items, ends=ends)
        behind = replace(inner, depth=around.depth + 1, recover_to=_NOWHERE if ends else after)
        otherwise = self._block(node.failure, None, behind)
        return Entry(head, node.id, otherwise=otherwise, items=items, ends=ends)

    def _branching(self, node: Node, head: str, after: str | None, inner: Around) -> Entry:
        if node.failure is not None:
            raise NoTextError(f"node `{node.id}` has a failure edge, and `{node.op.word}` has no `else` for it")
        if isinstance(node.op, ops.Repeat | ops.While):
            return Entry(head, node.id, body=self._body(node, inner))
        ways = tuple(tuple(self._chain(arm, after, inner)) for arm in node.arms)
        if not isinstance(node.op, ops.If):
            return Entry(head, node.id, arms=tuple(zip(_events(node.op), ways, strict=True)))
        return Entry(head, node.id, body=ways[0], otherwise=ways[1] or None)

    def _body(self, node: Node, inner: Around) -> tuple[Entry, ...]:
        again, done = node.arms
        inside = replace(inner, loop=Loop(node.id, done))
        if isinstance(node.op, ops.While):
            return tuple(self._chain(again, node.id, inside))
        inside = replace(inside, repeats=(*inner.repeats, node.id))
        return self._with_end(self._block(again, node.id, inside), node.id)

    def _with_end(self, entries: tuple[Entry, ...], where: str) -> tuple[Entry, ...]:
        name = self.end_names.get(where)
        return entries if name is None else (*entries, Entry(f"label {name}"))

    def _recover(self, node: Node, around: Around) -> Entry:
        if around.depth == 0:
            raise NoTextError(f"node `{node.id}` recovers where nothing failed")
        if node.success == around.recover_to:
            return Entry("recover", node.id, ends=True)
        return Entry(f"recover at {self._name(node.success, around)}", node.id, ends=True)

    def _jump(self, target: str | None, around: Around) -> Entry:
        if around.loop is not None and target == around.loop.head:
            return Entry("continue", ends=True)
        if around.loop is not None and target == around.loop.exit:
            return Entry("break", ends=True)
        return Entry(f"goto {self._name(target, around)}", ends=True)

    # --- labels ----------------------------------------------------------------------------------------------------

    def _name(self, target: str | None, around: Around) -> str:
        """The name of the place before `target`, for a jump from somewhere."""
        if target is None or target in around.repeats:
            return self._end_name(target or "")
        if self._region(target) not in around.repeats:
            raise NoTextError(f"a way leads from outside to node `{target}` in the body of a `repeat`")
        self._wanted.setdefault(target)
        if target not in self.names:
            self.names[target] = self._own_names.get(target) or self._free(f"step_{len(self._wanted)}")
        return self.names[target]

    def _end_name(self, where: str) -> str:
        """The next round of a `repeat` from deep inside begins at the end of its body."""
        if where not in self.end_names:
            self.end_names[where] = self._free("next_round" if where else "done")
        return self.end_names[where]

    def _free(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name


def _events(op: ops.Op) -> Iterator[str]:
    assert isinstance(op, ops.Choose), "the other branching nodes have blocks"
    yield from (event_text(arm) for arm in op.events)
    if op.timeout:
        yield "timeout"


# --- shapes --------------------------------------------------------------------------------------------------------


def depths(graph: Graph, entry: str | None, lowered: dict[str, int]) -> dict[str, int]:
    """For each node the number of failures that are carried there at least."""
    found: dict[str, int] = {}
    queue: deque[tuple[str, int]] = deque([(entry, 0)] if entry is not None else [])
    queue += lowered.items()
    while queue:
        node_id, depth = queue.popleft()
        if found.get(node_id, _MAX_DEPTH + 1) <= depth:
            continue
        found[node_id] = depth
        node = graph.node(node_id)
        onward = max(depth - 1, 0) if isinstance(node.op, ops.Recover) else depth
        queue += ((target, onward) for target in (node.success, *node.arms) if target is not None)
        if node.failure is not None:
            queue.append((node.failure, min(depth + 1, _MAX_DEPTH)))
    return found


def meeting_point(graph: Graph, node: Node, follow: str | None) -> str | None:
    """Where the arms of an `if` or a `choose` meet: any answer is right, a good one makes a text that reads well."""
    inside, exits = _exits(graph, node)
    if not inside and len(set(node.arms)) > 1:
        return _first_in_common(graph, node, follow)
    parent, _, number = node.id.rpartition(".")
    following = f"{parent}.{int(number) + 1}" if number.isdigit() else None
    for likely in (following, follow):
        if likely in exits:
            return likely
    return exits.most_common(1)[0][0] if exits else follow


def _exits(graph: Graph, node: Node) -> tuple[bool, Counter[str | None]]:
    """Whether any arm begins with a node that belongs to `node` by its id, and where the ways lead out of those."""
    prefix = f"{node.id}."
    exits: Counter[str | None] = Counter()
    queue: list[str | None] = list(node.arms)
    seen: set[str] = set()
    while queue:
        current = queue.pop()
        if current is None or not current.startswith(prefix):
            exits[current] += 1
        elif current not in seen:
            seen.add(current)
            queue += _ways_on(graph.node(current))
    return bool(seen), exits


def _ways_on(node: Node) -> tuple[str | None, ...]:
    if isinstance(node.op, _TERMINAL):
        return ()
    return node.arms or (node.success,)


def _first_in_common(graph: Graph, node: Node, follow: str | None) -> str | None:
    """The first node that most arms come to, when it is more than one; ids say nothing."""
    reached = [_reachable(graph, arm, node.id) for arm in node.arms]
    counts = Counter(node_id for way in reached for node_id in way)
    most = max(counts.values(), default=0)
    if most < 2:
        return follow
    return next(node_id for way in reached for node_id in way if counts[node_id] == most)


def _reachable(graph: Graph, start: str | None, barrier: str) -> dict[str, None]:
    """Nodes that come after `start`, in the order of their distance."""
    found: dict[str, None] = {}
    queue = deque([start])
    while queue:
        current = queue.popleft()
        if current is not None and current != barrier and current not in found:
            found[current] = None
            queue += _ways_on(graph.node(current))
    return found
