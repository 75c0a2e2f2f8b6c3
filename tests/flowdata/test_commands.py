"""`sipflow import` and `sipflow export` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sipflow.cli.flowdata import export_flow, import_flow
from sipflow.flowdata import same_flow
from tests.flowdata.flows import SAMPLES, sample


def imported(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(import_flow, list(arguments), input=text)


def exported(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(export_flow, list(arguments), input=text)


def test_a_flow_becomes_a_file_that_becomes_the_same_flow(tmp_path: Path) -> None:
    text, back = tmp_path / "ways.sflow", tmp_path / "back" / "ways.json"
    assert imported(str(SAMPLES / "ways.json"), "-o", str(text)).exit_code == 0
    assert text.read_text(encoding="utf-8").startswith('# from ways.json\nscenario "ways"\n')
    assert exported(str(text), "--to", "flowdata", "-o", str(back)).exit_code == 0
    assert same_flow(sample("ways"), json.loads(back.read_text(encoding="utf-8")))


def test_notes_go_to_standard_error_with_their_place() -> None:
    result = imported(str(SAMPLES / "wrong.json"))
    assert result.exit_code == 0
    assert "error: the command 'Dance' is not supported" in result.stderr
    assert "wrong.json: nodes[5].data.command (p2)" in result.stderr
    assert "error" not in result.stdout


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "7", '{"nodes": []}', '{"nodes": [{"id": "a"}], "edges": 3}'])
def test_a_file_of_which_nothing_can_be_used_is_an_error_in_a_line(text: str) -> None:
    result = imported("-", text=text)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "error: " in result.stderr
    assert "Traceback" not in result.output


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert imported(str(tmp_path / "no.json")).exit_code == 2
    assert exported(str(tmp_path / "no.sflow")).exit_code == 2


def test_what_is_lost_is_a_warning_and_with_strict_an_error() -> None:
    text = 'on alice {\n  call bob\n  log "x"\n}\non bob: answer; expect hangup\n'
    result = exported("-", text=text)
    assert result.exit_code == 0
    assert 'warning: FlowData has no counterpart of `log "x"`\n  --> <stdin>:3' in result.stderr
    strict = exported("-", "--strict", text=text)
    assert (strict.exit_code, strict.stdout) == (2, "")


def test_a_scenario_with_an_error_is_not_exported() -> None:
    result = exported("-", text="on alice: call bbo\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "SF203" in result.stderr
