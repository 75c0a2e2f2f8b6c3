"""Graph JSON: golden, schema, and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sipflow.ir.draw import graph_to_dot, graph_to_mermaid
from sipflow.ir.dump import GraphFormatError, graph_to_json, load_graph
from sipflow.ir.graph import Graph
from sipflow.ir.validate import problems
from sipflow.lang import compile_text
from tests.conftest import Golden
from tests.lang.samples import ROOT, STATEMENTS, in_a_lane, scenarios

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(GOLDEN.glob("*.sflow"))


def compiled(text: str, source: str = "<text>") -> Graph:
    graph = compile_text(text, source).graph
    assert graph is not None
    return graph


def graphs() -> list[Graph]:
    texts = [path.read_text(encoding="utf-8") for path in [*scenarios(), *CASES]]
    return [compiled(text) for text in [*texts, *map(in_a_lane, STATEMENTS)]]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden_json(path: Path, golden: Golden) -> None:
    graph = compiled(path.read_text(encoding="utf-8"), path.name)
    golden.check(path.with_suffix(".json"), json.dumps(graph_to_json(graph), indent=1, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden_pictures(path: Path, golden: Golden) -> None:
    graph = compiled(path.read_text(encoding="utf-8"), path.name)
    golden.check(path.with_suffix(".mmd"), graph_to_mermaid(graph))
    golden.check(path.with_suffix(".dot"), graph_to_dot(graph))


def test_a_graph_comes_back_from_json_as_it_was() -> None:
    for graph in graphs():
        assert load_graph(json.loads(json.dumps(graph_to_json(graph)))) == graph


def test_graphs_of_texts_are_sound() -> None:
    for graph in graphs():
        assert problems(graph) == []


def test_graphs_follow_the_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs" / "graph.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for graph in graphs():
        validator.validate(graph_to_json(graph))
    broken = graph_to_json(graphs()[0])
    broken["nodes"][0]["kind"] = "thing"
    assert not validator.is_valid(broken)


def test_the_schema_names_every_field_that_is_written() -> None:
    """Holds without jsonschema: a field that is new in the graph has to be described."""
    schema = json.loads((ROOT / "docs" / "graph.schema.json").read_text(encoding="utf-8"))
    data = graph_to_json(graphs()[0])
    assert set(data) == set(schema["properties"])
    assert set(data["nodes"][0]) == set(schema["$defs"]["node"]["properties"])
    assert set(data["agents"][0]) == set(schema["$defs"]["agent"]["properties"])
    assert set(data["lanes"][0]) == set(schema["properties"]["lanes"]["items"]["properties"])


@pytest.mark.parametrize("change", [{"version": 1}, {"nodes": [{}]}, {"lanes": None}, {"source": None, "nodes": 3}])
def test_json_that_is_no_graph_is_refused_with_one_kind_of_error(change: dict[str, object]) -> None:
    with pytest.raises(GraphFormatError):
        load_graph({**graph_to_json(graphs()[0]), **change})
