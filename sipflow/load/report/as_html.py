"""The result of a load run as one HTML file with plots over time: no network, no script, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from sipflow.ir.expr import Unit
from sipflow.ir.load import DISTRIBUTIONS
from sipflow.load.health import Standing
from sipflow.load.histogram import Histogram
from sipflow.load.metrics import Metrics
from sipflow.load.plan import quantity_text
from sipflow.load.report.plots import COLOURS, Series, plot
from sipflow.load.report.text import verdict_word
from sipflow.load.result import LoadResult
from sipflow.load.totals import TOTALS

_BLUE, _GREEN, _AMBER, _RED, _VIOLET, _GREY = COLOURS
_STATISTICS = ("min", "p50", "p90", "p95", "p99", "p999", "max")
MOST_CAUSES = 50

_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#0f172a;--soft:#64748b;--line:#e2e8f0;--card:#f8fafc}
@media(prefers-color-scheme:dark){:root{--bg:#0f172a;--fg:#e2e8f0;--soft:#94a3b8;--line:#334155;--card:#1e293b}}
body{font:15px/1.5 system-ui,sans-serif;background:var(--bg);color:var(--fg)}
body{max-width:940px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .6rem}p{margin:.3rem 0}.soft{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.84rem}
th,td{padding:.2rem .4rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
th:first-child,td:first-child,.left{text-align:left}th{color:var(--soft);font-weight:500}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:.7rem;margin:1rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.6rem .8rem}
.card b{display:block;font-size:1.3rem}.card span{color:var(--soft);font-size:.85rem}
.badge{display:inline-block;border-radius:6px;padding:.1rem .6rem;color:#fff;font-weight:600;margin-right:.5rem}
.good{background:#059669}.poor{background:#d97706}.bad{background:#dc2626}
figure{margin:1.2rem 0}figcaption{font-weight:600;margin-bottom:.2rem}svg{width:100%;height:auto;display:block}
.grid{stroke:var(--line)}.tick{fill:var(--soft);font-size:11px}
.legend{display:flex;flex-wrap:wrap;gap:1rem;font-size:.85rem;color:var(--soft);padding-left:60px}
.legend i{display:inline-block;width:14px;height:3px;margin-right:.4rem;vertical-align:middle}
code{font-size:.92em}td.wrap{text-align:left;overflow-wrap:anywhere}
"""


