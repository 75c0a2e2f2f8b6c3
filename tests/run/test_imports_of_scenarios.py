"""Definitions and imported files, run: what they name is found beside them, and a failure leads to who called."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from sipflow.cli.run import run

pytestmark = pytest.mark.wire
BEEP = Path(__file__).parents[2] / "scenarios" / "media" / "beep.wav"

SHARED = """agent desk { number 2000 }
define ask(whom, key) {
  call whom
  expect dtmf key within 300ms
}
define greet() { play "beep.wav" }
"""
MAIN = """import "shared/common.sflow"
define twice(key) {
  ask(desk, "1"); release
  ask(desk, key); release
}
on caller: twice("2")
on desk { repeat 2 times { answer; greet(); send dtmf "1" else recover; expect hangup } }
"""


def test_a_failure_in_an_imported_definition_is_shown_there_with_its_callers(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "common.sflow").write_text(SHARED.replace("300ms", "2s"))
    shutil.copy(BEEP, tmp_path / "shared")
    path = tmp_path / "main.sflow"
    path.write_text(MAIN)
    result = CliRunner().invoke(run, ["-q", "--out", str(tmp_path / "out"), str(path)])
    assert result.exit_code == 1, result.output
    assert f"--> {tmp_path / 'shared' / 'common.sflow'}:4:3" in result.output
    assert " 4 |   expect dtmf key within 2s" in result.output
    assert f"called at {path}:4\ncalled at {path}:6" in result.output


def test_a_mistake_in_an_imported_file_is_shown_there(tmp_path: Path) -> None:
    (tmp_path / "shared.sflow").write_text("define f() {\n  paly tone 440Hz for 1s\n}\n")
    path = tmp_path / "main.sflow"
    path.write_text('import "shared.sflow"\non alice: wait 1ms\n')
    result = CliRunner().invoke(run, ["--out", str(tmp_path / "out"), str(path)])
    assert result.exit_code == 2
    assert "shared.sflow:2:3" in result.output
    assert "2 |   paly tone 440Hz for 1s" in result.output
