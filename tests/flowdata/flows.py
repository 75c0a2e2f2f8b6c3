"""FlowData documents for tests: samples of this folder and beside the repository, and any number of made ones."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from sipflow.ir.graph import Graph
from sipflow.ir.program import graph_to_text
from sipflow.lang import CompileResult, compile_text

SAMPLES = Path(__file__).parent / "samples"
SHARED = Path(__file__).parents[3] / "shared" / "flowdata"
SHARED_NAMES = ("two-party", "ivr-failure-branch", "mute-transfer", "join-and-loop", "broken")

Json = dict[str, Any]


def sample(name: str) -> Json:
    """A document of this folder, or one of those beside the repository."""
    if name in SHARED_NAMES:
        path = SHARED / f"{name}.json"
        if not path.is_file():
            pytest.skip(f"{path} is not there: these samples are no part of the repository")
    else:
        path = SAMPLES / f"{name}.json"
    data: Json = json.loads(path.read_text(encoding="utf-8"))
    return data


def instance(node_id: str, label: str, dn: str, **more: object) -> Json:
    return {"id": node_id, "type": "sipInstance", "data": {"label": label, "dn": dn, "register": False, **more}}


def command(node_id: str, name: str, **more: object) -> Json:
    return {"id": node_id, "type": "command", "data": {"label": name, "command": name, **more}}


def event(node_id: str, name: str, **more: object) -> Json:
    return {"id": node_id, "type": "event", "data": {"label": name, "event": name, **more}}


def edge(source: str, target: str, handle: str = "success") -> Json:
    return {"id": f"{source}-{handle}-{target}", "source": source, "target": target, "sourceHandle": handle}


def chain(*nodes: Json) -> Json:
    """A document in which the nodes follow each other; each instance begins anew."""
    edges = [edge(one["id"], other["id"]) for one, other in pairwise(nodes) if other["type"] != "sipInstance"]
    return {"nodes": list(nodes), "edges": edges}


def compiled(graph: Graph) -> CompileResult:
    """What the text of a graph means."""
    return compile_text(graph_to_text(graph))


_MAIN = (
    ("command", "SendDTMF", {"digits": "1"}),
    ("command", "SendDTMF", {"digits": "12#", "intervalMs": 60}),
    ("command", "PlayMedia", {"mediaPath": "menu.wav"}),
    ("command", "PlayAudio", {"filePath": "menu.wav"}),
    ("command", "Record", {}),
    ("command", "Record", {"recordPath": "r.wav"}),
    ("command", "Hold", {}),
    ("command", "Retrieve", {"timeout": 3000}),
    ("event", "DTMF_RECEIVED", {"dtmfDigit": "1", "timeout": 5000}),
    ("event", "DTMFReceived", {"expectedDigit": ""}),
    ("event", "TIMEOUT", {"timeout": 700}),
    ("event", "HELD", {}),
    ("event", "NOTIFY", {}),
    ("command", "Release", {}),
)


@st.composite
def flows(draw: st.DrawFn) -> Json:
    """Two instances that call each other, and behind that anything: joins, loops, failures that lead anywhere."""
    nodes = [instance("A", "Alice", "100"), instance("B", "Bob", "200")]
    edges = [edge("A", "A0"), edge("B", "B0"), edge("B0", "B1")]
    nodes.append(command("A0", "MakeCall", sipInstanceId="A", targetUri="sip:200@127.0.0.1"))
    nodes += [event("B0", "INCOMING", sipInstanceId="B", timeout=4000), command("B1", "Answer", sipInstanceId="B")]
    for owner, last in (("A", "A0"), ("B", "B1")):
        count = draw(st.integers(1, 7))
        ids = [f"{owner}{number}" for number in range(2, 2 + count)]
        for node_id in ids:
            kind, name, data = draw(st.sampled_from(_MAIN))
            nodes.append({"id": node_id, "type": kind, "data": {kind: name, "sipInstanceId": owner, **data}})
        anywhere = st.one_of(st.none(), st.sampled_from(ids))
        for place, node_id in enumerate([last, *ids]):
            following = ids[place] if place < len(ids) and draw(st.integers(0, 3)) else draw(anywhere)
            ways = ((following, "success"), (draw(anywhere), "failure"))
            edges += [edge(node_id, target, handle) for target, handle in ways if target is not None]
    return {"nodes": nodes, "edges": edges}
