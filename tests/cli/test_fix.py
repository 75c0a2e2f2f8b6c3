"""`sipflow check --fix`."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sipflow.cli.check import check
from sipflow.cli.checking import Checker
from sipflow.cli.fixing import Change, Workshop, write_whole
from sipflow.lang.codes import CODES
from tests.cli.commands import sipflow

WRONG = 'on alice: call bbo; wait 5; send dtmf "x"; release\non bob: answer; expect hangup\n'
FIXED = 'on alice: call bob; wait 5s; send dtmf "x"; release\non bob: answer; expect hangup\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "ivr.sflow").write_text(WRONG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(check, arguments, input=text)


def fixed(text: str) -> str:
    """`text` as --fix leaves it."""
    return run("--fix", "-", text=text).stdout


def test_what_can_be_fixed_is_and_what_is_left_is_shown(folder: Path) -> None:
    result = run("--fix", "ivr.sflow")
    assert (folder / "ivr.sflow").read_text() == FIXED
    assert result.exit_code == 2 and "error[SF403]" in result.stdout and "SF203" not in result.stdout
    assert result.stderr.startswith("fixed 2 in ivr.sflow\n1 file checked: 1 error\n")


def test_a_file_without_anything_to_fix_is_not_written(folder: Path) -> None:
    run("--fix", "ivr.sflow")
    before = (folder / "ivr.sflow").stat()
    result = run("--fix", "ivr.sflow")
    assert "fixed" not in result.stderr
    assert (folder / "ivr.sflow").stat() == before


def test_a_diff_changes_nothing_and_speaks_of_the_file_as_it_is(folder: Path) -> None:
    result = run("--fix", "--diff", "ivr.sflow")
    assert result.exit_code == 2 and (folder / "ivr.sflow").read_text() == WRONG
    assert result.stdout.splitlines()[:2] == ["--- ivr.sflow", "+++ ivr.sflow"]
    assert f"\n-{WRONG.splitlines()[0]}\n+{FIXED.splitlines()[0]}\n" in result.stdout


def test_a_diff_says_when_the_last_line_has_no_end(folder: Path) -> None:
    (folder / "ivr.sflow").write_text("on bob: answer\non alice: call bbo")
    assert run("--fix", "--diff", "ivr.sflow").stdout.endswith(
        "-on alice: call bbo\n\\ No newline at end of file\n+on alice: call bob\n\\ No newline at end of file\n"
    )


def test_standard_input_comes_out_fixed() -> None:
    result = run("--fix", "-", text=WRONG)
    assert result.stdout == FIXED
    assert result.exit_code == 2 and "error[SF403]" in result.stderr


def test_what_is_right_comes_out_as_it_was() -> None:
    result = run("--fix", "-", text="on alice: call bob; release\non bob: answer; expect hangup\n")
    assert (result.exit_code, result.stdout) == (0, "on alice: call bob; release\non bob: answer; expect hangup\n")


def test_everything_but_the_fixes_stays_byte_for_byte(folder: Path) -> None:
    text = 'on bob: answer # "\u00fc"\r\n\r\non alice: call bbo\t# \u65e5\u672c'.encode()
    (folder / "ivr.sflow").write_bytes(text)
    run("--fix", "ivr.sflow")
    assert (folder / "ivr.sflow").read_bytes() == text.replace(b"bbo", b"bob")


@pytest.mark.parametrize("code", CODES)
def test_a_fixed_example_has_no_error_that_it_had_not(code: str) -> None:
    before, after = CODES[code].example, fixed(CODES[code].example.encode("utf-8", "replace").decode())
    assert errors(after) <= errors(before) | {"SF105"}
    assert fixed(after) == after


def errors(text: str) -> set[str]:
    result = Checker(texts={"<stdin>": text}).compile("-")
    return {found.code for found in result.diagnostics if found.severity.value == "error"}


def test_a_fix_that_brings_a_new_error_is_not_made() -> None:
    text = 'let patience = "long"\non alice: call bob; wait patienc; log patience\non bob: answer\n'
    (diagnostic,) = Checker(texts={"<stdin>": text}).compile("-").diagnostics
    assert diagnostic.fix is not None and diagnostic.fix.edits[0].text == "patience"
    assert fixed(text) == text, "a text is no time to wait"


def test_one_bad_fix_does_not_keep_the_others_from_being_made() -> None:
    text = 'let patience = "long"\non alice: call bbo; wait patienc; log patience; wait 5\non bob: answer\n'
    assert fixed(text) == text.replace("bbo", "bob").replace("wait 5", "wait 5s")


def test_of_fixes_that_touch_each_other_one_is_made_at_a_time() -> None:
    # Both undriven agents get a lane at the very end of the text.
    after = fixed("agent carol { number 1 }\nagent dave { number 2 }\non alice { call carol; call dave }\n")
    assert after.endswith("on carol: answer\non dave: answer\n") or after.endswith(
        "on dave: answer\non carol: answer\n"
    )


# --- files that others import --------------------------------------------------------------------------------------

COMMON = 'agent pbx = "sip:pbx.example.com"\ndefine reach() { call pbx within 5 }\n'
IMPORTING = 'import "../lib/common.sflow"\non alice: reach()\n'


@pytest.fixture
def sharing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("lib/common.sflow", COMMON), ("tests/a.sflow", IMPORTING), ("tests/b.sflow", IMPORTING)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_shared_file_below_the_given_folder_is_fixed_once(sharing: Path) -> None:
    result = run("--fix", ".")
    assert (sharing / "lib/common.sflow").read_text() == COMMON.replace("within 5", "within 5s")
    assert (result.exit_code, result.stderr) == (0, "fixed 1 in lib/common.sflow\n3 files checked: nothing wrong\n")


def test_a_shared_file_outside_of_the_given_folder_is_left_alone(sharing: Path) -> None:
    result = run("--fix", "tests")
    assert (sharing / "lib/common.sflow").read_text() == COMMON
    assert result.exit_code == 2 and "1 fix not made in lib/common.sflow, outside of the given paths" in result.stderr


def test_a_fix_that_breaks_a_file_which_imports_this_one_is_not_made(sharing: Path) -> None:
    (sharing / "lib/common.sflow").write_text(
        "let answr = 1\nlet answer_ = 2\n" + COMMON.replace("within 5", "within 5s")
    )
    (sharing / "tests/a.sflow").write_text(
        'import "../lib/common.sflow"\non alice { reach(); log "${answr} ${answer_}" }\n'
    )
    before = (sharing / "lib/common.sflow").read_text()
    run("--fix", ".")
    assert (sharing / "lib/common.sflow").read_text() == before
    assert run("tests/a.sflow").exit_code == 0


# --- writing -------------------------------------------------------------------------------------------------------


def test_a_written_file_keeps_its_rights_and_a_link_stays_a_link(folder: Path) -> None:
    (folder / "ivr.sflow").chmod(0o640)
    (folder / "link.sflow").symlink_to("ivr.sflow")
    run("--fix", "link.sflow")
    assert (folder / "link.sflow").is_symlink() and (folder / "ivr.sflow").read_text() == FIXED
    assert stat.S_IMODE((folder / "ivr.sflow").stat().st_mode) == 0o640
    assert sorted(path.name for path in folder.iterdir()) == ["ivr.sflow", "link.sflow"]


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(folder: Path) -> None:
    (change,) = Workshop(Checker(), ["ivr.sflow"], ["ivr.sflow"]).fix()
    (folder / "ivr.sflow").write_text("on alice: call carol\n")
    assert change.write() == "it has changed meanwhile"
    assert (folder / "ivr.sflow").read_text() == "on alice: call carol\n"


def test_a_file_that_is_gone_is_said_to_be(folder: Path) -> None:
    (folder / "ivr.sflow").unlink()
    assert Change("ivr.sflow", "a", "b", 1).write() == "No such file or directory"


def test_what_cannot_be_written_leaves_nothing_behind(folder: Path) -> None:
    (folder / "taken").mkdir()
    (folder / "taken" / "inside").touch()
    with pytest.raises(OSError, match="directory"):
        write_whole(folder / "taken", b"text")
    assert sorted(path.name for path in folder.iterdir()) == ["ivr.sflow", "taken"]


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(folder: Path) -> None:
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    folder.chmod(0o555)
    done = sipflow("check", "--fix", "ivr.sflow", folder=folder, wrapper=powerless)
    folder.chmod(0o755)
    assert (done.returncode, done.stdout.count("error[")) == (3, 3), "it is shown as it is on the disk"
    assert "cannot write ivr.sflow: Permission denied" in done.stderr and "Traceback" not in done.stderr
    assert (folder / "ivr.sflow").read_text() == WRONG


# --- what does not go together -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["--diff", "ivr.sflow"],
        ["--fix", "--diff", "--format", "json", "ivr.sflow"],
        ["--fix", "--watch", "ivr.sflow"],
        ["--watch", "--format", "json", "ivr.sflow"],
        ["--watch", "-"],
        ["--fix", "-", "ivr.sflow"],
        ["--fix", "--format", "json", "-"],
    ],
)
def test_options_that_do_not_go_together(folder: Path, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2 and "Error: --" in result.stderr and (folder / "ivr.sflow").read_text() == WRONG


def test_fix_goes_with_a_form_for_programs(folder: Path) -> None:
    result = run("--fix", "--format", "github", "ivr.sflow")
    assert result.stdout.startswith("::error file=ivr.sflow,line=1,") and "SF203" not in result.stdout
