"""Places in a lane: where its statements begin, and where what decides nothing leads.

`label`, `goto`, `break`, `continue` and calls of definitions are no nodes of the graph. While a lane is read, edges
lead to places, some of which are known later only; when it was read, each place is resolved to the node that it comes
to.
"""

from __future__ import annotations

from collections.abc import Iterator

from sipflow.ir.graph import Node
from sipflow.ir.ops import Op
from sipflow.values import dataclass, field, replace


@dataclass(slots=True, eq=False)
class Place:
    """Before a statement, or (with neither field set) the end of the lane."""

    node: Node | None = None
    """The node that begins here."""
    onward: Place | None = None
    """Where it goes on from here without doing anything."""
    endless: bool = False
    """Known to go round in circles without coming to a node."""


@dataclass(slots=True, eq=False)
class Draft:
    """A node whose edges are places."""

    place: Place
    success: Place | None = None
    """None: the lane's end."""
    failure: Place | None = None
    arms: tuple[Place, ...] = ()

    @property
    def op(self) -> Op:
        """What the node does."""
        assert self.place.node is not None, "a draft stands for a node"
        return self.place.node.op

    def ways(self) -> Iterator[Place]:
        """All places that it leads to."""
        for place in (self.success, self.failure, *self.arms):
            if place is not None:
                yield place

    def finished(self, labels: dict[int, str]) -> Node:
        """The node; `labels` has names of places by the `id` of the place that has the node."""
        assert self.place.node is not None, "a draft stands for a node"
        return replace(
            self.place.node,
            success=node_id_of(self.success),
            failure=node_id_of(self.failure),
            arms=tuple(node_id_of(arm) for arm in self.arms),
            label=labels.get(id(self.place), ""),
        )


def node_id_of(place: Place | None) -> str | None:
    """The id of the node that a place comes to; None at the end of the lane."""
    found = None if place is None else resolve(place)
    return None if found is None or found.node is None else found.node.id


def resolve(place: Place) -> Place | None:
    """The place with a node (or the end) that `place` comes to; None when it goes round in circles without one."""
    passed: dict[int, Place] = {}
    while place.onward is not None:
        if id(place) in passed or place.endless:
            for on_the_way in passed.values():
                on_the_way.endless = True
            return None
        passed[id(place)] = place
        place = place.onward
    for on_the_way in passed.values():
        on_the_way.onward = place
    return place


@dataclass(slots=True)
class Reached:
    """The places that a lane can come to."""

    drafts: dict[int, Draft]
    """By the `id` of their places."""
    found: set[int] = field(default_factory=set)

    def follow(self, entry: Place) -> None:
        """Add everything that can be reached from `entry`; before places are resolved, which makes short cuts."""
        queue: list[Place] = [entry]
        while queue:
            place = queue.pop()
            if id(place) in self.found:
                continue
            self.found.add(id(place))
            if place.onward is not None:
                queue.append(place.onward)
            if id(place) in self.drafts:
                queue += self.drafts[id(place)].ways()

    def __contains__(self, place: Place) -> bool:
        return id(place) in self.found
