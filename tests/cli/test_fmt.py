"""`sipflow fmt`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sipflow.cli.fmt import fmt
from tests.cli.commands import sipflow
from tests.lang.samples import ROOT

TIDY = "on a: call b\non b: answer\n"
UNTIDY = "on a:call   b\non b:answer"
BROKEN = "on a: call\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tidy.sflow").write_text(TIDY)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "untidy.sflow").write_text(UNTIDY)
    return tmp_path


def run(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(fmt, [str(argument) for argument in arguments], input=text)


def test_files_are_written_anew_and_only_those_that_change(folder: Path) -> None:
    tidy, untidy = folder / "tidy.sflow", folder / "below" / "untidy.sflow"
    untidy.chmod(0o640)
    before = tidy.stat()
    result = run(folder)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"formatted {untidy}\n1 file formatted, 1 in the layout already\n"
    assert untidy.read_text() == TIDY
    assert untidy.stat().st_mode & 0o777 == 0o640
    assert (tidy.stat().st_ino, tidy.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(path.name for path in (folder / "below").iterdir()) == ["untidy.sflow"], "nothing is left behind"


def test_a_link_stays_a_link(folder: Path) -> None:
    link = folder / "link.sflow"
    link.symlink_to(folder / "below" / "untidy.sflow")
    assert run(link).exit_code == 0
    assert link.is_symlink() and link.read_text() == TIDY


def test_check_names_the_files_and_writes_nothing(folder: Path) -> None:
    result = run("--check", folder)
    assert (result.exit_code, result.stdout) == (1, f"{folder}/below/untidy.sflow\n")
    assert (folder / "below" / "untidy.sflow").read_text() == UNTIDY
    assert run("--check", folder / "tidy.sflow").exit_code == 0


def test_diff_shows_what_would_change_and_writes_nothing(folder: Path) -> None:
    untidy = folder / "below" / "untidy.sflow"
    result = run("--diff", folder)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:4] == [f"--- {untidy}", f"+++ {untidy}", "@@ -1,2 +1,2 @@", "-on a:call   b"]
    assert "\n+on b: answer\n" in result.stdout
    assert untidy.read_text() == UNTIDY
    assert run("--diff", "--check", folder).exit_code == 1


def test_diffs_are_coloured_when_that_is_asked_for(folder: Path) -> None:
    assert "\x1b[31m-on a:call   b\x1b[0m" in run("--diff", "--color", "always", folder).stdout
    assert "\x1b" not in run("--diff", folder).stdout


def test_standard_input_goes_to_standard_output() -> None:
    result = run("-", text=UNTIDY)
    assert (result.exit_code, result.stdout, result.stderr) == (0, TIDY, "")
    assert run("--check", "-", text=UNTIDY).stdout == "<stdin>\n"


def test_a_file_with_a_syntax_error_is_left_alone_and_the_others_are_not(folder: Path) -> None:
    broken = folder / "broken.sflow"
    broken.write_text(BROKEN)
    result = run(folder)
    assert result.exit_code == 2
    assert f" --> {broken}:1:" in result.stderr
    assert result.stderr.endswith("1 file formatted, 1 in the layout already, 1 with errors left alone\n")
    assert broken.read_text() == BROKEN
    assert (folder / "below" / "untidy.sflow").read_text() == TIDY
    wrong = run("-", text=BROKEN)
    assert (wrong.exit_code, wrong.stdout) == (2, "")


def test_bytes_that_are_no_text_are_left_alone(folder: Path) -> None:
    (folder / "bytes.sflow").write_bytes(b'on a: log "\xff"')
    assert run(folder / "bytes.sflow").exit_code == 2
    assert (folder / "bytes.sflow").read_bytes() == b'on a: log "\xff"'


def test_line_ends_of_windows_stay(folder: Path) -> None:
    (folder / "dos.sflow").write_bytes(UNTIDY.replace("\n", "\r\n").encode())
    assert run(folder / "dos.sflow").exit_code == 0
    assert (folder / "dos.sflow").read_bytes() == TIDY.replace("\n", "\r\n").encode()
    assert run("--check", folder / "dos.sflow").exit_code == 0


def test_a_file_that_is_not_there(folder: Path) -> None:
    result = run(folder / "gone.sflow")
    assert result.exit_code == 2
    assert "cannot read" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to(folder: Path) -> None:
    (folder / "below").chmod(0o555)
    result = run(folder)
    assert result.exit_code == 3
    assert "cannot write" in result.stderr


def test_the_scenarios_of_the_project_are_in_the_layout() -> None:
    result = sipflow("fmt", "--check", str(ROOT / "scenarios"))
    assert (result.returncode, result.stdout) == (0, "")


def test_the_help_says_the_exit_codes() -> None:
    assert "1    with --check: at least one file is not" in run("--help").output
