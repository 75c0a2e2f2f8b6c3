"""The forms in which `sipflow check` says what it found."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import CliRunner, Result

from sipflow.cli.check import check
from sipflow.lang.codes import CODES
from tests.lang.samples import ROOT

GOOD = "on alice: call bob; release\non bob: answer; expect hangup\n"
WRONG = """\
on alice {
  call bbo; wait 5
  signal x
  expect hangup else {
    release

on bob: answer
"""
COMMON = 'agent pbx = "sip:pbx.example.com"\ndefine reach() { call pbx within 5; log nonsense }\n'
GOLDEN = ROOT / "tests" / "lang" / "golden"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.sflow").write_text(GOOD)
    (tmp_path / "wrong.sflow").write_text(WRONG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sharing(folder: Path) -> Path:
    """Two files that import a third, which has an error."""
    (folder / "wrong.sflow").unlink()
    (folder / "lib").mkdir()
    (folder / "lib" / "common.sflow").write_text(COMMON)
    for name in ("a", "b"):
        (folder / f"{name}.sflow").write_text('import "lib/common.sflow"\non alice: reach()\n')
    return folder


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(check, arguments, input=text)


def found_as_json(*arguments: str, text: str | None = None) -> Any:
    data = json.loads(run(*arguments, "--format", "json", text=text).stdout)
    jsonschema.validate(data, json.loads((ROOT / "docs" / "check.schema.json").read_text()))
    return data


# --- text ----------------------------------------------------------------------------------------------------------


def test_colours_do_not_change_the_text(folder: Path) -> None:
    coloured, plain = run(".", "--color", "always").stdout, run(".", "--color", "never").stdout
    assert "\x1b[" in coloured and "\x1b[" not in plain
    assert re.sub(r"\x1b\[\d*m", "", coloured) == plain


def test_errors_are_red_warnings_yellow_and_the_frame_blue(folder: Path) -> None:
    red, yellow, blue, bold = "\x1b[31m\x1b[1m", "\x1b[33m\x1b[1m", "\x1b[34m\x1b[1m", "\x1b[1m"
    text = run("-", "--color", "always", text="on alice: call bbo; signal x\non bob: answer\n").stdout
    assert f"{red}error[SF203]\x1b[0m{bold}: unknown agent `bbo`" in text
    assert f"{red}^^^ not declared" in text and f"{yellow}^ has no effect" in text
    assert f"{blue} 1 |\x1b[0m on alice: call bbo; signal x\n" in text


def test_a_source_line_that_looks_like_carets_keeps_its_colour() -> None:
    text = run("-", "--color", "always", text="on alice {\n^^^ not a line of ours\n}\non bob: answer\n").stdout
    assert " 2 |\x1b[0m ^^^ not a line of ours" in text


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "github"])
def test_no_colour_gets_into_what_programs_read(folder: Path, form: str) -> None:
    assert "\x1b" not in run(".", "--format", form, "--color", "always").stdout


# --- json ----------------------------------------------------------------------------------------------------------


def test_json_follows_its_schema(folder: Path) -> None:
    data = found_as_json(".", "nowhere.sflow")
    assert data["errors"] == sum(d["severity"] == "error" for f in data["files"] for d in f["diagnostics"]) > 2
    assert {file["path"]: (file["ok"], file["problem"]) for file in data["files"]} == {
        "good.sflow": (True, None),
        "wrong.sflow": (False, None),
        "nowhere.sflow": (False, "No such file or directory"),
    }


def test_the_document_of_the_page_about_checking_is_what_is_written(folder: Path) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "checking.md").read_text(encoding="utf-8"), re.DOTALL)
    (folder / "ivr.sflow").write_text("on alice: call bbo\non bob: answer\n")
    assert json.loads(shown) == found_as_json("ivr.sflow")


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_diagnostic_follows_the_schema(path: Path) -> None:
    schema = json.loads((ROOT / "docs" / "check.schema.json").read_text())
    diagnostics = json.loads(path.read_text())
    assert diagnostics
    jsonschema.validate(diagnostics, {"$defs": schema["$defs"], "items": {"$ref": "#/$defs/diagnostic"}})


def test_problems_of_a_shared_file_are_told_once_and_under_its_name(sharing: Path) -> None:
    data = found_as_json("a.sflow", "b.sflow")
    assert [(file["path"], file["imported"], file["ok"]) for file in data["files"]] == [
        ("a.sflow", False, False),
        ("b.sflow", False, False),
        ("lib/common.sflow", True, False),
    ]
    assert [[d["code"] for d in file["diagnostics"]] for file in data["files"]] == [[], [], ["SF207", "SF205"]]


def test_a_shared_file_that_is_checked_as_well_needs_no_lane(sharing: Path) -> None:
    data = found_as_json(".")
    assert {file["path"]: [d["code"] for d in file["diagnostics"]] for file in data["files"]} == {
        "a.sflow": [],
        "b.sflow": [],
        "good.sflow": [],
        "lib/common.sflow": ["SF207", "SF205"],
    }
    (alone,) = found_as_json("lib/common.sflow")["files"]
    assert "SF307" in [d["code"] for d in alone["diagnostics"]]


def test_text_shows_the_lines_of_the_shared_file(sharing: Path) -> None:
    text = run("a.sflow").stdout
    assert "--> lib/common.sflow:2:34" in text and " 2 | define reach() { call pbx within 5; log" in text


# --- github --------------------------------------------------------------------------------------------------------


def test_a_workflow_command_for_each_diagnostic(folder: Path) -> None:
    lines = run(".", "--format", "github").stdout.splitlines()
    assert lines[0] == (
        "::error file=wrong.sflow,line=2,col=8,endLine=2,endColumn=11,title=SF203::unknown agent `bbo`"
        "%0Anot declared, and no lane has this name%0Ahelp: did you mean `bob`? (declared at line 7)"
    )
    assert len(lines) == 3 and all(line.startswith("::error file=wrong.sflow,line=") for line in lines)


def test_a_warning_is_a_warning_on_github_as_well() -> None:
    text = "on alice: call bob; signal x\non bob: answer\n"
    assert run("-", "--format", "github", text=text).stdout.startswith("::warning line=1,")


def test_signs_with_a_meaning_are_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,b:100%.sflow").write_text(
        "on alice: call bob; check media.loss < 1%; check 3% == 3\non bob: answer\n"
    )
    (line, *_) = run(".", "--format", "github").stdout.splitlines()
    assert line.startswith("::error file=a%2Cb%3A100%25.sflow,line=1,")
    properties, _, message = line.removeprefix("::").partition("::")
    assert not re.search(r"%(?!25|2C|3A|0A|0D)", properties) and not re.search(r"%(?!25|0A|0D)", message)


def test_what_goes_over_lines_has_no_columns(folder: Path) -> None:
    (folder / "long.sflow").write_text("on alice: check 1 +\n  5s == 2\n")
    (line, *_) = run("long.sflow", "--format", "github").stdout.splitlines()
    assert ",line=1,endLine=2,title=" in line and "col=" not in line


def test_standard_input_has_no_file() -> None:
    assert run("-", "--format", "github", text=WRONG).stdout.startswith("::error line=2,")


# --- sarif ---------------------------------------------------------------------------------------------------------


def sarif(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--format", "sarif").stdout)


def test_sarif_has_what_its_schema_requires(folder: Path) -> None:
    """SARIF 2.1.0: 3.13 (log), 3.14 (run), 3.18-3.19 (tool), 3.27 (result), 3.49 (rule)."""
    log = sarif(".")
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    (run_,) = log["runs"]
    driver = run_["tool"]["driver"]
    assert driver["name"] == "sipflow" and run_["columnKind"] == "unicodeCodePoints"
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(set(rules)) == len(rules) and set(rules) <= set(CODES)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"] and rule["help"]["markdown"]
    assert run_["originalUriBaseIds"]["%SRCROOT%"]["uri"] == f"{folder.as_uri()}/"
    for result in run_["results"]:
        assert result["message"]["text"] and rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning")
    assert run_["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]


def places(value: Any) -> list[dict[str, Any]]:
    """Every physical location, wherever it stands."""
    if isinstance(value, dict):
        own = [value["physicalLocation"]] if "physicalLocation" in value else []
        return own + [place for child in value.values() for place in places(child)]
    return [place for child in value for place in places(child)] if isinstance(value, list) else []


def test_regions_mark_what_is_meant(folder: Path) -> None:
    (run_,) = sarif("wrong.sflow")["runs"]
    found = places(run_["results"])
    assert len(found) > len(run_["results"]), "the missing brace has a related location"
    for place in found:
        assert place["artifactLocation"] == {"uri": "wrong.sflow", "uriBaseId": "%SRCROOT%"}
        region = place["region"]
        assert 1 <= region["startLine"] <= region["endLine"] and min(region["startColumn"], region["endColumn"]) >= 1
    first = run_["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert WRONG[first["charOffset"] :][: first["charLength"]] == "bbo"


def test_a_fix_of_sarif_can_be_carried_out(folder: Path) -> None:
    (run_,) = sarif("wrong.sflow")["runs"]
    (fix,) = run_["results"][0]["fixes"]
    assert fix["description"]["text"] == "write `bob`"
    (change,) = fix["artifactChanges"]
    (replacement,) = change["replacements"]
    assert replacement["insertedContent"] == {"text": "bob"} and replacement["deletedRegion"]["charLength"] == 3


def test_names_of_files_become_uris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("a b#1%.sflow", "../elsewhere.sflow"):
        Path(name).write_text(WRONG)
    inside, outside = sarif("a b#1%.sflow", str(tmp_path / "elsewhere.sflow"))["runs"][0]["artifacts"]
    assert unquote(inside["location"]["uri"]) == "a b#1%.sflow" and "#" not in inside["location"]["uri"]
    assert outside["location"] == {"uri": (tmp_path / "elsewhere.sflow").as_uri()}


def test_what_could_not_be_read_is_said_of_the_run(folder: Path) -> None:
    (invocation,) = sarif("nowhere.sflow")["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "No such file" in invocation["toolExecutionNotifications"][0]["message"]["text"]


# --- junit ---------------------------------------------------------------------------------------------------------


def cases(*arguments: str) -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(run(*arguments, "--format", "junit").stdout.encode())
    return {str(case.get("name")): case for case in root.iter("testcase")}


def test_a_test_case_for_each_file(folder: Path) -> None:
    found = cases(".", "nowhere.sflow")
    assert set(found) == {"good.sflow", "wrong.sflow", "nowhere.sflow"}
    assert len(found["good.sflow"]) == 0
    failures = found["wrong.sflow"].findall("failure")
    assert failures[0].get("type") == "SF203" and "--> wrong.sflow:2:8" in str(failures[0].text)
    assert found["nowhere.sflow"].find("error") is not None


def test_a_file_with_warnings_passes(folder: Path) -> None:
    (folder / "warned.sflow").write_text("on alice: call bob; signal x\non bob: answer\n")
    case = cases("warned.sflow")["warned.sflow"]
    assert case.find("failure") is None and "warning[SF305]" in str(case.findtext("system-out"))


def test_a_file_that_imports_an_error_fails(sharing: Path) -> None:
    found = cases("a.sflow")
    assert found["a.sflow"].find("failure").get("type") == "import"  # type: ignore[union-attr]
    assert found["lib/common.sflow"].find("failure").get("type") == "SF207"  # type: ignore[union-attr]


def test_characters_that_xml_has_no_place_for(folder: Path) -> None:
    (folder / "odd.sflow").write_bytes(b"on alice: call \x01\xff b\x0bo\nb\non bob: answer\n")
    assert cases("odd.sflow")["odd.sflow"].find("failure") is not None


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_json_of_bytes_that_are_no_text_is_json_for_every_parser(folder: Path, form: str) -> None:
    (folder / "odd.sflow").write_bytes(
        b'on alice: call bob; log "caf\xe9 \\\\udce9 \xf0\x9f\x98\x80"\non b\xf6b: answer\n'
    )
    text = run("odd.sflow", "--format", form).stdout
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")  # raises for a lone surrogate


@pytest.mark.parametrize("form", ["json", "github", "sarif", "junit"])
def test_every_form_has_the_exit_code_of_the_text(folder: Path, form: str) -> None:
    assert run("good.sflow", "--format", form).exit_code == 0
    assert run("wrong.sflow", "--format", form).exit_code == 2
    assert run("nowhere.sflow", "--format", form).exit_code == 2
