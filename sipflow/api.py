"""sipflow for Python programs: check a scenario, run it, look at the report.

report = sipflow.run("ivr.sflow")
assert report.passed, report.failures
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sipflow import events
from sipflow.assets import Assets, media_folders
from sipflow.errors import SipflowError
from sipflow.events import Record
from sipflow.ir.expr import Quantity, Unit, Value
from sipflow.ir.graph import Graph, Table
from sipflow.lang import compile_text
from sipflow.lang.diagnostics import Diagnostic, has_errors
from sipflow.plan.evaluate import NoValueError
from sipflow.plan.network import NetworkConditions, parse_network
from sipflow.plan.plan import Plan, make_plan
from sipflow.redaction import Redactor
from sipflow.report.fold import Report, ReportFold
from sipflow.tables import Row, Rows, TableError, pick_row, read_table

if TYPE_CHECKING:
    from sipflow.runtime.world import World

MOST_SEED = 999_999_999
"""Of those that are drawn: short enough to be typed."""

PlainValue = str | float | bool | Quantity
Sink = Callable[[Record], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to run; every field has a default that suits a test."""

    variables: Mapping[str, PlainValue] = field(default_factory=dict)
    """Values for the file's `let`s, as `--var` gives them. Durations are `Quantity(ms, Unit.MILLISECOND)`."""
    out: Path | str = "sipflow-out"
    """Folder for recordings."""
    media_dir: Path | str | None = None
    timeout_s: float | None = None
    """Limit of the whole run in seconds."""
    seed: int = 0
    """Seed of everything random; 0 takes fresh randomness."""
    sim: bool | str | NetworkConditions = False
    """Virtual time: the agents talk to each other in this process, over a network with these conditions (as `--network`
    gives them; True: one without faults), and nothing is waited for. Seed 0 draws one then, and the report tells it;
    each run of a series has the next seed."""
    row: int = 0
    """Which run of a series this is, from 0: it decides the row that is taken of each table."""
    redactor: Redactor = field(default_factory=Redactor)
    """Learns the secrets of the run: what a program shows besides the report, it can send through this."""
    sinks: Sequence[Sink] = ()
    """Called with every record as it happens, on the thread of the run."""
    handle_signals: bool = False

    @property
    def conditions(self) -> NetworkConditions | None:
        """The network of a run in virtual time; None for one in real time. Raises `MisuseError`."""
        if isinstance(self.sim, NetworkConditions):
            return self.sim
        if isinstance(self.sim, str):
            return parse_network(self.sim)
        return NetworkConditions() if self.sim else None


def check(text: str, *, source: str = "<text>", media_dir: Path | str | None = None) -> list[Diagnostic]:
    """All diagnostics of a scenario's text, errors and warnings, in source order. Never raises on text."""
    assets = Assets(media_folders(_folder_of(source), _path(media_dir)))
    return list(compile_text(text, source, files=assets, variables=()).diagnostics)


def run(path_or_text: Path | str, options: Options | None = None, **settings: object) -> Report:
    """Run a scenario and wait for its report. `settings` are the fields of `Options`.

    A `Path`, or a text of one line that ends in `.sflow`, is a file; any other text is the scenario itself. Mistakes in
    it make a report with verdict `error`, exit code 2 and `diagnostics`; raises `SipflowError` only when a file cannot
    be read.
    """
    chosen = options or Options(**settings)  # type: ignore[arg-type]  # dataclass checks the names
    with asyncio.Runner(loop_factory=_loop_factory(chosen)) as runner:
        return runner.run(_run(path_or_text, chosen))


