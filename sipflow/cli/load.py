"""`sipflow load`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

import click
from rich.console import Console
from rich.live import Live
from rich.markup import escape

from sipflow.api import read_source
from sipflow.cli.certificates import certificate_options, certificates
from sipflow.cli.completing import ScenarioPath
from sipflow.cli.crews import MakeCrew, abroad, at_home
from sipflow.cli.ending import signals_that_end
from sipflow.cli.finding import TRIAL_S, find_max, write_search
from sipflow.cli.keys import keys
from sipflow.cli.outputs import Output, Steady, look_at, write_all
from sipflow.cli.parameters import Duration, Variable
from sipflow.errors import SipflowError
from sipflow.ir.expr import Expr
from sipflow.lang.diagnostics import Diagnostic, has_errors, render
from sipflow.lang.requirements import compile_requirements
from sipflow.load.capacity import Search
from sipflow.load.control import Control
from sipflow.load.messages import Prepare
from sipflow.load.plan import DEFAULT_RATE, LoadOverrides, NoCallsError, rate_of
from sipflow.load.report.live import live_view, plain_line
from sipflow.load.report.text import report_lines
from sipflow.load.result import Exit, LoadResult
from sipflow.load.run import LoadRun, Status
from sipflow.loading import LoadOptions, WrongFileError, clear_failures, preflight, prepare, worker_count
from sipflow.report.console import coloured_verdict


class _Rate(click.ParamType[float]):
    """`50/s`, `300/m`; a bare number is calls a second."""

    name = "RATE"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        rate = rate_of(str(value))
        if not rate:
            self.fail(f"{value!r} is not a rate of calls, for instance 50/s or 300/m", param, ctx)
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
        if not dots or rates[0] is None or rates[1] is None or not any(rates):
            self.fail(f"{value!r} is not a ramp, for instance 10/s..200/s/60s", param, ctx)
        return rates[0], rates[1], Duration().convert(duration, param, ctx)


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
    type=Duration(),
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
    type=Variable(),
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
@click.option(
    "--json", "json_file", type=_FILE_OUT, help="Write the result as JSON: every second, or every trial of --find-max."
)
@click.option("--csv", "csv_file", type=_FILE_OUT, help="Write a line for every second.")
@click.option(
    "--html", "html_file", type=_FILE_OUT, help="Write a report with plots as one HTML file that needs no network."
)
@click.option(
    "--find-max",
    "condition",
    metavar="CONDITION,…",
    help="Search the highest rate at which this holds, for instance 'calls.success >= 99.9%', beginning at --rate; "
    "each trial takes --duration (default: 10s).",
)
@click.option(
    "--control",
    "control_port",
    type=click.IntRange(0, 65_535),
    metavar="PORT",
    help="Serve /status, /rate, /pause, /resume, /stop and /metrics for Prometheus on this port of loopback (0: a free "
    "one).",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Take the machines that come to this address with `sipflow worker`, in the place of this one: "
    "tls://HOST:PORT, or tcp:// on loopback.",
)
@click.option("--machines", type=_COUNT, default=1, show_default=True, help="How many machines --cluster waits for.")
@certificate_options
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
    condition: str | None,
    control_port: int | None,
    cluster: str | None,
    machines: int,
    tls_ca: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    quiet: bool,
) -> None:
    """Run a scenario thousands of times at planned moments, and measure every call.

    Each call is the whole FILE: all lanes of it, with a row of each table of its own. Calls begin at their planned time
    whatever became of the ones before (an open loop), and set-up time counts from the plan. The `load { … }` block of
    the file says how many calls begin when, and what is required; options take the place of what it says.

    The report begins with the generator itself: VALID, DEGRADED or INVALID. Ctrl-C begins no more calls and waits for
    those that run; a second one releases them. In a terminal + and - change the rate, p pauses, q stops.

    \b
    Exit codes:
      0    what is required holds; without requirements: every call ended well
      1    a requirement is broken; without requirements: a call failed
      2    the file is wrong, or the command line; nothing was sent
      3    the machine is wrong: a port in use, too few descriptors, a report that cannot be written
      4    the generator itself was INVALID: nothing can be said of the other side
      130  interrupted

    \b
    Examples:
      sipflow load calls.sflow
      sipflow load calls.sflow --rate 50/s --duration 2m --html report.html
      sipflow load calls.sflow --ramp 10/s..200/s/60s --concurrency 500
      sipflow load calls.sflow --calls 1000 --arrivals poisson --seed 7
      sipflow load calls.sflow --rate 100/s --require 'setup_time.p99 < 200ms, calls.success >= 99.9%'
      sipflow load calls.sflow --find-max 'setup_time.p99 < 200ms, calls.success >= 99.9%' --rate 20/s
      sipflow load calls.sflow --cluster tls://10.0.0.5:8786 --machines 2 --tls-ca ca.pem --tls-cert run.pem
    """
    console = Console(file=cast(IO[str], Steady()), highlight=False)
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
    _look_at_outputs((json_file, csv_file, html_file), console)
    view = _View(console, file.name, control_port, quiet)
    if cluster is not None:
        if condition is not None or workers is not None:
            raise click.UsageError("--cluster goes with neither --find-max nor --workers")
        result = _run_abroad(
            file, options, console, view, abroad(cluster, certificates(tls_ca, tls_cert, tls_key), machines, console)
        )
    elif condition is not None:
        if ramp or calls or csv_file or html_file or control_port is not None:
            raise click.UsageError("--find-max goes with none of --ramp, --calls, --csv, --html and --control")
        raise click.exceptions.Exit(_find_max(file, options, condition, console, json_file))
    else:
        result = _run(file, options, console, view)
    problems = write_all(_outputs(result, json_file, csv_file, html_file))
    for line in report_lines(result, brief=quiet, width=console.width if console.is_terminal else None):
        console.print(coloured_verdict(line), soft_wrap=True)
    raise click.exceptions.Exit(_tell_unwritten(problems, console) or int(result.exit_code))


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


def _prepare(file: Path, options: LoadOptions, console: Console) -> Prepare:
    """What the workers need; ends with exit code 2 when the file is wrong."""
    try:
        return prepare(file, options)
    except WrongFileError as error:
        _refuse(error.diagnostics, error.text, console)
        raise AssertionError("a file without a graph has errors") from error
    except NoCallsError as error:
        raise click.UsageError(f"{file.name}: {error}") from error
    except SipflowError as error:
        console.print(coloured_verdict(f"ERROR  {error}"), soft_wrap=True)
        raise click.exceptions.Exit(int(Exit.MACHINE)) from error


def _look_at_machine(file: Path, prepared: Prepare, count: int, console: Console) -> None:
    """Ends with exit code 3 when this machine has less than the plan needs."""
    shortages = preflight(prepared, count)
    for diagnostic in shortages:
        console.print(escape(render(diagnostic, read_source(file)[1])), soft_wrap=True)
    if has_errors(shortages):
        raise click.exceptions.Exit(int(Exit.MACHINE))


def _run(file: Path, options: LoadOptions, console: Console, view: _View) -> LoadResult:
    prepared = _prepare(file, options, console)
    count = worker_count(prepared, options.workers)
    _look_at_machine(file, prepared, count, console)
    clear_failures(prepared)
    return asyncio.run(_work(prepared, at_home(count), console, view))


def _run_abroad(file: Path, options: LoadOptions, console: Console, view: _View, crew: MakeCrew) -> LoadResult:
    """On other machines, of which each says itself what it lacks."""
    try:
        return asyncio.run(_work(_prepare(file, options, console), crew, console, view))
    except SipflowError as error:
        console.print(coloured_verdict(f"ERROR  {error}"), soft_wrap=True)
        raise click.exceptions.Exit(int(Exit.MACHINE)) from error


async def _work(prepared: Prepare, make_crew: MakeCrew, console: Console, view: _View) -> LoadResult:
    """One load run, shown and controlled."""
    async with make_crew(prepared) as crew:
        run = LoadRun(prepared, crew.links, on_tick=view.show, start_ahead_s=crew.start_ahead_s, notes=crew.notes)
        control = Control(run, _metrics_page())
        with _signals(run), view.open(run):
            if view.port is not None:
                port = await control.open(view.port)
                console.print(f"control at http://127.0.0.1:{port}/status", style="dim")
            try:
                return await run.run()
            finally:
                await control.close()


def _metrics_page() -> Callable[[Status], str] | None:
    """None without the extra."""
    try:
        from sipflow.load.report.prometheus import metrics_page
    except ModuleNotFoundError:
        return None
    return metrics_page


_PACED_KEYS = "+ faster by a tenth   - slower   p pause or go on   "
_KEYS = "q begin no more calls, twice: release them all"
LINE_EVERY_S = 5.0


class _View:
    """What is shown while it runs: a screen in a terminal, a line now and then anywhere else."""

    def __init__(self, console: Console, name: str, port: int | None, quiet: bool) -> None:
        self.port = port
        self._console = console
        self._name = name
        self._quiet = quiet
        self._live: Live | None = None
        self._keys = ""
        self._next_line = LINE_EVERY_S

    @contextlib.contextmanager
    def open(self, run: LoadRun) -> Iterator[None]:
        """Show a run while inside."""
        if self._quiet or not self._console.is_terminal:
            yield
            return
        with keys(lambda key: _press(run, key)) as pressed:
            self._keys = "" if not pressed else _PACED_KEYS + _KEYS if run.paced else _KEYS
            with Live(console=self._console, auto_refresh=False, transient=True) as self._live:
                yield
        self._live = None

    def show(self, status: Status) -> None:
        """As it stands."""
        if self._live is not None:
            self._live.update(live_view(self._name, status, self._keys, self._console.width), refresh=True)
        elif not self._quiet and status.elapsed_s >= self._next_line:
            self._next_line += LINE_EVERY_S
            self._console.print(plain_line(status), soft_wrap=True)


def _press(run: LoadRun, key: str) -> None:
    match key:
        case "q":
            run.stop()
        case _ if not run.paced:
            pass
        case "+" | "=":
            run.scale(1.1)
        case "-":
            run.scale(1 / 1.1)
        case "p" if run.status().paused:
            run.resume()
        case "p":
            run.pause()
        case _:
            pass


@contextlib.contextmanager
def _signals(run: LoadRun) -> Iterator[None]:
    loop, ending = asyncio.get_running_loop(), signals_that_end()
    for number in ending:
        loop.add_signal_handler(number, run.interrupt)
    try:
        yield
    finally:
        for number in ending:
            loop.remove_signal_handler(number)


def _find_max(file: Path, options: LoadOptions, condition: str, console: Console, json_file: Path | None) -> int:
    """Trials of the file at one rate after the other."""
    overrides = options.overrides
    wanted = (*overrides.requirements, *_requirements((condition,), console))
    overrides = replace(overrides, ramp=None, duration_s=overrides.duration_s or TRIAL_S, requirements=wanted)

    def run_at(rate: float) -> LoadResult:
        trial = replace(options, overrides=replace(overrides, rate=rate), keep_failures=0)
        return _run(file, trial, console, _View(console, "", None, True))

    search = Search(overrides.rate or DEFAULT_RATE)
    code = find_max(search, run_at, console)
    if json_file is None or code in (Exit.MACHINE, Exit.INTERRUPTED):
        return code
    problems = write_all([(json_file, lambda path: write_search(search, condition, path))])
    return _tell_unwritten(problems, console) or code


def _look_at_outputs(paths: tuple[Path | None, ...], console: Console) -> None:
    """Ends with exit code 3 when a report could not be written in the end: nobody runs two hours for that."""
    try:
        look_at(paths)
    except SipflowError as error:
        console.print(coloured_verdict(f"ERROR  {error}"), soft_wrap=True)
        raise click.exceptions.Exit(int(Exit.MACHINE)) from error


def _tell_unwritten(problems: tuple[str, ...], console: Console) -> int:
    """The exit code when a report could not be written, else 0."""
    for problem in problems:
        console.print(coloured_verdict(f"ERROR  {problem}"), soft_wrap=True)
    return int(Exit.MACHINE) if problems else 0


def _outputs(
    result: LoadResult, json_file: Path | None, csv_file: Path | None, html_file: Path | None
) -> Iterator[Output]:
    if json_file is not None:
        from sipflow.load.report.as_json import write_json

        yield json_file, lambda path: write_json(result, path)
    if csv_file is not None:
        from sipflow.load.report.as_csv import write_csv

        yield csv_file, lambda path: write_csv(result, path)
    if html_file is not None:
        from sipflow.load.report.as_html import write_html

        yield html_file, lambda path: write_html(result, path)
