"""Where recordings may be written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sipflow.errors import MachineError
from sipflow.runtime.output import OutputFolder


def test_a_relative_name_stays_inside(tmp_path: Path) -> None:
    path = OutputFolder(tmp_path).recording("calls/a.wav", "alice", "c1")
    assert path == tmp_path / "calls" / "a.wav"
    assert path.parent.is_dir()


@pytest.mark.parametrize("name", ["../a.wav", "calls/../../a.wav"])
def test_a_name_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="leads out"):
        OutputFolder(tmp_path / "out").recording(name, "alice", "c1")


@pytest.mark.parametrize("name", [".", "calls/", "calls/.", "/tmp/", "a\0b.wav"])
def test_what_is_no_name_of_a_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="is no name of a file"):
        OutputFolder(tmp_path / "out").recording(name, "alice", "c1")


def test_an_absolute_name_is_the_scenarios_own_wish(tmp_path: Path) -> None:
    wanted = tmp_path / "elsewhere" / "a.wav"
    assert OutputFolder(tmp_path / "out").recording(str(wanted), "alice", "c1") == wanted


def test_a_made_up_name_has_no_separator_in_its_parts(tmp_path: Path) -> None:
    path = OutputFolder(tmp_path).recording("", "a/b", "../c")
    assert re.fullmatch(r"rec_a-b_\.\.-c_[0-9-]+\.wav", path.name)
    assert path.parent == tmp_path / "recordings"


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(MachineError, match="cannot make the folder"):
        OutputFolder(tmp_path / "out").recording("", "alice", "c1")
