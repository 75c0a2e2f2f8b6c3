"""`sipflow check --watch`, as a process whose output is read until what is expected has come, or a deadline."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.cli.commands import SIPFLOW
from tests.lang.samples import ROOT

DEADLINE_S = 20.0
GOOD = "on alice: call bob; release\non bob: answer; expect hangup\n"
WRONG = "on alice: call bbo; release\non bob: answer; expect hangup\n"


class Watching:
    """A watching process, and the lines that it has printed."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*SIPFLOW, "check", "--watch", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"HOME": str(folder / "home")},
            # A shell lets what it starts in the background ignore Ctrl-C, and the tests may be there.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def until(self, part: str) -> str:
        """Everything up to the line that has `part`; fails when it does not come in time."""
        seen, deadline = "", time.monotonic() + DEADLINE_S
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{part!r} did not come; this did:\n{seen}") from None
            seen += line
            if part in line:
                return seen

    def interrupt(self) -> int:
        """Press Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE_S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ivr.sflow").write_text(GOOD)
    return tmp_path


@pytest.fixture
def watching(folder: Path) -> Iterator[Watching]:
    watching = Watching(folder, ".")
    watching.until("1 file checked: nothing wrong")
    yield watching
    watching.process.kill()
    watching.process.wait()


def test_a_change_is_checked_at_once_and_ctrl_c_ends_it(folder: Path, watching: Watching) -> None:
    (folder / "ivr.sflow").write_text(WRONG)
    said = watching.until("1 file checked: 1 error")
    assert "ivr.sflow changed" in said and "error[SF203]" in said
    (folder / "ivr.sflow").write_text(GOOD)
    watching.until("1 file checked: nothing wrong")
    assert watching.interrupt() == 130


def test_a_new_file_in_the_folder_is_seen_and_one_that_goes_is_forgotten(folder: Path, watching: Watching) -> None:
    (folder / "below").mkdir()
    (folder / "below" / "new.sflow").write_text(WRONG)
    assert "new.sflow changed" in watching.until("2 files checked: 1 error")
    (folder / "below" / "new.sflow").unlink()
    watching.until("1 file checked: nothing wrong")


def test_the_last_file_may_go_and_come_again(folder: Path, watching: Watching) -> None:
    (folder / "ivr.sflow").rename(folder / "elsewhere.txt")
    watching.until("0 files checked")
    (folder / "elsewhere.txt").rename(folder / "ivr.sflow")
    assert "Traceback" not in watching.until("1 file checked: nothing wrong")


def test_a_file_that_is_saved_by_renaming_another(folder: Path, watching: Watching) -> None:
    (folder / "new.tmp").write_text(WRONG)
    (folder / "new.tmp").replace(folder / "ivr.sflow")
    watching.until("1 file checked: 1 error")


def test_a_swap_file_of_an_editor_is_no_change(folder: Path, watching: Watching) -> None:
    (folder / ".ivr.sflow.swp").touch()
    (folder / "ivr.sflow").write_text(WRONG)
    assert watching.until("1 file checked: 1 error").count(" changed") == 1


def test_what_a_scenario_uses_is_watched_as_well(folder: Path) -> None:
    (folder / "shared").mkdir()
    (folder / "shared" / "common.sflow").write_text("define breathe() { wait 1s }\n")
    (folder / "ivr.sflow").write_text(
        'import "shared/common.sflow"\ndata users from "users.csv"\n'
        'on alice { call bob; breathe(); log users.number; play "hello.wav"; release }\non bob: answer; expect hangup\n'
    )
    watching = Watching(folder, "ivr.sflow")
    try:
        watching.until("1 file checked: 2 errors")
        (folder / "users.csv").write_text("number\n1001\n")
        assert "users.csv changed" in watching.until("1 file checked: 1 error")
        (folder / "hello.wav").write_bytes((ROOT / "scenarios" / "media" / "hello.wav").read_bytes())
        assert "hello.wav changed" in watching.until("1 file checked: nothing wrong")
        (folder / "shared" / "common.sflow").write_text("define breathe() { wait 1 }\n")
        assert "common.sflow changed" in watching.until("1 file checked: 1 error")
    finally:
        watching.process.kill()
        watching.process.wait()


def test_a_file_that_vanishes_is_said_to_be_unreadable_until_it_is_back(folder: Path) -> None:
    watching = Watching(folder, "ivr.sflow")
    try:
        watching.until("1 file checked: nothing wrong")
        (folder / "ivr.sflow").unlink()
        said = watching.until("1 unreadable file")
        assert "cannot read ivr.sflow: No such file or directory" in said
        (folder / "ivr.sflow").write_text(GOOD)
        watching.until("1 file checked: nothing wrong")
    finally:
        watching.process.kill()
        watching.process.wait()
