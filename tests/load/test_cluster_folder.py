"""The folder of a cluster's worker: his as long as he lives, and the next one's to remove when he was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sipflow.load.cluster.folder import PREFIX, own_folder

HOLD = """
import time
from sipflow.load.cluster.folder import own_folder
with own_folder() as folder:
    (folder / "files").mkdir()
    (folder / "files" / "prompt.wav").write_bytes(b"RIFF")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go meanwhile."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def holder(root: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that holds a folder, and the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], env=os.environ | {"TMPDIR": str(root)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_goes_at_the_next_start_and_what_a_living_one_has_stays(temporary: Path) -> None:
    (killed, left), (alive, used) = holder(temporary), holder(temporary)
    try:
        killed.kill()
        killed.wait(20)
        assert (left / "files" / "prompt.wav").exists(), "nobody was there to take it away"
        with own_folder() as own:
            assert sorted(temporary.iterdir()) == sorted([own, used])
            assert (used / "files" / "prompt.wav").exists()
        assert list(temporary.iterdir()) == [used]
    finally:
        alive.kill()
        alive.wait(20)


def test_nothing_else_is_touched(temporary: Path) -> None:
    kept = temporary / "kept"
    kept.mkdir()
    (kept / ".lock").touch()
    (temporary / f"{PREFIX}link").symlink_to(kept)
    (temporary / f"{PREFIX}file").touch()
    (temporary / f"{PREFIX}not-locked-by-anybody").mkdir()
    (temporary / f"{PREFIX}linked-lock").mkdir()
    (temporary / f"{PREFIX}linked-lock" / ".lock").symlink_to(kept / ".lock")
    before = sorted(temporary.rglob("*"))
    with own_folder():
        pass
    assert sorted(temporary.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder to somebody else")
def test_the_folder_of_another_user_is_his(temporary: Path) -> None:
    process, left = holder(temporary)
    process.kill()
    process.wait(20)
    os.chown(left, 65534, 65534)
    with own_folder():
        pass
    assert left.exists()
