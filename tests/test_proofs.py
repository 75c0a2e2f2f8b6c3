"""What the rigs proved, as `make interop` tells it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.interop.proof import lines

RIG = """
import pytest

@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_both(proved, way):
    proved("SIPp", "calls")

def test_one(proved):
    proved("baresip", "hears")

def test_none(proved):
    proved("tshark", "sees nothing")
    raise AssertionError
"""


def test_the_same_thing_in_several_ways_is_one_line() -> None:
    assert lines(["a: x", "b: y", "a: x"]) == ["a: x (2 ways)", "b: y"]


def test_only_what_passed_is_told(tmp_path: Path) -> None:
    """A session of its own, with the hooks that `make interop` has."""
    (tmp_path / "test_rig.py").write_text(RIG)
    command = [sys.executable, "-m", "pytest", "-p", "tests.interop.conftest", "-q", "-p", "no:cacheprovider", "."]
    root = Path(__file__).parents[1]
    environment = {"PYTHONPATH": str(root), "PATH": ""}
    shown = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    ).stdout
    told = shown.partition("what the rigs proved")[2]
    assert "SIPp: calls (2 ways)" in told and "baresip: hears" in told, shown
    assert "tshark" not in told.partition("short test summary")[0]
