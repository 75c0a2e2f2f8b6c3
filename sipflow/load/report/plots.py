"""Plots over time as SVG: a few lines on one time axis, with grid, labels and a legend. Values in, text out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 30
COLOURS = ("#2563eb", "#059669", "#d97706", "#dc2626", "#7c3aed", "#64748b")


@dataclass(frozen=True, slots=True)
class Series:
    """One line: a value for every second, None where nothing was measured."""

    name: str
    values: Sequence[float | None]
    colour: str
    dashed: bool = False
    filled: bool = False


def plot(seconds: Sequence[float], series: Sequence[Series], unit: str, title: str) -> str:
    """An SVG element; empty when there is nothing to draw."""
    shown = [one for one in series if any(value is not None for value in one.values)]
    if not seconds or not shown:
        return ""
    most = max((value for one in shown for value in one.values if value is not None), default=0.0)
    scale = _Scale(seconds[0], max(seconds[-1], seconds[0] + 1), nice_ceiling(most))
    parts = [*_grid(scale, unit), *(_line(scale, seconds, one) for one in shown)]
    label = escape(f"{title}: {', '.join(one.name for one in shown)}", quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>{_legend(shown)}"
    )


def nice_ceiling(value: float) -> float:
    """The first of 1, 2, 2.5, 5 × 10^n that is not below `value`."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * power >= value * (1 - 1e-9))


@dataclass(frozen=True, slots=True)
class _Scale:
    first: float
    last: float
    most: float

    def x(self, second: float) -> float:
        return _LEFT + (second - self.first) / (self.last - self.first) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - value / self.most * (HEIGHT - _TOP - _BOTTOM)


def _grid(scale: _Scale, unit: str) -> Iterator[str]:
    for step in range(5):
        value = scale.most * step / 4
        y = scale.y(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}{escape(unit)}</text>'
    step_s = nice_ceiling((scale.last - scale.first) / 8)
    second = math.ceil(scale.first / step_s) * step_s
    while second <= scale.last + 1e-9:
        x = scale.x(second)
        yield f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{second:g}s</text>'
        second += step_s


def _line(scale: _Scale, seconds: Sequence[float], series: Series) -> str:
    dash = ' stroke-dasharray="5 4"' if series.dashed else ""
    drawn = []
    for run in _runs(seconds, series.values):
        points = " ".join(f"{scale.x(at):.1f},{scale.y(value):.1f}" for at, value in run)
        if series.filled:
            ends = f"{scale.x(run[-1][0]):.1f},{scale.y(0):.1f} {scale.x(run[0][0]):.1f},{scale.y(0):.1f}"
            drawn.append(f'<polygon points="{points} {ends}" fill="{series.colour}" opacity="0.12"/>')
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{series.colour}" stroke-width="1.8"{dash}/>')
        if len(run) == 1:
            at, value = run[0]
            drawn.append(f'<circle cx="{scale.x(at):.1f}" cy="{scale.y(value):.1f}" r="2.5" fill="{series.colour}"/>')
    return "".join(drawn)


def _runs(seconds: Sequence[float], values: Sequence[float | None]) -> Iterator[list[tuple[float, float]]]:
    """Stretches without a gap: where nothing was measured, no line is drawn as if something was."""
    run: list[tuple[float, float]] = []
    for at, value in zip(seconds, values, strict=True):
        if value is None:
            if run:
                yield run
            run = []
        else:
            run.append((at, value))
    if run:
        yield run


def _legend(series: Sequence[Series]) -> str:
    items = (
        f'<span><i style="background:{one.colour}{";opacity:.5" if one.dashed else ""}"></i>{escape(one.name)}</span>'
        for one in series
    )
    return f'<div class="legend">{"".join(items)}</div>'