def write_html(result: LoadResult, path: Path) -> None:
    """Write it to a file; folders above it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(result_to_html(result), encoding="utf-8")


def result_to_html(result: LoadResult) -> str:
    """The page."""
    name = escape(result.scenario or Path(result.source).name)
    body = "".join((*_head(result, name), *_plots(result), *_tables(result), *_foot(result)))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{name}: load</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )


# --- the head ------------------------------------------------------------------------------------------------------

_GOOD_WORDS = {"PASSED": "good", "FAILED": "bad", "ERROR": "bad", "INVALID": "bad", "INTERRUPTED": "poor"}
_STANDING = {Standing.VALID: "good", Standing.DEGRADED: "poor", Standing.INVALID: "bad"}


def _head(result: LoadResult, name: str) -> Iterator[str]:
    word, standing = verdict_word(result), result.verdict.standing
    about = " · ".join((escape(result.source), escape(result.started), f"sipflow {result.version}"))
    yield f"<h1>{name}</h1><p class=soft>{about}</p>"
    yield f'<p><span class="badge {_GOOD_WORDS[word]}">{word}</span>'
    yield f'<span class="badge {_STANDING[standing]}">generator {standing.name}</span></p>'
    if result.problem:
        yield f"<p>{escape(result.problem)}</p>"
    total = result.total
    success = TOTALS["calls.success"](total)
    yield '<div class="cards">'
    yield from (
        f'<div class="card"><b>{value}</b><span>{label}</span></div>'
        for label, value in (
            ("planned", total.get("planned")),
            ("not started", total.get("not_started")),
            ("started", total.get("started")),
            ("ended well", total.get("ended")),
            ("failed", total.get("failed")),
            ("lost", result.lost),
            ("success", "—" if success is None else f"{success:.2f}%"),
            ("planned rate", _rate(result.planned_rate)),
            ("achieved rate", _rate(result.achieved_rate)),
        )
    )
    yield "</div>"
    for symptom in result.verdict.causes:
        badge = f'<span class="badge {_STANDING[symptom.standing]}">{symptom.standing.name}</span>'
        yield f"<p>{badge}<b>{escape(symptom.name)}</b>: {escape(symptom.text)}</p>"


def _rate(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}/s"


# --- plots ---------------------------------------------------------------------------------------------------------


def _plots(result: LoadResult) -> Iterator[str]:
    seconds = sorted(result.timeline.seconds)
    if not seconds:
        return
    metrics = [result.timeline.seconds[second] for second in seconds]
    planned: list[float | None] = [round(result.curve.planned_in(second), 3) for second in seconds]
    yield "<h2>Over time</h2>"
    yield _figure("New calls a second", seconds, "/s", (
        Series("planned", planned, _GREY, dashed=True),
        Series("started", _counts(metrics, "started"), _BLUE, filled=True),
        Series("ended well", _counts(metrics, "ended"), _GREEN),
        Series("failed", _counts(metrics, "failed"), _RED),
        Series("not started", _if_any(metrics, "not_started"), _AMBER),
    ))  # fmt: skip
    yield _figure("Calls at the same time", seconds, "", (Series("open", _open(metrics), _VIOLET, filled=True),))
    yield _figure("Set-up time, from the planned start", seconds, "ms", _percentiles(metrics, "sip.setup_time"))
    yield _figure("Release time", seconds, "ms", _percentiles(metrics, "sip.release_time"))
    yield _figure("MOS of the calls that ended", seconds, "", (
        Series("p50", _statistic(metrics, "media.mos", "p50"), _GREEN),
        Series("p5", _statistic(metrics, "media.mos", "p5"), _RED),
    ))  # fmt: skip
    yield _figure("Packets lost or late, of the calls that ended", seconds, "%", (
        Series("lost", [TOTALS["media.loss"](one) for one in metrics], _RED),
        Series("late", [TOTALS["media.late"](one) for one in metrics], _AMBER),
    ))  # fmt: skip
    yield _figure("Jitter", seconds, "ms", _percentiles(metrics, "media.jitter"))
    yield _figure("The generator itself, 99 % of a second", seconds, "ms", (
        Series("start lateness", _statistic(metrics, "generator.start_lateness", "p99"), _BLUE),
        Series("event loop lag", _statistic(metrics, "generator.loop_lag", "p99"), _AMBER),
    ))  # fmt: skip


def _figure(title: str, seconds: Sequence[float], unit: str, series: Sequence[Series]) -> str:
    drawn = plot(seconds, series, unit, title)
    return f"<figure><figcaption>{escape(title)}</figcaption>{drawn}</figure>" if drawn else ""


def _counts(metrics: Iterable[Metrics], name: str) -> list[float | None]:
    return [float(one.get(name)) for one in metrics]


def _if_any(metrics: Sequence[Metrics], name: str) -> list[float | None]:
    return _counts(metrics, name) if any(one.get(name) for one in metrics) else [None] * len(metrics)


def _open(metrics: Iterable[Metrics]) -> list[float | None]:
    """At the end of every second."""
    calls, found = 0, list[float | None]()
    for one in metrics:
        calls += one.get("started") - one.get("ended") - one.get("failed")
        found.append(float(calls))
    return found


def _statistic(metrics: Iterable[Metrics], name: str, statistic: str) -> list[float | None]:
    found = (one.histograms.get(name) for one in metrics)
    return [None if histogram is None else histogram.statistic(statistic) for histogram in found]


def _percentiles(metrics: Sequence[Metrics], name: str) -> tuple[Series, ...]:
    colours = {"p50": _GREEN, "p95": _AMBER, "p99": _RED}
    return tuple(Series(s, _statistic(metrics, name, s), colour) for s, colour in colours.items())


# --- tables --------------------------------------------------------------------------------------------------------


def _tables(result: LoadResult) -> Iterator[str]:
    total = result.total
    if result.requirements:
        yield "<h2>Required</h2><table><tr><th>condition<th class=left>measured<th></tr>"
        for one in result.requirements:
            badge = f'<span class="badge {"good" if one.holds else "bad"}">{"holds" if one.holds else "BROKEN"}</span>'
            yield f'<tr><td><code>{escape(one.text)}</code><td class="wrap">{escape(one.found)}<td>{badge}</tr>'
        yield "</table>"
    yield "<h2>Distributions</h2>" + _distributions(
        [(name, total.histograms[name], DISTRIBUTIONS[name]) for name in DISTRIBUTIONS if name in total.histograms]
        + [("media packets sent late", result.lateness, Unit.MILLISECOND)] * (result.lateness.count > 0)
        + [("floor of this machine", result.floor, Unit.MILLISECOND)] * (result.floor.count > 0)
    )
    yield "<h2>Steps</h2>" + _distributions(list(_steps(result)))
    yield from _counted("Answers to INVITE", total.named("code/"), "code")
    yield from _counted("Failures by cause", dict(list(total.named("cause/").items())[:MOST_CAUSES]), "cause")
    ratios = ((name.upper(), TOTALS[f"sip.{name}"](total)) for name in ("ser", "seer", "isa", "asr"))
    yield "<h2>RFC 6076</h2><table><tr><th>ratio<th>value</tr>"
    yield from (f"<tr><td>{name}<td>{'—' if v is None else f'{v:.3f}%'}</tr>" for name, v in ratios)
    yield "</table>"


def _steps(result: LoadResult) -> Iterator[tuple[str, Histogram, Unit | str]]:
    for name in sorted(result.total.histograms):
        if name.startswith("step/"):
            node, _, edge = name.removeprefix("step/").rpartition(":")
            text, line = result.steps.get(node, (node, 0))
            yield f"{line}: {text} → {edge}", result.total.histograms[name], Unit.MILLISECOND


def _distributions(rows: list[tuple[str, Histogram, Unit | str]]) -> str:
    head = "".join(f"<th>{statistic}" for statistic in _STATISTICS)
    lines = []
    for name, histogram, unit in rows:
        values = (histogram.statistic(statistic) for statistic in _STATISTICS)
        cells = "".join(f"<td>{'—' if value is None else quantity_text(value, unit)}" for value in values)
        lines.append(f"<tr><td>{escape(name)}<td>{histogram.count}{cells}</tr>")
    return f"<table><tr><th><th>count{head}</tr>{''.join(lines)}</table>"


def _counted(title: str, counts: dict[str, int], what: str) -> Iterator[str]:
    if counts:
        yield f"<h2>{title}</h2><table><tr><th>{what}<th>calls</tr>"
        yield from (f'<tr><td class="wrap">{escape(name)}<td>{number}</tr>' for name, number in counts.items())
        yield "</table>"


def _foot(result: LoadResult) -> Iterator[str]:
    yield "<h2>Workers</h2><table><tr><th>worker<th>planned<th>started<th>ended<th>failed<th>lost<th class=left></tr>"
    for w in result.workers:
        cells = "".join(f"<td>{number}" for number in (w.planned, w.started, w.ended, w.failed, w.lost))
        yield f'<tr><td>{escape(w.name)}{cells}<td class="wrap">{escape(w.why_lost)}</tr>'
    yield "</table>"
    yield "<h2>The generator</h2><table><tr><th>looked at<th><th class=left>found</tr>"
    for symptom in result.verdict.symptoms:
        badge = f'<span class="badge {_STANDING[symptom.standing]}">{symptom.standing.name}</span>'
        yield f'<tr><td>{escape(symptom.name)}<td>{badge}<td class="wrap">{escape(symptom.text)}</tr>'
    yield "</table>"
    yield "".join(f"<p class=soft>{escape(note)}</p>" for note in result.notes)
    yield (
        "<p class=soft>Percentiles are never below the true value and at most 1/64 above it; MOS and shares are kept "
        "in steps of a thousandth. Counts are exact.</p>"
    )
