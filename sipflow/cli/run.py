"""`sipflow run`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from sipflow.api import Options, longest_table, read_source
from sipflow.api import run as run_scenario
from sipflow.cli.completing import ScenarioPath
from sipflow.cli.outputs import Output, look_at, unwritten, write_all
from sipflow.cli.parameters import Duration, Variable
from sipflow.errors import MachineError, SipflowError
from sipflow.events import Record
from sipflow.lang.diagnostics import render
from sipflow.plan.network import NetworkConditions, parse_network
from sipflow.redaction import Redactor
from sipflow.report.console import ConsoleReporter, coloured_verdict
from sipflow.report.fold import Report
from sipflow.report.serialise import EventsFile, report_to_json
from sipflow.report.verdict import summary, verdict_lines


class _Count(click.ParamType[int]):
    """How many runs; `all` is 0: one for every row of the longest table."""

    name = "N|all"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value == "all":
            return 0
        if str(value).isdecimal() and int(value) > 0:
            return int(value)
        self.fail(f"{value!r} is neither a number of runs nor `all`", param, ctx)


class _Network(click.ParamType[NetworkConditions]):
    """Conditions of a network in virtual time."""

    name = "CONDITIONS"

    def convert(
        self, value: str | NetworkConditions, param: click.Parameter | None, ctx: click.Context | None
    ) -> NetworkConditions:
        try:
            return value if isinstance(value, NetworkConditions) else parse_network(value)
        except SipflowError as error:
            self.fail(str(error), param, ctx)


EXIT_INTERRUPTED = 130

_FILE_OUT = click.Path(path_type=Path, dir_okay=False, writable=True)


@click.command()
@click.argument("files", nargs=-1, required=True, type=ScenarioPath(path_type=Path), metavar="FILE…")
@click.option(
    "--var",
    "variables",
    multiple=True,
    type=Variable(),
    help="Give a `let` at the top of the file another value, for instance gap=200ms; repeatable.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("sipflow-out"), show_default=True,
              help="Folder below which recordings are written.")  # fmt: skip
@click.option("--media-dir", type=click.Path(path_type=Path, file_okay=False, exists=True),
              help="Look for audio files and tables there, too, after the scenario's own folder.")  # fmt: skip
@click.option("--json", "json_file", type=_FILE_OUT, help="Write the report to this file as JSON.")
@click.option(
    "--junit",
    "junit_file",
    type=_FILE_OUT,
    help="Write the report to this file as JUnit XML, a test case for each lane.",
)
@click.option(
    "--events", "events_file", type=_FILE_OUT, help="Write every event to this file as a line of JSON, as it happens."
)
@click.option(
    "--timeout",
    "timeout_s",
    type=Duration(),
    help="Stop each run after this time, for instance 30s, and fail what is not done.",
)
@click.option("--count", type=_Count(), default=1, metavar="N|all",
              help="Run each file so often, each time with the next row of its tables; all: every row.")  # fmt: skip
@click.option("--seed", type=int, default=0, help="Seed of everything random (impairments, tags); 0 takes a fresh one.")
@click.option("--sim", is_flag=True,
              help="Virtual time: the agents meet in this process, and nothing is waited for.")  # fmt: skip
@click.option("--network", type=_Network(),
              help="With what the network of virtual time spoils SIP and RTP, for instance "
              "\"loss 3% delay 20ms jitter 30ms reorder 1%\"; means --sim.")  # fmt: skip
@click.option(
    "--srtp-keys",
    is_flag=True,
    help="Leave SRTP keys in messages, so that a capture can be decrypted; without it they are hidden.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show the first line of every SIP message.")
@click.option("-q", "--quiet", is_flag=True, help="Show the verdict only.")
def run(
    files: tuple[Path, ...],
    variables: tuple[tuple[str, float], ...],
    out: Path,
    media_dir: Path | None,
    json_file: Path | None,
    junit_file: Path | None,
    events_file: Path | None,
    timeout_s: float | None,
    count: int,
    seed: int,
    sim: bool,
    network: NetworkConditions | None,
    srtp_keys: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    """Run scenarios one after the other, and say for each whether it went as expected.

    Lines show every statement as it ends; in a terminal bars show what plays and records. With several files each
    has its own folder below --out, with several runs of a file each run has one, and the exit code is the worst of all.

    FILE is checked first: with an error in it nothing is sent. Ctrl-C releases every call before it ends; a second one
    does not wait for that.

    \b
    Exit codes:
      0    passed
      1    failed: a lane did not come to its end
      2    the file is wrong, or the command line; nothing was sent
      3    the machine is wrong: a port in use, a file that is missing at run time
      130  interrupted

    \b
    Examples:
      sipflow run ivr.sflow
      sipflow run ivr.sflow --var number=1001 --out results
      sipflow run users.sflow --count all               a run for each row of its tables
      sipflow run *.sflow --junit report.xml --timeout 2m
      sipflow run night.sflow --sim --seed 7            an hour in seconds, and the same one each time
    """
    console = Console(highlight=False)
    reports: list[Report] = []
    look_at((json_file, junit_file, events_file))
    with _open_events(events_file) as events:
        options = Options(
            variables=dict(variables), media_dir=media_dir, timeout_s=timeout_s, seed=seed, sim=network or sim,
            sinks=[events.take] if events else [], handle_signals=True,
            redactor=Redactor(shows_keys=srtp_keys),
        )  # fmt: skip
        try:
            for report in _run_all(files, count, out, options, partial(_run_one, console, verbose, quiet)):
                reports.append(report)
                if report.exit_code == EXIT_INTERRUPTED:
                    break
        finally:
            _write_reports(reports, json_file, junit_file)
    if len(reports) > 1:
        console.print(coloured_verdict(summary(reports)), soft_wrap=True)
    raise click.exceptions.Exit(max(report.exit_code for report in reports))


def _run_all(
    files: tuple[Path, ...], count: int, out: Path, options: Options, run_one: Callable[[Path, Options], Report]
) -> Iterator[Report]:
    """The reports of all runs, each as soon as it is there. No run writes where another one does."""
    for number, file in enumerate(files):
        folder = out / _folder_name(files, number) if len(files) > 1 else out
        runs = count or longest_table(file, options.media_dir, options.variables) or 1
        for row in range(runs):
            fresh = Redactor(shows_keys=options.redactor.shows_keys)
            own = folder / f"run-{row + 1}" if runs > 1 else folder
            report = run_one(file, replace(options, row=row, out=own, redactor=fresh))
            yield report
            if report.diagnostics:
                break  # the file is wrong: it will not be better the next time


def _folder_name(files: tuple[Path, ...], number: int) -> str:
    """The file's name; files of the same name in other folders are told apart by a number."""
    before = sum(file.stem == files[number].stem for file in files[:number])
    return files[number].stem + (f"-{before + 1}" if before else "")


