"""The statement that a step is, and whom it is directed at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sipflow.flowdata.model import DEFAULT_INTERVAL_MS, Instance, Step
from sipflow.flowdata.names import call_name
from sipflow.ir import ops
from sipflow.ir.expr import Expr, Literal, Quantity, Unit

_ADDRESS = re.compile(r"(?:sips?:)?(?P<user>[^@;>\s]+)(?:@(?P<host>\[[^\]]*\]|[^:;>\s]*)(?::(?P<port>\d+))?.*)?", re.I)

_Target = tuple[Expr, str | None]


@dataclass(slots=True)
class Addresses:
    """Knows which addresses are those of instances."""

    instances: Iterable[Instance]
    names: dict[str, str]
    named: set[str] = field(default_factory=set)
    """Ids of the instances that were asked for."""

    def target(self, address: str, caller: Instance | None) -> _Target:
        """The agent whose `dn` the address has, unless it is to be found at the caller's PBX; else the address."""
        found = _ADDRESS.fullmatch(address)
        host = (found["host"] or "") if found else ""
        at_the_pbx = caller is not None and caller.pbx_host != "" and host in ("", caller.pbx_host)
        if found is not None and not at_the_pbx:
            callee = self._with_dn(found["user"], caller)
            if callee is not None:
                self.named.add(callee.id)
                return Literal(self.names[callee.id]), self.names[callee.id]
        if found is not None and caller is not None and caller.pbx_host and not host:
            return Literal(f"sip:{found['user']}@{caller.pbx_host}"), None
        return Literal(address), None

    def _with_dn(self, dn: str, caller: Instance | None) -> Instance | None:
        return next((instance for instance in self.instances if instance.dn == dn and instance is not caller), None)


def statement(
    step: Step, name: str | None, consult: str | None, instance: Instance | None, addresses: Addresses
) -> ops.Op:
    """The operation of a step; `name` is what its call is called, None for the lane's current one."""
    match step.name:
        case "MakeCall":
            return ops.Call(*addresses.target(step.target, instance), name)
        case "Answer":
            return ops.Answer(name)
        case "BlindTransfer":
            address = f"sip:{step.user}@{step.host}" if step.host else step.user
            return ops.Transfer(*addresses.target(address, instance))
        case "MuteTransfer":
            return ops.Transfer(other=consult or call_name(step.consult))
        case _:
            return _PLAIN[step.name](step)


def _duration(milliseconds: int) -> Expr:
    return Literal(Quantity(float(milliseconds), Unit.MILLISECOND))


def _text(value: str) -> Expr | None:
    return Literal(value) if value else None


def _send_dtmf(step: Step) -> ops.Op:
    gap = None if step.interval_ms == DEFAULT_INTERVAL_MS else _duration(step.interval_ms)
    return ops.SendDtmf(Literal(step.digits), gap)


_PLAIN: dict[str, Callable[[Step], ops.Op]] = {
    "Release": lambda step: ops.Release(),
    "PlayMedia": lambda step: ops.Play(Literal(step.path)),
    "SendDTMF": _send_dtmf,
    "Record": lambda step: ops.Record(_text(step.path)),
    "StopRecord": lambda step: ops.StopRecord(),
    "Hold": lambda step: ops.Hold(),
    "Retrieve": lambda step: ops.Resume(),
    "INCOMING": lambda step: ops.ExpectCall(),
    "RINGING": lambda step: ops.ExpectRinging(),
    "DISCONNECTED": lambda step: ops.ExpectHangup(),
    "DTMF_RECEIVED": lambda step: ops.ExpectDtmf(_text(step.digits)),
    "TIMEOUT": lambda step: ops.Wait(_duration(step.timeout_ms)),
    "HELD": lambda step: ops.ExpectHeld(),
    "RETRIEVED": lambda step: ops.ExpectResumed(),
    "TRANSFERRED": lambda step: ops.ExpectTransferred(),
    "NOTIFY": lambda step: ops.ExpectNotify(),
    "RECORD_COMPLETED": lambda step: ops.ExpectRecorded(),
}
