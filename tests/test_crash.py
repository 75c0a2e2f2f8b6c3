"""A fault in sipflow itself: a line for the user, the traceback in a file, and an exit code that is no verdict."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import sipflow as sipflow_package
from sipflow.crash import EXIT_CODE, crash_file, note_crash
from sipflow.native import CSRC, sources_newer_than
from tests.cli.commands import sipflow

BROKEN_COMMAND = """
import sys, types, click
module = types.ModuleType("sipflow.cli.graph")
@click.command()
@click.argument("file")
def graph(file):
    {}["no such key"]
module.graph = graph
sys.modules["sipflow.cli.graph"] = module
"""
BROKEN_WORKER = """
from sipflow.load.engine import Engine
async def run(self):
    {}["no such key"]
Engine.run = run
"""


def broken(folder: Path, fault: str) -> dict[str, str]:
    """The environment of a sipflow with a fault."""
    (folder / "sitecustomize.py").write_text(fault)
    return {"PYTHONPATH": str(folder), "TMPDIR": str(folder)}


def test_a_fault_of_a_command_is_a_line_and_a_file(tmp_path: Path) -> None:
    done = sipflow("graph", "any.sflow", folder=tmp_path, **broken(tmp_path, BROKEN_COMMAND))
    assert done.returncode == EXIT_CODE and done.stdout == ""
    told = re.fullmatch(
        r"sipflow: a fault in sipflow itself: KeyError\('no such key'\) \(sitecustomize.py, line \d+\); "
        r"its traceback is in (.*)\n",
        done.stderr,
    )
    assert told is not None, done.stderr
    file = Path(told[1])
    text = file.read_text()
    assert file.parent == tmp_path and text.startswith("sipflow ") and "Traceback (most recent call last)" in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.wire
def test_a_fault_of_a_worker_is_told_by_the_run(tmp_path: Path) -> None:
    (tmp_path / "a.sflow").write_text("on alice: call bob; release\non bob: answer; expect hangup\n")
    arguments = ("a.sflow", "--calls", "1", "--workers", "1")
    done = sipflow("load", *arguments, folder=tmp_path, **broken(tmp_path, BROKEN_WORKER))
    assert done.returncode == 3 and "Traceback" not in done.stdout + done.stderr
    told = re.search(r"a fault in sipflow itself ended it; its traceback is in (\S+)", done.stdout)
    assert told is not None, done.stdout
    assert "KeyError: 'no such key'" in Path(told[1]).read_text()


def test_what_others_put_at_the_place_of_the_file_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    theirs = tmp_path / "precious"
    theirs.write_text("as it was")
    crash_file(os.getpid()).symlink_to(theirs)
    assert note_crash(ValueError("odd")).endswith(f"is in {crash_file(os.getpid())}")
    assert theirs.read_text() == "as it was" and "odd" in crash_file(os.getpid()).read_text()


def test_any_text_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of files that are no text have surrogates, which UTF-8 does not take."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert note_crash(ValueError("caf\udce9")).endswith(".txt")
    assert "caf\\udce9" in crash_file(os.getpid()).read_text()


def test_a_fault_is_told_where_no_file_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert note_crash(ValueError("odd")) == "a fault in sipflow itself: ValueError('odd')"


@pytest.mark.skipif(not CSRC.is_dir(), reason="the C files of the media engine are not there")
def test_a_module_older_than_its_sources_is_not_used(tmp_path: Path) -> None:
    """A checkout after a pull: the package, and a C file that is newer than the module."""
    package = Path(sipflow_package.__file__).parent
    (tmp_path / "sipflow").mkdir()
    (tmp_path / "sipflow" / "__init__.py").touch()
    shutil.copy(package / "errors.py", tmp_path / "sipflow")
    shutil.copytree(package / "native", tmp_path / "sipflow" / "native")
    newer = tmp_path / "csrc" / "edge" / "sfm_new.c"
    newer.parent.mkdir(parents=True)
    newer.touch()
    (module,) = (tmp_path / "sipflow" / "native").glob("_native*.so")
    script = "import sipflow.native"
    for age_s, said in ((-1, ""), (1, "the media engine is older than csrc/edge/sfm_new.c: make native")):
        at = newer.stat().st_mtime - age_s
        os.utime(module, (at, at))
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
        assert said in done.stderr and bool(said) == bool(done.returncode)


def test_a_module_older_than_its_sources_is_known(tmp_path: Path) -> None:
    module = tmp_path / "_native.abi3.so"
    module.touch()
    assert sources_newer_than(module) == []
    engine = CSRC / "edge" / "sfm_engine.c"
    changed = engine.stat().st_mtime_ns
    os.utime(module, ns=(changed, changed))
    assert engine not in sources_newer_than(module)
    os.utime(module, ns=(changed - 1, changed - 1))
    assert engine in sources_newer_than(module)
