"""FlowData to a flow: any JSON value whatever gives a flow or notes, never an exception."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

from sipflow.flowdata.model import (
    COMMANDS,
    DEFAULT_CODECS,
    DEFAULT_INTERVAL_MS,
    DEFAULT_PBX_PORT,
    DEFAULT_REGISTER_S,
    DEFAULT_TIMEOUT_MS,
    EVENTS,
    OTHER_SPELLINGS,
    Flow,
    Instance,
    Step,
)
from sipflow.flowdata.notes import Note

CODECS = {"pcmu": "PCMU", "pcma": "PCMA", "opus": "opus", "g722": "G722", "l16": "L16", "gsm": "GSM", "g729": "G729"}
MAX_MS = 24 * 3_600_000
_NEEDS = {"MakeCall": "targetUri", "PlayMedia": "filePath", "SendDTMF": "digits", "BlindTransfer": "targetUser"}
"""What a command means nothing without."""


def parse_flow(data: object) -> tuple[Flow | None, list[Note]]:
    """The flow of a JSON value, None when it is no FlowData at all, and what is wrong with it."""
    reader = _Reader()
    flow = reader.flow(data)
    return flow, reader.notes


@dataclass(slots=True)
class _Fields:
    """The fields of an object, read with care."""

    data: dict[str, Any]
    where: str
    node: str
    notes: list[Note]

    def text(self, *names: str) -> str:
        """The first of these fields that is there; numbers are text, too."""
        for name in names:
            value = self.data.get(name)
            if isinstance(value, str):
                return value.encode("utf-8", "replace").decode("utf-8").strip()
            if _is_number(value):
                return str(int(value)) if value == int(value) else str(value)
            if value is not None:
                self.warn(name, "is no text")
        return ""

    def whole(self, name: str, default: int, most: int) -> int:
        """A whole number from 1 to `most`."""
        value: Any = self.data.get(name)
        if isinstance(value, str) and value.strip().isdecimal() and len(value) < 12:
            value = int(value)
        if value is None or value == "":
            return default
        if _is_number(value) and 1 <= value <= most:
            return int(value)
        self.warn(name, f"is no number from 1 to {most}; {default} is taken")
        return default

    def flag(self, name: str, default: bool) -> bool:
        """A truth value."""
        value = self.data.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.warn(name, f"is neither true nor false; {str(default).lower()} is taken")
        return default

    def warn(self, name: str, message: str) -> None:
        """Say what is wrong with a field."""
        self.notes.append(Note("warning", f"`{name}` {message}", f"{self.where}.{name}", self.node))


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(slots=True)
class _Reader:
    notes: list[Note] = field(default_factory=list)
    instances: dict[str, Instance] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    starts: dict[tuple[str, str], None] = field(default_factory=dict)

    def flow(self, data: object) -> Flow | None:
        """The whole document."""
        nodes = data.get("nodes") if isinstance(data, dict) else None
        if not isinstance(nodes, list):
            self._error("this is no FlowData: an object with a list `nodes` is needed")
            return None
        for number, node in enumerate(nodes):
            self._node(node, f"nodes[{number}]")
        edges = data.get("edges", []) if isinstance(data, dict) else []
        if not isinstance(edges, list):
            self._error("`edges` is no list", "edges")
            edges = []
        for number, edge in enumerate(edges):
            self._edge(edge, f"edges[{number}]")
        self.steps = {step.id: self._at_home(step) for step in self.steps.values()}
        return Flow(tuple(self.instances.values()), self.steps, tuple(self.starts))

    def _error(self, message: str, where: str = "", node: str = "") -> None:
        self.notes.append(Note("error", message, where, node))

    # --- nodes -----------------------------------------------------------------------------------------------------

    def _node(self, node: object, where: str) -> None:
        if not isinstance(node, dict):
            self._error("a node is an object", where)
            return
        node_id = _Fields(node, where, "", self.notes).text("id")
        if not node_id or node_id in self.instances or node_id in self.steps:
            message = f"there is a node `{node_id}` already" if node_id else "a node needs an `id`"
            self._error(f"{message}; this one is left out", f"{where}.id", node_id)
            return
        data = node.get("data")
        fields = _Fields(data if isinstance(data, dict) else {}, f"{where}.data", node_id, self.notes)
        kind = node.get("type")
        if kind == "sipInstance":
            self.instances[node_id] = self._instance(fields)
        elif kind in ("command", "event"):
            self.steps[node_id] = self._step(str(kind), fields)
        else:
            self.notes.append(Note("warning", f"nodes of type {kind!r} have no counterpart", f"{where}.type", node_id))

    def _instance(self, fields: _Fields) -> Instance:
        mode = fields.text("mode").lower()
        host = fields.text("pbxHost")
        register = fields.flag("register", default=mode != "endpoint")
        if register and not host and "register" in fields.data:
            message = "`register` is set, and no `pbxHost` says where; the agent does not register"
            self.notes.append(Note("warning", message, f"{fields.where}.register", fields.node))
        transport = fields.text("pbxTransport").upper() or "UDP"
        if transport not in ("UDP", "TCP"):
            fields.warn("pbxTransport", "is neither UDP nor TCP; UDP is taken")
            transport = "UDP"
        return Instance(
            id=fields.node,
            label=fields.text("label"),
            dn=fields.text("dn"),
            register=register and bool(host),
            codecs=self._codecs(fields),
            pbx_host=host,
            pbx_port=fields.whole("pbxPort", DEFAULT_PBX_PORT, 65535),
            pbx_transport=transport,
            register_interval_s=fields.whole("registerIntervalSeconds", DEFAULT_REGISTER_S, MAX_MS // 1000),
            color=fields.text("color"),
        )

    def _codecs(self, fields: _Fields) -> tuple[str, ...]:
        given = fields.data.get("codecs")
        if given is None:
            return DEFAULT_CODECS
        if not isinstance(given, list):
            fields.warn("codecs", "is no list of names")
            return DEFAULT_CODECS
        known = {str(name): CODECS.get(re.sub(r"[./].*", "", str(name).strip().lower())) for name in given}
        for name in (name for name, codec in known.items() if codec is None):
            fields.warn("codecs", f"has an unknown codec {name[:40]!r}")
        return tuple(dict.fromkeys(codec for codec in known.values() if codec is not None)) or DEFAULT_CODECS

    def _step(self, kind: str, fields: _Fields) -> Step:
        given = fields.text(kind)
        name = OTHER_SPELLINGS.get(given, given)
        step = Step(
            id=fields.node,
            name=name,
            label=fields.text("label"),
            instance=self._instance_id(fields),
            call=fields.text("callId"),
            timeout_ms=fields.whole("timeout", DEFAULT_TIMEOUT_MS, MAX_MS),
            where=fields.where,
            **_own_fields(name, fields),
        )
        if name not in (COMMANDS if kind == "command" else EVENTS):
            self._passed_over(f"the {kind} {given[:60]!r} is not supported", f"{fields.where}.{kind}", fields)
            return replace(step, name="")
        if name in _NEEDS and not (step.target or step.path or step.digits or step.user):
            self._passed_over(f"{given} has no `{_NEEDS[name]}`", fields.where, fields)
            return replace(step, name="")
        return step

    def _instance_id(self, fields: _Fields) -> str:
        return fields.text("sipInstanceId")

    def _passed_over(self, message: str, where: str, fields: _Fields) -> None:
        self._error(f"{message}; the flow goes on behind it", where, fields.node)

    def _at_home(self, step: Step) -> Step:
        """A step with an instance that exists, or with none; the number of an INCOMING may stand for it."""
        where = f"{step.where}.sipInstanceId"
        if step.instance and step.instance not in self.instances:
            self._error(
                f"there is no instance `{step.instance}`; the one whose edge leads here is taken", where, step.id
            )
            step = replace(step, instance="")
        if step.name == "INCOMING" and not step.instance and step.number:
            owner = next((instance for instance in self.instances.values() if instance.dn == step.number), None)
            return replace(step, instance="" if owner is None else owner.id)
        return step

    # --- edges -----------------------------------------------------------------------------------------------------

    def _edge(self, edge: object, where: str) -> None:
        if not isinstance(edge, dict):
            self._error("an edge is an object", where)
            return
        fields = _Fields(edge, where, "", self.notes)
        fields.node = fields.text("id")
        source, target = fields.text("source"), fields.text("target")
        for end, name in (("source", source), ("target", target)):
            if name not in self.steps and name not in self.instances:
                message = f"the edge leads {'from' if end == 'source' else 'to'} `{name}`, which is not there"
                self._error(message, f"{where}.{end}", fields.node)
                return
        if target in self.instances:
            self._error(f"the edge leads to the instance `{target}`", f"{where}.target", fields.node)
        elif source in self.instances:
            self.starts[source, target] = None
        else:
            self._connect(self.steps[source], target, _handle(fields), fields)

    def _connect(self, source: Step, target: str, handle: str, fields: _Fields) -> None:
        known = source.success if handle == "success" else source.failure
        if known is not None and known != target:
            message = f"`{source.id}` has a second {handle} edge, to `{target}`; the first, to `{known}`, is taken"
            self._error(message, fields.where, fields.node)
        elif handle == "success":
            self.steps[source.id] = replace(source, success=target)
        else:
            self.steps[source.id] = replace(source, failure=target)


def _handle(fields: _Fields) -> str:
    """Which way out of its node an edge is."""
    handle = fields.data.get("sourceHandle")
    if handle is None:
        data = fields.data.get("data")
        handle = data.get("branchType") if isinstance(data, dict) else None
    if handle not in (None, "", "success", "failure"):
        fields.warn("sourceHandle", "is neither success nor failure; success is taken")
    return "failure" if handle == "failure" else "success"


def _own_fields(name: str, fields: _Fields) -> dict[str, Any]:
    """The fields of a command or an event that only some have."""
    match name:
        case "MakeCall":
            return {"target": fields.text("targetUri")}
        case "PlayMedia":
            return {"path": fields.text("filePath", "mediaPath")}
        case "Record":
            return {"path": fields.text("recordPath")}
        case "SendDTMF":
            interval = fields.whole("intervalMs", DEFAULT_INTERVAL_MS, MAX_MS)
            return {"digits": fields.text("digits", "dtmfDigits"), "interval_ms": interval}
        case "BlindTransfer":
            return {"user": fields.text("targetUser"), "host": fields.text("targetHost")}
        case "MuteTransfer":
            return {"primary": fields.text("primaryCallId"), "consult": fields.text("consultCallId")}
        case "INCOMING":
            return {"number": fields.text("number")}
        case "DTMF_RECEIVED":
            return {"digits": fields.text("expectedDigit", "dtmfDigit")}
        case _:
            return {}
