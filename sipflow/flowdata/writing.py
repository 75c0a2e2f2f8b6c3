"""A flow as the JSON document that the builder stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sipflow.flowdata.model import DEFAULT_CALL, Flow, Instance, Step

Json = dict[str, Any]
Positions = Mapping[str, tuple[int, int]]

_CODEC_SPELLING = {"opus": "Opus"}


def document(flow: Flow, positions: Positions) -> Json:
    """The document of a flow; ids are numbered, so that the same flow gives the same document."""
    ids = {instance.id: f"instance-{number}" for number, instance in enumerate(flow.instances, 1)}
    ids |= {step_id: f"node-{number}" for number, step_id in enumerate(flow.steps, 1)}
    nodes = [_node(ids[i.id], "sipInstance", positions[i.id], _instance_data(i)) for i in flow.instances]
    nodes += [_node(ids[s.id], s.kind, positions[s.id], _step_data(s, ids)) for s in flow.steps.values()]
    return {"nodes": nodes, "edges": list(_edges(flow, ids))}


def _node(node_id: str, kind: str, position: tuple[int, int], data: Json) -> Json:
    return {"id": node_id, "type": kind, "position": {"x": position[0], "y": position[1]}, "data": data}


def _instance_data(instance: Instance) -> Json:
    data: Json = {
        "label": instance.label,
        "mode": "DN",
        "dn": instance.dn,
        "register": instance.register,
        "color": instance.color,
        "codecs": [_CODEC_SPELLING.get(codec, codec) for codec in instance.codecs],
    }
    if instance.pbx_host:
        data |= {
            "pbxHost": instance.pbx_host,
            "pbxPort": instance.pbx_port,
            "pbxTransport": instance.pbx_transport,
            "registerIntervalSeconds": instance.register_interval_s,
        }
    return data


def _step_data(step: Step, ids: Mapping[str, str]) -> Json:
    data: Json = {"label": step.label or step.name, step.kind: step.name, "sipInstanceId": ids[step.instance]}
    if step.name not in ("MuteTransfer", "INCOMING"):
        data["callId"] = step.call or DEFAULT_CALL
    return {**data, **_own_fields(step), "timeout": step.timeout_ms}


def _own_fields(step: Step) -> Json:
    match step.name:
        case "MakeCall":
            return {"targetUri": step.target}
        case "PlayMedia":
            return {"mediaPath": step.path}
        case "Record":
            return {"recordPath": step.path} if step.path else {}
        case "SendDTMF":
            return {"digits": step.digits, "intervalMs": step.interval_ms}
        case "BlindTransfer":
            return {"targetUser": step.user, "targetHost": step.host}
        case "MuteTransfer":
            return {"primaryCallId": step.primary, "consultCallId": step.consult}
        case "DTMF_RECEIVED":
            return {"expectedDigit": step.digits}
        case _:
            return {}


def _edges(flow: Flow, ids: Mapping[str, str]) -> Iterator[Json]:
    number = 0
    for source, target in flow.starts:
        number += 1
        yield {"id": f"edge-{number}", "source": ids[source], "target": ids[target]}
    for step in flow.steps.values():
        for handle, onward in (("success", step.success), ("failure", step.failure)):
            if onward is not None:
                number += 1
                edge = {"id": f"edge-{number}", "source": ids[step.id], "target": ids[onward]}
                yield {**edge, "sourceHandle": handle}
