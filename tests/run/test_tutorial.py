"""The programs of the tutorial, run as a reader runs them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sipflow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```sflow\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
(PEOPLE,) = re.findall(r"^```text\n(number,.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
LOCAL = [program for program in PROGRAMS if "192.0.2." not in program]
"""All but the one that calls a system of the reader's own."""


@pytest.mark.wire
@pytest.mark.parametrize("program", LOCAL, ids=lambda program: program.splitlines()[0])
def test_a_program_of_the_tutorial_passes(program: str, tmp_path: Path) -> None:
    file = tmp_path / "first.sflow"
    file.write_text(program, encoding="utf-8")
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    report = sipflow.run(file, out=tmp_path / "out", media_dir=ROOT / "scenarios", timeout_s=60)
    assert report.passed, report.failures or report.diagnostics
