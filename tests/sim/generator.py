"""Random scenarios whose flows are valid: every statement gets what it needs of the other side, whatever is lost.

A scenario is a row of acts. Each act takes some of the agents, gives lines to their lanes, and begins when all lanes of
the act before have ended theirs: so no act can meet messages of another but those that are late on the network.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

NAMES = ("ada", "bea", "cem", "dov")
CODECS = ("pcmu, pcma", "pcma, pcmu")


@dataclass
class Writer:
    """The lanes of one scenario while it is being made up."""

    random: random.Random
    lanes: dict[str, list[str]]
    acts: int = 0
    last: tuple[str, ...] = ()
    """Who took part in the act before."""
    calls: int = 0
    transfers: bool = field(default=True)

    def say(self, agent: str, *lines: str) -> None:
        """Add to a lane."""
        self.lanes[agent] += lines

    def begin(self, *cast: str) -> None:
        """A new act; its first agent acts first, after all of the last act are done."""
        for agent in self.last:
            if agent != cast[0]:
                self.say(agent, f"signal done_{self.acts}_{agent}")
                self.say(cast[0], f"await done_{self.acts}_{agent}")
        self.acts += 1
        self.last = cast

    def wait(self, agent: str, most_ms: int = 800) -> None:
        """Perhaps let some time pass."""
        if self.random.random() < 0.6:
            self.say(agent, f"wait {self.random.randrange(5, most_ms)}ms")

    def take(self, count: int) -> list[str]:
        """Some of the agents, in any order."""
        return self.random.sample(list(self.lanes), count)


def scenario(seed: int) -> str:
    """The text of a scenario; the same one for the same seed."""
    numbers = random.Random(f"scenario/{seed}")
    names = NAMES[: numbers.randrange(2, 5)]
    registrar = numbers.random() < 0.2
    writer = Writer(numbers, {name: [] for name in names})
    if registrar:
        _register(writer)
    for _ in range(numbers.randrange(2, 7)):
        choices = [act for act, needed in _ACTS if needed <= len(names)]
        numbers.choice(choices)(writer)
    agents = "".join(_agent(name, numbers, registrar) for name in names)
    pbx = 'agent pbx { registrar { realm "pbx.test"; record route } }\n' if registrar else ""
    lanes = "".join(f"on {name} {{\n{_block(lines)}}}\n\n" for name, lines in writer.lanes.items())
    return f'scenario "Random {seed}"\n\ntimeout 10m\n\n{pbx}{agents}\n{lanes}'


def _agent(name: str, numbers: random.Random, registrar: bool) -> str:
    settings = [f"codecs {numbers.choice(CODECS)}"]
    chance = numbers.random()
    if registrar:
        settings += ["proxy pbx", "register every 60s"]
    elif chance < 0.3:
        settings += numbers.sample(["listen udp", "listen tcp"], 2)
    if numbers.random() < 0.3:
        settings.append("provisional reliable required" if numbers.random() < 0.5 else "provisional reliable supported")
    if numbers.random() < 0.3:
        settings.append(f"session timer {numbers.choice((90, 120, 1800))}s")
    return f"agent {name} {{ {'; '.join(settings)} }}\n"


def _block(lines: list[str]) -> str:
    return "".join(f"  {line}\n" for line in lines or ["wait 1ms"])


def _register(writer: Writer) -> None:
    for name in writer.lanes:
        writer.say(name, "expect registered")
    writer.last = tuple(writer.lanes)


# --- acts -------------------------------------------------------------------------------------------------------------


def _call(writer: Writer) -> None:
    caller, callee = writer.take(2)
    writer.begin(caller, callee)
    _set_up(writer, caller, callee)
    for _ in range(writer.random.randrange(4)):
        writer.random.choice(_IN_CALL)(writer, *writer.random.sample((caller, callee), 2))
    _meet(writer, caller, callee)
    _meet(writer, callee, caller)
    _tear_down(writer, caller, callee)


def _set_up(writer: Writer, caller: str, callee: str) -> None:
    writer.calls += 1
    name = f"call{writer.calls}"
    if writer.random.random() < 0.3:
        writer.say(caller, f"dial {callee} as {name}", "expect answered")
    else:
        writer.say(caller, f"call {callee} as {name}")
    for before in ("ring", "progress"):
        if writer.random.random() < 0.4:
            writer.say(callee, before)
            writer.wait(callee, 3000)
    writer.say(callee, f"answer as {name}")


def _tear_down(writer: Writer, *pair: str) -> None:
    ends, other = writer.random.sample(pair, 2)
    if writer.random.random() < 0.2:  # both at once
        writer.say(ends, "release")
        writer.say(other, "release")
        return
    writer.wait(ends, writer.random.choice((500, 5000, 200_000)))
    writer.say(ends, "release")
    writer.say(other, "expect hangup")


def _hold(writer: Writer, one: str, other: str) -> None:
    writer.say(one, "hold")
    writer.wait(one)
    writer.say(one, "resume")
    writer.say(other, "expect held", "expect resumed")


def _meet(writer: Writer, first: str, second: str) -> None:
    """What comes next begins when both are here."""
    writer.acts += 1
    writer.say(first, f"signal met_{writer.acts}")
    writer.say(second, f"await met_{writer.acts}")


def _glare(writer: Writer, one: str, other: str) -> None:
    _meet(writer, one, other)
    for agent in (one, other):
        writer.wait(agent, 60)
        writer.say(agent, "send update")
    _meet(writer, one, other)
    _meet(writer, other, one)


def _info(writer: Writer, one: str, other: str) -> None:
    writer.say(one, 'send info { type "application/json"; body "{}" }', "expect response 200")
    writer.say(other, "expect info")


def _update(writer: Writer, one: str, other: str) -> None:
    writer.say(one, "send update", "expect response 200")
    writer.say(other, "expect update")


def _digits(writer: Writer, one: str, other: str) -> None:
    digits = "".join(writer.random.choices("0123456789*#", k=writer.random.randrange(1, 4)))
    writer.say(one, f'send dtmf "{digits}"')
    writer.say(other, f'expect dtmf "{digits}"')


def _tone(writer: Writer, one: str, other: str) -> None:
    writer.say(one, f"play tone 440Hz for {writer.random.randrange(100, 900)}ms")
    writer.wait(other)
    _meet(writer, one, other)


def _rejected(writer: Writer) -> None:
    caller, callee = writer.take(2)
    code = writer.random.choice((404, 480, 486, 488, 500, 600, 603))
    writer.begin(caller, callee)
    writer.say(caller, f"dial {callee}", f"expect rejected {code}")
    if writer.random.random() < 0.5:
        writer.say(callee, "ring")
        writer.wait(callee)
    writer.say(callee, f"reject {code}")


def _cancelled(writer: Writer) -> None:
    caller, callee = writer.take(2)
    writer.begin(caller, callee)
    writer.say(caller, f"dial {callee}")
    writer.wait(caller, 3000)
    writer.say(caller, "release", "expect rejected 487")
    writer.say(callee, "ring", "expect hangup")


def _redirected(writer: Writer) -> None:
    caller, middle, target = writer.take(3)
    writer.begin(caller, middle, target)
    writer.say(caller, f"call {middle}")
    writer.say(middle, f"redirect {target}")
    writer.say(target, "answer")
    _tear_down(writer, caller, target)


def _message(writer: Writer) -> None:
    one, other = writer.take(2)
    method = writer.random.choice(("message", "options"))
    writer.begin(one, other)
    writer.say(one, f'send {method} to {other} {{ header "X-Act" = "{writer.acts}" }}', "expect response 200")
    writer.say(other, f'expect {method} where header("X-Act") == "{writer.acts}"')


def _blind_transfer(writer: Writer) -> None:
    caller, middle, target = writer.take(3)
    writer.begin(caller, middle, target)
    writer.say(caller, f"call {middle}", "expect transfer", "expect transferred")
    writer.say(middle, "answer")
    writer.wait(middle)
    writer.say(middle, f"transfer to {target}", "expect transferred")
    writer.say(target, "answer")
    _meet(writer, caller, target)
    _tear_down(writer, caller, target)


def _attended_transfer(writer: Writer) -> None:
    caller, middle, target = writer.take(3)
    writer.begin(caller, middle, target)
    writer.calls += 2
    first, second = f"call{writer.calls - 1}", f"call{writer.calls}"
    writer.say(caller, f"call {middle}", "expect held", "expect transferred")
    writer.say(middle, f"answer as {first}", f"hold {first}", f"call {target} as {second}")
    writer.wait(middle)
    writer.say(middle, f"transfer {first} to {second}")
    writer.say(target, "answer", "expect transferred")
    _meet(writer, caller, target)
    _tear_down(writer, caller, target)


def _two_calls(writer: Writer) -> None:
    hub, left, right = writer.take(3)
    writer.begin(hub, left, right)
    writer.say(hub, f"call {left} as l{writer.acts}", f"call {right} as r{writer.acts}")
    writer.wait(hub)
    for name in writer.random.sample((f"l{writer.acts}", f"r{writer.acts}"), 2):
        writer.say(hub, f"release {name}")
    for agent in (left, right):
        writer.say(agent, "answer", "expect hangup")


_IN_CALL: tuple[Callable[[Writer, str, str], None], ...] = (_hold, _glare, _info, _update, _digits, _tone)
_ACTS: tuple[tuple[Callable[[Writer], None], int], ...] = (
    (_call, 2), (_call, 2), (_call, 2), (_rejected, 2), (_cancelled, 2), (_message, 2),
    (_redirected, 3), (_blind_transfer, 3), (_attended_transfer, 3), (_two_calls, 3),
)  # fmt: skip
"""With how many agents each needs."""
