"""What a person gets who clones, installs or unpacks sipflow."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import soundfile

import sipflow

ROOT = Path(__file__).parents[1]
MEDIA = ROOT / "scenarios" / "media"
LARGEST_PROMPT_BYTES = 100_000


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment})


def python(script: str, cwd: Path) -> str:
    done = run(sys.executable, "-c", script, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == sipflow.__version__ == importlib.metadata.version("sipflow")


def test_the_grammar_is_found_from_any_folder(tmp_path: Path) -> None:
    script = "from importlib.resources import files; print(files('sipflow.grammar').joinpath('sflow.lark').read_text())"
    assert python(script, tmp_path) == (ROOT / "grammar" / "sflow.lark").read_text().strip()


def test_the_native_module_keeps_to_the_limited_api(tmp_path: Path) -> None:
    """A wheel tagged abi3 with a module for one version inside would fail on every other."""
    assert python("import sipflow.native._native as m; print(m.__file__)", tmp_path).endswith("_native.abi3.so")


def test_help_comes_up_without_the_heavy_parts(tmp_path: Path) -> None:
    script = "import sys, sipflow.cli.main; print({'asyncio', 'lark', 'numpy', 'soundfile', 'rich'} & set(sys.modules))"
    assert python(script, tmp_path) == "set()"


def test_the_source_distribution_is_the_repository(tmp_path: Path) -> None:
    listed = run("git", "ls-files", "-z")
    if listed.returncode:
        pytest.skip("not a git checkout")
    tracked = {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}
    for name in tracked:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    done = run(sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with tarfile.open(next((tmp_path / "out").glob("*.tar.gz"))) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert {name for name in tracked - packed if not name.startswith(".")} == set()


@pytest.mark.parametrize(
    ("environment", "missing", "package"),
    [
        ({"PYTHON": "/nowhere/python3"}, "Python 3.11 or newer", "python3-venv"),
        ({"CC": "/nowhere/cc"}, "a C compiler (/nowhere/cc)", "build-essential"),
    ],
)
def test_bootstrap_names_what_is_missing_on_every_system(
    environment: dict[str, str], missing: str, package: str
) -> None:
    done = run("scripts/bootstrap", "--check", **environment)
    assert done.returncode == 1
    assert f"missing: {missing}" in done.stderr
    assert re.search(rf"Debian, Ubuntu: .*{package}", done.stderr)
    assert re.search("Fedora: +dnf install", done.stderr)
    assert re.search("macOS: +(brew install|xcode-select)", done.stderr)


def test_bootstrap_refuses_an_old_python_and_names_its_version(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\n[ "$1" = --version ]\n')
    old.chmod(0o755)
    done = run("scripts/bootstrap", "--check", PYTHON=str(old))
    assert done.returncode == 1
    assert "Python 3.9.2 found" in done.stderr


def test_make_help_explains_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    done = run("make", "--no-print-directory", "help")
    assert {line.split()[1] for line in done.stdout.splitlines()} == set(phony[1].split())


def test_prompts_are_small_and_what_their_table_says() -> None:
    told = dict(re.findall(r"^\| `(\w+\.wav)` \|.*\| (.+) \|$", (MEDIA / "README.md").read_text(), re.MULTILINE))
    assert told == {path.name: described(path) for path in MEDIA.glob("*.wav")}
    assert max(path.stat().st_size for path in MEDIA.glob("*.wav")) <= LARGEST_PROMPT_BYTES


def described(path: Path) -> str:
    """The format of a sound file in the words of the table."""
    info = soundfile.info(path)
    channels = {1: "mono", 2: "stereo"}[info.channels]
    return f"{info.samplerate / 1000:g} kHz, {info.subtype.removeprefix('PCM_')} bit, {channels}"
