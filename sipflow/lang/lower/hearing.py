"""What is listened for: prompts, tones, and the scores they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipflow.ir import ops
from sipflow.ir.expr import Expr, Unit, constant_text
from sipflow.ir.ops import Op
from sipflow.ir.tones import COUNTRIES
from sipflow.lang.lower.kinds import require
from sipflow.lang.lower.prompts import check_prompt
from sipflow.lang.syntax import Token

if TYPE_CHECKING:
    from sipflow.lang.lower.actions import Action

_OPTIONS = ("lasting", "tone_country", "tone_name")


def read_expect_silence(action: Action) -> Op:
    """`expect silence for D`."""
    duration = action.option("lasting", Unit.MILLISECOND, "the duration")
    assert duration is not None, "the grammar has a duration here"
    return ops.ExpectSilence(duration)


def read_expect_tone(action: Action) -> Op:
    """`expect tone F[, F] [for D]` and `expect tone NAME [country C] [for D]`."""
    duration = action.option("lasting", Unit.MILLISECOND, "the duration")
    name = action.single("tone_name")
    if name is not None:
        word = name.children[0]
        assert isinstance(word, Token), "the grammar has one word here"
        return ops.ExpectTone(name=word.text, country=_country(action), duration=duration)
    parts = [action.reader.read(node) for node in action.node.nodes() if node.rule not in _OPTIONS]
    frequencies = [require(action.reader, part, Unit.HERTZ, "the tone") for part in parts]
    return ops.ExpectTone(frequencies[0], frequencies[1] if len(frequencies) > 1 else None, duration=duration)


def _country(action: Action) -> Expr | None:
    country = action.option("tone_country", "string", "the country")
    code = None if country is None else constant_text(country)
    if country is not None and code is not None and code.lower() not in COUNTRIES:
        label, help_text = "not in the table", f"known are {', '.join(COUNTRIES)}"
        message = f"no tones are known of the country `{code}`"
        action.context.report.error("SF421", message, country.span, label, help=help_text)
    return country


def read_expect_heard(action: Action) -> Op:
    """`expect heard FILE [score >= S]`."""
    return ops.ExpectHeard(_file(action), _least(action, "least_score", 0, 1))


def read_check_heard(action: Action) -> Op:
    """`check heard FILE [score >= S] [pesq >= S]`."""
    score, pesq = _least(action, "least_score", 0, 1), _least(action, "least_pesq", -0.5, 4.5)
    return ops.CheckHeard(_file(action), score, pesq)


def _file(action: Action) -> Expr:
    path = action.needed("string", "the file")
    check_prompt(path, action.context)
    return path


def _least(action: Action, rule: str, lowest: float, highest: float) -> float | None:
    node = action.single(rule)
    token = None if node is None else node.token("NUMBER")
    if token is None:
        return None
    value = float(token.text)
    if not lowest <= value <= highest:
        label = f"from {lowest:g} to {highest:g}"
        action.context.report.error("SF208", "no score can be that", action.context.span(token), label)
    return value
