"""A disk that takes no more is told of by the name of the file, and the run goes on to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands import sipflow

SCENARIO = """
on alice: call bob; wait 1s; release
on bob: answer; expect hangup
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="takes /dev/full, as Linux has it")
@pytest.mark.parametrize("option", ["--json", "--junit", "--events"])
def test_a_report_that_cannot_be_written(option: str, tmp_path: Path) -> None:
    (tmp_path / "call.sflow").write_text(SCENARIO)
    done = sipflow("run", "--sim", "call.sflow", option, "/dev/full", folder=tmp_path)
    assert done.returncode == 3
    assert done.stderr == "sipflow: cannot write /dev/full: No space left on device\n"
    assert "PASSED" in done.stdout, "both lanes came to their end"


@pytest.mark.parametrize("option", ["--json", "--junit", "--events"])
def test_a_report_with_no_place_is_told_of_before_the_first_call(option: str, tmp_path: Path) -> None:
    (tmp_path / "call.sflow").write_text(SCENARIO)
    done = sipflow("run", "--sim", "call.sflow", option, "call.sflow/report", folder=tmp_path)
    assert done.returncode == 3
    assert done.stderr == "sipflow: cannot write call.sflow/report: call.sflow is no folder\n"
    assert done.stdout == ""


def test_a_folder_in_the_place_of_audio_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "menu.wav").mkdir()
    (tmp_path / "call.sflow").write_text('on alice: call bob; play "menu.wav"\non bob: answer; expect hangup\n')
    done = sipflow("check", "call.sflow", folder=tmp_path)
    assert done.returncode == 2
    assert "menu.wav is a folder, not a file" in done.stdout
    assert "did you mean" not in done.stdout
