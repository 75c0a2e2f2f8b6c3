"""Kinds of values that options of several commands take."""

from __future__ import annotations

import click

from sipflow.plan.plan import parse_override


class Variable(click.ParamType[tuple[str, object]]):
    """`NAME=VALUE`."""

    name = "NAME=VALUE"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, object]:
        name, equals, text = value.partition("=")
        if not equals or not name.isidentifier():
            self.fail(f"{value!r} is not NAME=VALUE, for instance number=1001 or gap=200ms", param, ctx)
        return name, parse_override(text)


class Duration(click.ParamType[float]):
    """A duration of the language: `30s`, `2m`; a bare number is seconds."""

    name = "DURATION"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        parsed = parse_override(value)
        seconds = parsed if isinstance(parsed, float) else getattr(parsed, "value", 0.0) / 1000
        if seconds <= 0:
            self.fail(f"{value!r} is not a duration, for instance 30s or 2m", param, ctx)
        return seconds
