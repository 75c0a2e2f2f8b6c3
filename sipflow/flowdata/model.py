"""A flow: what a FlowData document says, in one spelling, with its defaults put in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

DEFAULT_TIMEOUT_MS = 10_000
DEFAULT_CALL = "call-1"
DEFAULT_INTERVAL_MS = 100
DEFAULT_CODECS = ("PCMU", "PCMA")
DEFAULT_REGISTER_S = 300
DEFAULT_PBX_PORT = 5060

COMMANDS = (
    "MakeCall", "Answer", "Release", "PlayMedia", "SendDTMF", "Record", "StopRecord", "Hold", "Retrieve",
    "BlindTransfer", "MuteTransfer",
)  # fmt: skip
EVENTS = (
    "INCOMING", "RINGING", "DISCONNECTED", "DTMF_RECEIVED", "TIMEOUT", "HELD", "RETRIEVED", "TRANSFERRED", "NOTIFY",
    "RECORD_COMPLETED",
)  # fmt: skip
OTHER_SPELLINGS = {"PlayAudio": "PlayMedia", "DTMFReceived": "DTMF_RECEIVED"}


@dataclass(frozen=True, slots=True)
class Instance:
    """A `sipInstance` node: somebody who takes part."""

    id: str
    label: str = ""
    dn: str = ""
    register: bool = False
    """Whether it registers; only ever with a PBX to register with."""
    codecs: tuple[str, ...] = DEFAULT_CODECS
    pbx_host: str = ""
    pbx_port: int = DEFAULT_PBX_PORT
    pbx_transport: str = "UDP"
    register_interval_s: int = DEFAULT_REGISTER_S
    color: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A command or an event. Fields that its kind does not have are empty."""

    id: str
    name: str
    """One of `COMMANDS` or `EVENTS`; empty for what has no counterpart and is passed over."""
    label: str = ""
    instance: str = ""
    """Id of its instance, empty when it does not say."""
    call: str = ""
    """`callId`, empty when it does not say."""
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    target: str = ""
    """`targetUri`."""
    path: str = ""
    """The file that is played or recorded."""
    digits: str = ""
    """Digits that are sent, or the digit that is waited for."""
    interval_ms: int = DEFAULT_INTERVAL_MS
    user: str = ""
    """`targetUser`."""
    host: str = ""
    """`targetHost`, with its port if it has one."""
    primary: str = ""
    consult: str = ""
    number: str = ""
    success: str | None = None
    failure: str | None = None
    where: str = ""
    """Where it stands in the JSON."""

    @property
    def kind(self) -> str:
        """`command` or `event`."""
        return "event" if self.name in EVENTS else "command"

    def targets(self) -> Iterator[str]:
        """Where it leads."""
        yield from (target for target in (self.success, self.failure) if target is not None)


@dataclass(frozen=True, slots=True)
class Flow:
    """A document."""

    instances: tuple[Instance, ...]
    steps: dict[str, Step]
    starts: tuple[tuple[str, str], ...]
    """Instance and step of each start edge."""

    def instance(self, instance_id: str) -> Instance | None:
        """The instance with this id."""
        return next((instance for instance in self.instances if instance.id == instance_id), None)


def answers_without_incoming(flow: Flow) -> set[str]:
    """The `Answer` steps to which no way leads that has an `INCOMING` on it: they wait for the call themselves."""
    covered: set[str] = set()
    queue = [target for step in flow.steps.values() if step.name == "INCOMING" for target in step.targets()]
    while queue:
        step = flow.steps.get(queue.pop())
        if step is not None and step.id not in covered:
            covered.add(step.id)
            if step.name != "Answer":
                queue += step.targets()
    return {step.id for step in flow.steps.values() if step.name == "Answer" and step.id not in covered}


INCOMING_BEFORE = ".incoming"
"""Behind the id of an `Answer`: the `INCOMING` that is put before it."""


def with_incoming(flow: Flow) -> Flow:
    """The flow with an `INCOMING` before every `Answer` that none precedes: the builder answers a call that came in."""
    alone = answers_without_incoming(flow)
    steps: dict[str, Step] = {}
    for step in flow.steps.values():
        steps[step.id] = replace(step, success=_before(step.success, alone), failure=_before(step.failure, alone))
        if step.id in alone:
            incoming = Step(step.id + INCOMING_BEFORE, "INCOMING", instance=step.instance, timeout_ms=step.timeout_ms)
            steps[incoming.id] = replace(incoming, success=step.id, failure=steps[step.id].failure)
    starts = tuple((instance, _before(step, alone) or step) for instance, step in flow.starts)
    return Flow(flow.instances, steps, starts)


def _before(target: str | None, alone: set[str]) -> str | None:
    return target + INCOMING_BEFORE if target is not None and target in alone else target


def carried_failures(starts: list[str], ways: dict[str, tuple[str | None, str | None]]) -> dict[str, int]:
    """How many failures a lane carries at each step that it reaches, at least.

    A way that comes from a failure to where fewer are carried was provided for: whoever drew it led it back.
    """
    depth: dict[str, int] = {}
    queue = deque((step, 0) for step in starts)
    while queue:
        step, carried = queue.popleft()
        if step in depth:
            continue
        depth[step] = carried
        success, failure = ways[step]
        if success is not None:
            queue.appendleft((success, carried))
        if failure is not None:
            queue.append((failure, carried + 1))
    return depth