def _loop_factory(options: Options) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Who makes the loop that a run takes; None: asyncio."""
    if options.conditions is None:
        return None
    from sipflow.runtime.sim.clock import VirtualLoop

    return VirtualLoop


async def arun(path_or_text: Path | str, options: Options | None = None, **settings: object) -> Report:
    """`run` for programs that have an event loop already; cancelling it releases every call first.

    A run in virtual time has a loop of its own, in another thread; sinks are called there.
    """
    chosen = options or Options(**settings)  # type: ignore[arg-type]  # dataclass checks the names
    if chosen.conditions is None:
        return await _run(path_or_text, chosen)
    return await asyncio.to_thread(run, path_or_text, replace(chosen, handle_signals=False))


async def _run(path_or_text: Path | str, chosen: Options) -> Report:
    source, text = read_source(path_or_text)
    folder = source.parent if source else None
    assets = Assets(media_folders(folder, _path(chosen.media_dir)))
    result = compile_text(text, str(source or "<text>"), files=assets, variables=chosen.variables)
    if result.graph is None:
        return _report_of_diagnostics(result.diagnostics, str(source or "<text>"))
    return await run_graph(result.graph, source, chosen, assets)


async def run_graph(graph: Graph, source: Path | None, options: Options, assets: Assets | None = None) -> Report:
    """Run a graph that is there already; the report of everything that happened.

    Its files are looked for by `assets`, without them where a scenario at `source` would have them.
    """
    from sipflow.runtime.runner import Runner, RunSettings

    fold = ReportFold()
    sinks: list[Sink] = [fold.take, *options.sinks]

    def publish(record: Record) -> None:
        clean = options.redactor.record(record)
        for sink in sinks:
            sink(clean)

    assets = assets or Assets(media_folders(source.parent if source else None, _path(options.media_dir)))
    try:
        rows = take_rows(graph.tables, assets, options)
        plan = _plan(graph, options, rows)
    except (NoValueError, TableError) as error:
        return _report_of_problem(str(error), str(source or graph.source), publish, fold)
    settings = RunSettings(assets.folders, Path(options.out), options.handle_signals)
    await Runner(plan, settings, publish, _world(plan)).run()
    return fold.report()


def _world(plan: Plan) -> World | None:
    if plan.network is None:
        return None
    from sipflow.runtime.sim.world import SimulatedWorld

    return SimulatedWorld(plan.network)


def _seed(options: Options) -> int:
    """In virtual time a run can always be repeated, and no two of a series are the same one."""
    if options.conditions is None:
        return options.seed
    return options.seed + options.row if options.seed else random.SystemRandom().randint(1, MOST_SEED)


def _plan(graph: Graph, options: Options, rows: Mapping[str, Row]) -> Plan:
    return make_plan(
        graph,
        overrides=dict(options.variables),
        environment=os.environ,
        seed=_seed(options),
        time_limit_ms=None if options.timeout_s is None else int(options.timeout_s * 1000),
        rows={name: row.cells for name, row in rows.items()},
        row_numbers={name: row.number for name, row in rows.items()},
        redactor=options.redactor,
        network=options.conditions,
    )


def take_rows(tables: Sequence[Table], assets: Assets, options: Options) -> dict[str, Row]:
    """The row of each table that this run of a series takes; raises `TableError`."""
    return {
        table.name: pick_row(_read(table, assets), table.name, table.order, options.row, options.seed)
        for table in tables
    }


def _read(table: Table, assets: Assets) -> Rows:
    file = assets.find(table.path)
    if file is None:
        raise TableError(f"there is no file {table.path} for the table `{table.name}`")
    return read_table(file)


def longest_table(path: Path, media_dir: Path | str | None = None, variables: Iterable[str] = ()) -> int:
    """How many rows the longest table of a scenario has; 0 without tables, and for a file that is wrong.

    Raises `SipflowError` when the scenario or a table cannot be read.
    """
    _, text = read_source(path)
    assets = Assets(media_folders(path.parent, _path(media_dir)))
    graph = compile_text(text, str(path), files=assets, variables=variables).graph
    tables = () if graph is None else graph.tables
    return max((len(_read(table, assets).rows) for table in tables), default=0)


def read_source(path_or_text: Path | str) -> tuple[Path | None, str]:
    """(path, text) of a scenario given either way; raises `SipflowError` when the file cannot be read."""
    if isinstance(path_or_text, str) and not _is_path(path_or_text):
        return None, path_or_text
    path = Path(path_or_text)
    try:
        return path, path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise SipflowError(f"cannot read {path}: {error.strerror}") from error


def duration(seconds: float) -> Quantity:
    """A duration for `Options.variables`."""
    return Quantity(seconds * 1000, Unit.MILLISECOND)


def _is_path(text: str) -> bool:
    return "\n" not in text and text.strip().endswith(".sflow")


def _folder_of(source: str) -> Path | None:
    return None if source.startswith("<") else Path(source).parent


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


def _report_of_diagnostics(diagnostics: Sequence[Diagnostic], source: str) -> Report:
    assert has_errors(diagnostics), "only a file with errors has no graph"
    return Report("", source, "error", 2, 0.0, "", "", 0, diagnostics=tuple(diagnostics))


def _report_of_problem(text: str, source: str, publish: Sink, fold: ReportFold) -> Report:
    for event in (
        events.RunStarted("", source, "", "", 0),
        events.Logged(text, "error"),
        events.RunFinished("error", 3, 0.0),
    ):
        publish(Record(0.0, "", "", "", 0, event))
    return fold.report()


__all__ = ["NetworkConditions", "Options", "Report", "Value", "arun", "check", "duration", "run"]
