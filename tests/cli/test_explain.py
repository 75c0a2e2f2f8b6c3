"""`sipflow explain`, and what it says of runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import sipflow
from sipflow.cli.explain import explain, rendered_example
from sipflow.lang.codes import CODES, OF_RUNS
from sipflow.report.verdict import verdict_lines


def run(*arguments: str) -> Result:
    return CliRunner().invoke(explain, arguments)


@pytest.mark.parametrize("name", ["SF203", "sf203", "203"])
def test_a_code_in_any_way_of_writing_it(name: str) -> None:
    text = run(name).output
    assert text.startswith("SF203: an unknown agent\n")
    for part in (CODES["SF203"].why.split()[-1], "error[SF203]: unknown agent `bbo`", "help: did you mean `bob`?"):
        assert part in text
    assert text.endswith("Instead:\n\n    on alice: call bob\n    on bob: answer\n")


@pytest.mark.parametrize("code", CODES)
def test_every_code_can_be_explained(code: str) -> None:
    result = run(code)
    assert result.exit_code == 0
    assert f"[{code}]" in result.output or code == "SF101"
    assert max(map(len, result.output.splitlines())) < 240


def test_several_codes() -> None:
    assert re.findall(r"^SF\d+", run("203", "207").output, re.MULTILINE) == ["SF203", "SF207"]


def test_a_word_lists_the_codes_that_are_about_it() -> None:
    assert re.findall(r"SF\d{3}", run("codec").output) == ["SF210", "SF404", "SF412", "SF413", "SF414"]
    assert run("too deeply").output.startswith("SF107: nested too deeply\n"), "a single one is explained"


def test_without_an_argument_all_codes_by_family() -> None:
    text = run().output
    assert re.findall(r"^  (SF\d{3})  ", text, re.MULTILINE) == list(CODES)
    assert "\nOrder of the call flow (SF3xx)\n  SF301  no call yet\n" in text


@pytest.mark.parametrize(
    ("wanted", "hint"), [("299", "SF29"), ("SF999", "SF"), ("cdoec", "'codec'"), ("qqq", "lists all")]
)
def test_what_is_unknown_names_what_is_near(wanted: str, hint: str) -> None:
    result = run(wanted)
    assert result.exit_code == 2 and hint[:4] in result.output and "Traceback" not in result.output


def test_json() -> None:
    data = json.loads(run("203", "--format", "json").output)
    (entry,) = data["codes"]
    assert (data["version"], entry["code"], entry["family"]) == (1, "SF203", "Names, kinds and units")
    assert entry["diagnostic"].startswith("error[SF203]") and entry["example"] and entry["instead"] and entry["why"]
    assert len(json.loads(run("--format", "json").output)["codes"]) == len(CODES)


# --- codes of runs -------------------------------------------------------------------------------------------------


def said_by_a_run(text: str, folder: Path) -> str:
    report = sipflow.run(text, out=folder, timeout_s=1.0)
    said = "\n".join(verdict_lines(report, text)).replace("<text>", "example.sflow")
    return re.sub(r"\d+\.\d\d\d s", "… s", said)


@pytest.mark.wire
@pytest.mark.parametrize("code", sorted(OF_RUNS))
def test_the_example_of_a_run_says_what_is_shown(code: str, tmp_path: Path) -> None:
    shown = re.sub(r"\d+\.\d\d\d s", "… s", rendered_example(CODES[code]))
    assert shown.strip() in said_by_a_run(CODES[code].example, tmp_path)


@pytest.mark.wire
@pytest.mark.parametrize("code", sorted(OF_RUNS))
def test_what_to_write_instead_passes_when_it_runs(code: str, tmp_path: Path) -> None:
    assert sipflow.run(CODES[code].instead, out=tmp_path, timeout_s=20.0).passed
