"""`label`, `goto`, `recover at`, `break`, `continue`: where they may lead."""

from __future__ import annotations

from sipflow.ir import ops
from sipflow.ir.span import Span
from sipflow.lang.diagnostics import Label as Note
from sipflow.lang.diagnostics import closest, replace
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.places import Draft, Place, resolve
from sipflow.lang.symbols import SymbolKind
from sipflow.lang.syntax import Token
from sipflow.values import dataclass, field


@dataclass(frozen=True, slots=True)
class Loop:
    """Where the innermost loop goes round, and where it is left for."""

    head: Place
    exit: Place


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a sequence of statements."""

    prefix: str
    """Of the ids of its nodes."""
    exit: Place
    """Where it goes on behind its last statement."""
    recover: Place | None = None
    """Where `recover` leads; None outside of an `else`."""
    loop: Loop | None = None
    else_depth: int = 0
    """How many `else` are around it: so many failures are carried here at least."""
    repeats: tuple[str, ...] = ()
    """Ids of the `repeat` nodes around it."""
    level: int = 0
    """How deep it lies in blocks and definitions."""


@dataclass(slots=True, eq=False)
class LabelSite:
    """Where a label stands."""

    place: Place
    span: Span
    around: Around


@dataclass(slots=True, eq=False)
class Jump:
    """A `goto` or a `recover at`."""

    token: Token
    """The name of the label."""
    around: Around
    place: Place
    """Where a `goto` stands."""
    draft: Draft | None = None
    """The node of a `recover at`, which leads there."""

    @property
    def else_depth(self) -> int:
        """How many failures are carried at least where it leads to."""
        return self.around.else_depth - (self.draft is not None)


@dataclass(slots=True)
class Labels:
    """The labels of one body, and what leads to them."""

    context: Context
    scope: str
    sites: dict[str, LabelSite] = field(default_factory=dict)
    jumps: list[Jump] = field(default_factory=list)
    lost: bool = False
    """Whether a jump leads nowhere: then nobody knows what is reached."""

    def add(self, token: Token, place: Place, around: Around) -> None:
        """A `label NAME`."""
        where = self.context.span(token)
        first = self.sites.setdefault(token.text, LabelSite(place, where, around))
        self.context.note(SymbolKind.LABEL, token.text, where, self.scope, declares=first.span == where)
        if first.span != where:
            message = f"there is a label `{token.text}` already"
            note = (Note(first.span, "the first is here"),)
            self.context.report.error("SF201", message, where, "take another name", secondary=note)

    def connect(self) -> None:
        """Let every jump lead to its label, once all labels are known; those that are wrong lead nowhere."""
        for jump in self.jumps:
            site = self.sites.get(jump.token.text)
            self.context.note(SymbolKind.LABEL, jump.token.text, jump.token, self.scope)
            if site is None:
                self._unknown(jump.token)
            elif self._may_lead(jump, site):
                _lead(jump, site.place)
                continue
            self.lost = True

    def _unknown(self, token: Token) -> None:
        if self.context.is_doubtful(token.text):
            return
        near = closest(token.text, self.sites)
        where = self.context.span(token)
        help_text = f"did you mean `{near}`?" if near else f"`label {token.text}` names a place in the same lane"
        fix = replace(where, near) if near else None
        message = f"unknown label `{token.text}`"
        self.context.report.error("SF224", message, where, "no place here has this name", help=help_text, fix=fix)

    def _may_lead(self, jump: Jump, site: LabelSite) -> bool:
        if jump.else_depth < site.around.else_depth:
            self._refuse(jump, site, "an `else`", "behind this jump no failure is left that it could be about")
            return False
        if site.around.repeats != jump.around.repeats[: len(site.around.repeats)]:
            self._refuse(jump, site, "a `repeat`", "its rounds are counted from its beginning")
            return False
        return True

    def _refuse(self, jump: Jump, site: LabelSite, what: str, why: str) -> None:
        where = self.context.span(jump.token)
        note = (Note(site.span, "the label stands here"),)
        message = f"`{jump.token.text}` stands inside of {what}, and this jump comes from outside"
        if jump.draft is not None and what == "an `else`":
            message = f"`{jump.token.text}` stands inside of an `else`, which `recover at` leaves"
        self.context.report.error("SF225", message, where, why, secondary=note)

    def check_circles(self) -> None:
        """Report jumps that go round in circles, and those that would not begin a `repeat` anew."""
        reported: set[int] = set()
        for jump in self.jumps:
            site = self.sites.get(jump.token.text)
            if site is None or id(site.place) in reported:
                continue
            target = resolve(site.place)
            if target is None and jump.draft is None:
                self._circle(jump, reported)
            elif target is not None and target.node is not None and isinstance(target.node.op, ops.Repeat):
                self._check_own_repeat(jump, site, target.node.id)

    def _circle(self, jump: Jump, reported: set[int]) -> None:
        circle: set[int] = set()
        place: Place | None = jump.place
        while place is not None and id(place) not in circle:
            circle.add(id(place))
            place = place.onward
        if not circle & reported:
            message = "this `goto` comes back to itself, and nothing happens on the way"
            where = self.context.span(jump.token)
            self.context.report.error("SF226", message, where, "the lane would never go on")
        reported |= circle

    def _check_own_repeat(self, jump: Jump, site: LabelSite, repeat: str) -> None:
        if repeat in jump.around.repeats and repeat not in site.around.repeats:
            where = self.context.span(jump.token)
            message = "a jump from inside a `repeat` to its beginning would go on counting"
            help_text = "`continue` begins the next round; a statement before the `repeat` makes it count anew"
            note = (Note(site.span, "the label stands right before the `repeat`"),)
            self.context.report.error(
                "SF225", message, where, "is this the next round?", secondary=note, help=help_text
            )


def _lead(jump: Jump, place: Place) -> None:
    if jump.draft is not None:
        jump.draft.success = place
    else:
        jump.place.onward = place
