"""`sipflow load`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from sipflow.cli.completing import ScenarioPath
from sipflow.cli.run import _coloured, _Duration, _Variable
from sipflow.errors import SipflowError
from sipflow.ir.expr import Expr
from sipflow.lang.diagnostics import Diagnostic, has_errors, render
from sipflow.lang.requirements import compile_requirements
from sipflow.load.plan import LoadOverrides, rate_of
from sipflow.load.report.text import report_lines
from sipflow.load.result import Exit, LoadResult
from sipflow.load.run import LoadRun, Status
from sipflow.loading import LoadOptions, WrongFileError, local_links, prepare, worker_count


class _Rate(click.ParamType[float]):
    """`50/s`, `300/m`; a bare number is calls a second."""

    name = "RATE"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        rate = rate_of(str(value))
        if rate is None:
            self.fail(f"{value!r} is not a rate, for instance 50/s or 300/m", param, ctx)
        return rate


class _Ramp(click.ParamType[tuple[float, float, float]]):
    """`10/s..200/s/60s`."""

    name = "FROM..TO/D"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float]:
        first, dots, rest = value.partition("..")
        last, _, duration = rest.rpartition("/")
        rates = rate_of(first), rate_of(last)
        if not dots or rates[0] is None or rates[1] is None:
            self.fail(f"{value!r} is not a ramp, for instance 10/s..200/s/60s", param, ctx)
        return rates[0], rates[1], _Duration().convert(duration, param, ctx)


_FILE_OUT = click.Path(path_type=Path, dir_okay=False, writable=True)
_COUNT = click.IntRange(1)


@click.command()
@click.argument("file", type=ScenarioPath(path_type=Path), metavar="FILE")
@click.option(
    "--rate", type=_Rate(), help="New calls a second, evenly: 50/s, 300/m. Takes the place of the file's stages."
)
@click.option("--ramp", type=_Ramp(), help="Go from one rate to another first: 10/s..200/s/60s.")
@click.option("--calls", type=_COUNT, help="Begin no more calls than this.")
@click.option(
    "--concurrency", type=_COUNT, help="No more calls at the same time; one too many is not started, and counted."
)
@click.option(
    "--duration",
    "duration_s",
    type=_Duration(),
    help="For how long new calls begin: 30s, 10m (default: as the file says, else 60s).",
)
@click.option(
    "--arrivals",
    type=click.Choice(["uniform", "poisson"]),
    help="At equal distances, or as the calls of many independent people come.",
)
@click.option(
    "--require",
    "requirements",
    multiple=True,
    metavar="CONDITION,…",
    help="What has to hold besides what the file requires, for instance "
    "'setup_time.p99 < 200ms, calls.success >= 99.5%'; repeatable.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Processes (default: one a core; one where the file names a port to listen at).",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="CSV file in the place of that of the file's table; every call takes a row.",
)
@click.option(
    "--var",
    "variables",
    multiple=True,
    type=_Variable(),
    help="Give a `let` at the top of the file another value; repeatable.",
)
@click.option(
    "--seed", type=int, default=0, help="Seed of everything random: arrivals, rows, impairments; 0 takes a fresh one."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("sipflow-out"),
    show_default=True,
    help="Folder for recordings and for what failed calls leave.",
)
@click.option(
    "--media-dir",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Look for audio files and tables there, too.",
)
@click.option(
    "--keep-failures",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="How many failed calls of a worker leave events, SIP messages and measurements in OUT/failures.",
)
@click.option("--json", "json_file", type=_FILE_OUT, help="Write the result as JSON, with every second.")
@click.option("--csv", "csv_file", type=_FILE_OUT, help="Write a line for every second.")
@click.option(
    "--html", "html_file", type=_FILE_OUT, help="Write a report with plots as one HTML file that needs no network."
)
@click.option("-q", "--quiet", is_flag=True, help="Show the verdict only.")
def load(
    file: Path,
    rate: float | None,
    ramp: tuple[float, float, float] | None,
    calls: int | None,
    concurrency: int | None,
    duration_s: float | None,
    arrivals: str | None,
    requirements: tuple[str, ...],
    workers: int | None,
    data: Path | None,
    variables: tuple[tuple[str, float], ...],
    seed: int,
    out: Path,
    media_dir: Path | None,
    keep_failures: int,
    json_file: Path | None,
    csv_file: Path | None,
    html_file: Path | None,
    quiet: bool,
) -> None:
    """Run a scenario thousands of times at planned moments, and measure every call.

    Each call is the whole FILE: all lanes of it, with a row of each table of its own. Calls begin at their planned time
    whatever became of the ones before (an open loop), and set-up time counts from the plan. The `load { … }` block of
    the file says how many calls begin when, and what is required; options take the place of what it says.

    The report begins with the generator itself: VALID, DEGRADED or INVALID. Ctrl-C begins no more calls and waits for
    those that run; a second one releases them.

    \b
    Exit codes:
      0    what is required holds; without requirements: every call ended well
      1    a requirement is broken; without requirements: a call failed
      2    the file is wrong, or the command line; nothing was sent
      3    the machine is wrong: a port in use, too few descriptors
      4    the generator itself was INVALID: nothing can be said of the other side
      130  interrupted

    \b
    Examples:
      sipflow load calls.sflow
      sipflow load calls.sflow --rate 50/s --duration 2m --html report.html
      sipflow load calls.sflow --ramp 10/s..200/s/60s --concurrency 500
      sipflow load calls.sflow --calls 1000 --arrivals poisson --seed 7
      sipflow load calls.sflow --rate 100/s --require 'setup_time.p99 < 200ms, calls.success >= 99.9%'
    """
    console = Console(highlight=False)
    options = LoadOptions(
        overrides=LoadOverrides(rate, ramp, calls, concurrency, duration_s, arrivals, seed),
        variables=dict(variables),
        data=data,
        media_dir=media_dir,
        out=out,
        keep_failures=keep_failures,
        workers=workers,
    )
    wanted = _requirements(requirements, console)
    options = replace(options, overrides=replace(options.overrides, requirements=wanted))
    result = _run(file, options, console, quiet)
    _write(result, json_file, csv_file, html_file)
    for line in report_lines(result, brief=quiet):
        console.print(_coloured(line), soft_wrap=True)
    raise click.exceptions.Exit(int(result.exit_code))


def _requirements(texts: tuple[str, ...], console: Console) -> tuple[Expr, ...]:
    """The conditions of the command line; ends with exit code 2 when one is wrong."""
    found: list[Expr] = []
    for text in texts:
        conditions, diagnostics, program = compile_requirements(text)
        _refuse(diagnostics, program, console)
        found += conditions
    return tuple(found)


def _refuse(diagnostics: tuple[Diagnostic, ...], text: str, console: Console) -> None:
    for diagnostic in diagnostics:
        console.print(escape(render(diagnostic, text)), soft_wrap=True)
    if has_errors(diagnostics):
        raise click.exceptions.Exit(int(Exit.FILE))


def _run(file: Path, options: LoadOptions, console: Console, quiet: bool) -> LoadResult:
    try:
        prepared = prepare(file, options)
    except WrongFileError as error:
        _refuse(error.diagnostics, error.text, console)
        raise AssertionError("a file without a graph has errors") from error
    except SipflowError as error:
        raise click.ClickException(str(error)) from error
    links = local_links(worker_count(prepared.plan, options.workers))

    async def work() -> LoadResult:
        run = LoadRun(prepared, links, on_tick=lambda status: None if quiet else _show(console, status))
        with _signals(run):
            return await run.run()

    return asyncio.run(work())


def _show(console: Console, status: Status) -> None:
    pass


@contextlib.contextmanager
def _signals(run: LoadRun) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, run.interrupt)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _write(result: LoadResult, json_file: Path | None, csv_file: Path | None, html_file: Path | None) -> None:
    if json_file is not None:
        from sipflow.load.report.as_json import write_json

        write_json(result, json_file)
    if csv_file is not None:
        from sipflow.load.report.as_csv import write_csv

        write_csv(result, csv_file)
    if html_file is not None:
        from sipflow.load.report.as_html import write_html

        write_html(result, html_file)
