"""Whether two FlowData documents say the same."""

from __future__ import annotations

from dataclasses import replace

from sipflow.flowdata.model import DEFAULT_CALL, Flow, Instance, Step, with_incoming
from sipflow.flowdata.names import agent_name, call_name
from sipflow.flowdata.reading import parse_flow
from sipflow.flowdata.statements import Addresses

_WAITS = frozenset((
    "MakeCall", "Answer", "Release", "Hold", "Retrieve", "BlindTransfer", "MuteTransfer", "INCOMING", "RINGING",
    "DISCONNECTED", "DTMF_RECEIVED", "TIMEOUT", "HELD", "RETRIEVED", "TRANSFERRED", "NOTIFY", "RECORD_COMPLETED",
))  # fmt: skip
"""Steps that have a use for their timeout."""


def same_flow(one: object, other: object) -> bool:
    """Whether two documents are one flow, whatever its ids, positions, colours, labels and spellings are.

    An `Answer` that no INCOMING precedes waits for the call itself, and is the same as one with an INCOMING before it.
    """
    first, second = parse_flow(one)[0], parse_flow(other)[0]
    if first is None or second is None:
        return first is second
    return _signature(first) == _signature(second)


def _signature(flow: Flow) -> list[str]:
    """What the instances are and do, in an order that does not depend on the document."""
    flow = with_incoming(flow)
    addresses = Addresses(flow.instances, {instance.id: _number(instance) for instance in flow.instances})
    found: list[str] = []
    for instance in flow.instances:
        starts = dict.fromkeys(step for owner, step in flow.starts if owner == instance.id)
        lanes = sorted(repr(_lane(flow, start, instance, addresses)) for start in starts)
        if lanes:
            found.append(repr((_who(instance), lanes)))
    return sorted(found)


def _number(instance: Instance) -> str:
    return instance.dn or agent_name(instance.label, "")


def _who(instance: Instance) -> Instance:
    """An instance without what does not matter."""
    plain = Instance(
        id="", dn=_number(instance), register=instance.register, codecs=instance.codecs, pbx_host=instance.pbx_host
    )
    if not instance.pbx_host:
        return plain
    interval = instance.register_interval_s if instance.register else 0
    return replace(
        plain, pbx_port=instance.pbx_port, pbx_transport=instance.pbx_transport, register_interval_s=interval
    )


_Ways = tuple[int | None, int | None]


def _lane(flow: Flow, start: str, owner: Instance, addresses: Addresses) -> list[tuple[Step, _Ways]]:
    """The steps that a start edge leads to, with numbers in place of ids."""
    numbers: dict[str | None, int] = {}
    stack: list[str | None] = [start]
    while stack:
        step_id = stack.pop()
        if step_id is not None and step_id not in numbers:
            numbers[step_id] = len(numbers)
            stack += [flow.steps[step_id].failure, flow.steps[step_id].success]
    steps = [flow.steps[step_id] for step_id in numbers if step_id is not None]
    return [(_what(step, owner, addresses), (numbers.get(step.success), numbers.get(step.failure))) for step in steps]


def _what(step: Step, owner: Instance, addresses: Addresses) -> Step:
    """A step without what does not matter."""

    def address(text: str) -> str:
        return str(addresses.target(text, owner)[0]).strip('"').removeprefix("sip:") if text else ""

    in_a_call = step.name not in ("INCOMING", "TIMEOUT", "MuteTransfer")
    blind = f"sip:{step.user}@{step.host}" if step.host else step.user
    return Step(
        id="",
        name=step.name,
        call=call_name(step.call or DEFAULT_CALL) if in_a_call else "",
        timeout_ms=step.timeout_ms if step.name in _WAITS else 0,
        target=address(step.target),
        path=step.path,
        digits=step.digits,
        interval_ms=step.interval_ms,
        user=address(blind),
        primary=call_name(step.primary) if step.primary else "",
        consult=call_name(step.consult) if step.consult else "",
    )
