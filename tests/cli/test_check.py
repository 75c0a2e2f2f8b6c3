"""`sipflow check` and `sipflow graph`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sipflow.cli.check import check
from sipflow.cli.graph import graph
from tests.lang.samples import ROOT

GOOD = "on alice: call bob; release\non bob: answer; expect hangup\n"
WRONG = "on alice: call bbo\non bob: answer\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.sflow").write_text(GOOD)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "wrong.sflow").write_text(WRONG)
    return tmp_path


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(check, [str(argument) for argument in arguments], input=text)


def test_a_good_file(folder: Path) -> None:
    result = run(f"{folder}/good.sflow")
    assert (result.exit_code, result.output) == (0, "1 file checked: nothing wrong\n")


def test_a_folder_stands_for_all_files_below_it(folder: Path) -> None:
    result = run(str(folder))
    assert result.exit_code == 2
    assert "error[SF203]: unknown agent `bbo`" in result.output
    assert result.stderr == "2 files checked: 1 error\nmore about it: sipflow explain SF203\n"


def test_standard_input() -> None:
    result = run("-", text=WRONG)
    assert result.exit_code == 2
    assert " --> <stdin>:1:16" in result.output


def test_a_warning_is_no_error() -> None:
    result = run("-", text="on alice: call bob; signal x\non bob: answer\n")
    assert result.exit_code == 0
    assert result.stderr.startswith("1 file checked: 1 warning\n")


def test_json(folder: Path) -> None:
    result = run(str(folder), "--format", "json")
    data = json.loads(result.stdout)
    assert (result.exit_code, data["errors"], data["warnings"]) == (2, 1, 0)
    assert [Path(file["path"]).name for file in data["files"]] == ["wrong.sflow", "good.sflow"]
    assert [file["ok"] for file in data["files"]] == [False, True]
    (diagnostic,) = data["files"][0]["diagnostics"]
    assert diagnostic["code"] == "SF203" and diagnostic["fix"]["edits"][0]["text"] == "bob"


def test_a_missing_file_and_a_text_that_calls_itself_audio(tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("these are words, not samples")
    (tmp_path / "a.sflow").write_text('on a: call b; play "gone.wav"; play "notes.wav"\non b: answer\n')
    result = run(f"{tmp_path}/a.sflow")
    assert result.exit_code == 2
    assert "a.sflow:1:20" in result.output and "SF401" in result.output
    assert "a.sflow:1:37" in result.output and "SF402" in result.output


def test_media_is_found_beside_the_scenario_and_in_the_media_dir(tmp_path: Path) -> None:
    prompt = next((ROOT / "scenarios" / "media").glob("*.wav")).read_bytes()
    (tmp_path / "beside.wav").write_bytes(prompt)
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "there.wav").write_bytes(prompt)
    (tmp_path / "a.sflow").write_text('on a: call b; play "beside.wav"; play "there.wav"\non b: answer\n')
    assert run(f"{tmp_path}/a.sflow").exit_code == 2
    assert run(f"{tmp_path}/a.sflow", "--media-dir", str(tmp_path / "media")).exit_code == 0


@pytest.mark.parametrize("data", [b"\xff\xfe\x00on", b"\0" * 1000, b"on \xe9: call b", bytes(range(256)) * 40])
def test_bytes_that_are_no_text(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.sflow").write_bytes(data)
    result = run(f"{tmp_path}/a.sflow")
    assert result.exit_code == 2 and result.exception.__class__ is SystemExit
    assert "error[SF1" in result.output


def test_a_file_of_ten_megabytes(tmp_path: Path) -> None:
    (tmp_path / "a.sflow").write_bytes(b"\xc3\xa9" * 5_000_000)
    result = run(f"{tmp_path}/a.sflow")
    assert result.exit_code == 2 and "error[SF101]" in result.output


@pytest.mark.parametrize("name", ["nowhere.sflow", "bad\udcffname"])
def test_a_file_that_cannot_be_read(name: str) -> None:
    result = run(name)
    assert result.exit_code == 2 and "cannot read" in result.output


def test_a_folder_without_scenarios(tmp_path: Path) -> None:
    assert run(str(tmp_path)).exit_code == 2


def test_names_of_media_files_with_signs_that_folders_understand(tmp_path: Path) -> None:
    (tmp_path / "a.sflow").write_text('on a: call b; play "a**b.wav"; play "[x"; play "/"; play "~"\non b: answer\n')
    result = run(f"{tmp_path}/a.sflow")
    assert result.exit_code == 2 and result.exception.__class__ is SystemExit


def test_graph_json_and_pictures(folder: Path) -> None:
    runner = CliRunner()
    data = json.loads(runner.invoke(graph, [f"{folder}/good.sflow"]).output)
    assert [node["text"] for node in data["nodes"]] == ["call bob", "release", "answer", "expect hangup"]
    assert runner.invoke(graph, [f"{folder}/good.sflow", "--format", "mermaid"]).output.startswith("flowchart")
    assert runner.invoke(graph, [f"{folder}/good.sflow", "--format", "dot"]).output.startswith("digraph")


def test_graph_of_a_wrong_file(folder: Path) -> None:
    result = CliRunner().invoke(graph, [f"{folder}/below/wrong.sflow"])
    assert result.exit_code == 2 and result.stdout == "" and "SF203" in result.stderr


def test_checking_needs_neither_lark_nor_the_media_engine() -> None:
    """They cost more time than the whole check of a scenario that plays nothing may take."""
    program = (
        "import sys\nfrom sipflow.lang import compile_text\n"
        f"assert compile_text({GOOD!r}).graph\n"
        "print(sorted({'lark', 'numpy', 'soundfile', 'asyncio', 'rich'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "names", [["good.sflow"], ["below/wrong.sflow"], ["good.sflow", "below/wrong.sflow", "./good.sflow"]]
)
@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_check_without_options_says_what_one_with_options_says(folder: Path, names: list[str], no_color: str) -> None:
    """The first is not read by click: both show the same, and end the same."""
    plain, optioned = (
        subprocess.run(
            [sys.executable, "-m", "sipflow", "check", *arguments],
            cwd=folder,
            env=os.environ | {"NO_COLOR": no_color},
            capture_output=True,
            check=False,
        )
        for arguments in (names, [*names, "--format", "text"])
    )
    assert plain.stderr and plain.returncode in (0, 2)
    assert (plain.returncode, plain.stdout, plain.stderr) == (optioned.returncode, optioned.stdout, optioned.stderr)


def test_a_check_without_options_does_without_click(folder: Path) -> None:
    program = (
        "import sys\nfrom sipflow.cli import main\n"
        f"sys.argv = ['sipflow', 'check', '{folder}/below/wrong.sflow']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code, 'click' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "2 False"


def test_what_is_no_file_is_left_to_the_command(folder: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "sipflow", "check", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    status, said = run()
    assert status == 2 and "Missing argument" in said
    status, said = run("good.sflow", "absent.sflow")
    assert status == 2 and "cannot read absent.sflow" in said
    status, said = run("good.sflow", "--nonsense")
    assert status == 2 and "--nonsense" in said
    assert "Exit codes" in run("--help")[1]


@pytest.mark.timed
def test_a_check_in_a_fresh_process_is_quick(folder: Path) -> None:
    command = [sys.executable, "-m", "sipflow", "check", f"{folder}/good.sflow"]
    libraries = [sys.executable, "-c", "import lark, click"]
    times = [(_duration(command), _duration(libraries)) for _ in range(5)]
    ours, theirs = (min(column) for column in zip(*times, strict=True))
    assert ours < 2 * theirs, "about the time that the libraries take; on whatever machine"


def _duration(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - began