def _run_one(console: Console, verbose: bool, quiet: bool, file: Path, options: Options) -> Report:
    _, text = read_source(file)

    def text_of(source: str) -> str:
        """A secret may be written in the file itself."""
        return options.redactor.masked(text if source == str(file) else _imported(source))

    with ConsoleReporter(console, sip=verbose, quiet=quiet) as reporter:
        sinks: list[Callable[[Record], None]] = [*options.sinks, reporter.take]
        report = run_scenario(file, replace(options, sinks=sinks))
    for diagnostic in report.diagnostics:
        console.print(escape(render(diagnostic, text_of(diagnostic.span.source))), soft_wrap=True)
    if not quiet:
        console.print()
    for line in verdict_lines(report, text_of(str(file)), text_of):
        console.print(coloured_verdict(line), soft_wrap=True)
    return report


def _imported(source: str) -> str:
    """The text of a file that was imported; empty when it is gone since."""
    try:
        return read_source(Path(source))[1]
    except SipflowError:
        return ""


def _write_reports(reports: list[Report], json_file: Path | None, junit_file: Path | None) -> None:
    problems = write_all(_outputs(reports, json_file, junit_file))
    if problems:
        raise MachineError("; ".join(problems))


def _outputs(reports: list[Report], json_file: Path | None, junit_file: Path | None) -> Iterator[Output]:
    if json_file is not None:
        bodies = [report_to_json(report) for report in reports]
        body = json.dumps(bodies[0] if len(bodies) == 1 else bodies, indent=2, ensure_ascii=False)
        yield json_file, lambda path: _write_text(path, body)
    if junit_file is not None:
        from sipflow.report.junit import write_junit

        yield junit_file, lambda path: write_junit(reports, path)


def _write_text(path: Path, body: str) -> None:
    path.write_text(body + "\n", encoding="utf-8")


@contextlib.contextmanager
def _open_events(path: Path | None) -> Iterator[EventsFile | None]:
    if path is None:
        yield None
        return
    try:
        stream = path.open("w", encoding="utf-8")
    except OSError as error:
        raise MachineError(unwritten(path, error)) from error
    file = EventsFile(stream)
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):  # it was told of, or is about to be
            stream.close()
    if file.error is not None:
        raise MachineError(unwritten(path, file.error)) from file.error
