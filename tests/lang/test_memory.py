"""A text that is compiled with what is remembered of it gives what it gives from scratch, whatever was edited."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sipflow.assets import Assets
from sipflow.ir.graph import Lane
from sipflow.ir.span import Span
from sipflow.lang import compile_text
from sipflow.lang.checks.phases import Calls, calls_of
from sipflow.lang.checks.program import Program
from sipflow.lang.compile import CompileResult, Memory
from sipflow.lang.moving import ElsewhereError, Move
from tests.lang.edits import edited

FOLDER = Path(__file__).parents[2] / "scenarios"
SCENARIOS = sorted(FOLDER.glob("**/*.sflow"))
TEXT = """\
agent alice { number 1 }
agent bob { number 2 }
let pin = "12"

on alice {
  call bob as first
  send dtmf pin
  signal heard
  expect hangup within 5s else { log "still there"; recover }
}
on bob {
  answer
  await heard
  release
}
"""


def changed(text: str, rng: random.Random) -> str:
    """The text with a character or a line that is another one, or is gone, or is there twice."""
    if rng.random() < 0.5:
        return edited(text, rng)
    lines = text.splitlines(keepends=True)
    place = rng.randrange(len(lines)) if lines else 0
    lines[place : place + 1] = rng.choice([[], ["\n"], lines[place : place + 1] * 2, ["# ", *lines[place : place + 1]]])
    return "".join(lines)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_edit_gives_what_the_text_gives_from_scratch(path: Path) -> None:
    memory, rng = Memory(), random.Random(path.stem)
    original = path.read_text(encoding="utf-8")
    for _ in range(8):
        text = original
        for _ in range(4):
            files = Assets([path.parent])
            assert compile_text(text, "x", files, memory=memory) == compile_text(text, "x", files)
            text = changed(text, rng)


def compiled(memory: Memory, text: str) -> CompileResult:
    result = compile_text(text, "x", memory=memory)
    assert result == compile_text(text, "x")
    return result


def kept(before: CompileResult, after: CompileResult) -> list[str]:
    """Ids of the nodes that are the very values of before."""
    known = {id(node) for node in before.graph.nodes}
    return [node.id for node in after.graph.nodes if id(node) in known]


def test_a_lane_before_the_edit_is_the_value_that_it_was() -> None:
    memory = Memory()
    before = compiled(memory, TEXT)
    after = compiled(memory, TEXT.replace("await heard", "await heard within 3s"))
    assert kept(before, after) == ["alice.1", "alice.2", "alice.3", "alice.4", "alice.4.else.1", "alice.4.else.2"]


def test_a_lane_behind_the_edit_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()
    compiled(memory, TEXT)
    monkeypatch.setattr("sipflow.lang.lower.lane_memory.LaneReader", None)  # nothing can be read any more
    after = compile_text("\n# two lines\n" + TEXT, "x", memory=memory)
    assert [node.span.line for node in after.graph.nodes] == [8, 9, 10, 11, 11, 11, 14, 15, 16]


def test_what_was_found_out_about_a_lane_is_not_found_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noted(program: Program, lane: Lane) -> dict[str, Calls]:
        asked.append(lane.id)
        return calls_of(program, lane)

    memory = Memory()
    compile_text(TEXT, "x", memory=memory)
    monkeypatch.setattr("sipflow.lang.checks.calls_of", noted)
    compile_text("# moves all lanes\n" + TEXT.replace("await heard", "await heard within 3s"), "x", memory=memory)
    assert asked == ["bob"]


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ("  release\n", "  release\n  hold\n", "SF308"),
        ("  answer\n", "  expect call\n  hold\n  answer\n", "SF309"),
        ("  answer\n", "  mute\n  answer\n", "SF301"),
        ("  await heard\n", "  await heard\n  resume\n", "SF318"),
    ],
)
def test_a_mistake_with_calls_is_told_as_long_as_it_is_there(right: str, wrong: str, code: str) -> None:
    """Also when its lane is remembered, and moves; and in a lane that was right before."""
    memory = Memory()
    assert not compiled(memory, TEXT).diagnostics
    mistaken = TEXT.replace(right, wrong)
    for text in (mistaken, mistaken.replace("within 5s", "within 15s"), "\n" + mistaken, "\n" + mistaken):
        assert code in [found.code for found in compiled(memory, text).diagnostics]
    assert not compiled(memory, TEXT).diagnostics


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("agent bob { number 2 }\n", ""),
        ("bob {", "carl {"),
        ("let pin", "let bob"),
        ('let pin = "12"', "let pin = 12s"),
        ("number 1", "number 1\n}\ndefine call_all() {\n log 1"),
        ("let pin", "data pin from"),
    ],
)
def test_other_names_at_the_top_are_heeded(old: str, new: str) -> None:
    memory = Memory()
    compiled(memory, TEXT)
    compiled(memory, TEXT.replace(old, new))
    compiled(memory, TEXT)


def test_a_file_that_is_gone_is_missed(tmp_path: Path) -> None:
    prompt = tmp_path / "hello.wav"
    prompt.write_bytes((FOLDER / "media" / "menu.wav").read_bytes())
    memory, text = Memory(), TEXT.replace("signal heard", 'play "hello.wav"; signal heard')
    assert compile_text(text, "x", Assets([tmp_path]), memory=memory).graph
    prompt.unlink()
    found = compile_text(text, "x", Assets([tmp_path]), memory=memory).diagnostics
    assert [diagnostic.code for diagnostic in found] == ["SF401"]


def test_what_lies_outside_of_the_stretch_does_not_move() -> None:
    move = Move(Span("x", 2, 1, 4, 1, 10, 40), 1, 5)
    assert move.of((Span("x", 3, 1, 3, 3, 20, 22), 7)) == (Span("x", 4, 1, 4, 3, 25, 27), 7)
    with pytest.raises(ElsewhereError):
        move.of(Span("x", 1, 1, 1, 3, 0, 2))


def test_many_texts_do_not_fill_the_memory() -> None:
    memory = Memory()
    for number in range(200):
        compile_text(TEXT, f"{number}.sflow", memory=memory)
    assert len(memory.lanes._texts) <= 50
