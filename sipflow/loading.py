"""Load runs for Python programs and for the command line: from a file to a result.

result = await sipflow.loading.arun_load(Path("calls.sflow"), LoadOptions(overrides=LoadOverrides(rate=50)))
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sipflow.api import PlainValue, read_source
from sipflow.assets import Assets, media_folders
from sipflow.errors import SipflowError
from sipflow.ir.graph import Table
from sipflow.ir.ops import Register
from sipflow.lang import compile_text
from sipflow.lang.diagnostics import Diagnostic, Severity
from sipflow.load import bundles
from sipflow.load.links import Link, ProcessLink
from sipflow.load.messages import Prepare
from sipflow.load.plan import LoadOverrides, make_load_plan
from sipflow.load.preflight import check, durations, need_of, raise_descriptor_limit, this_machine
from sipflow.load.result import LoadResult
from sipflow.load.roles import callees
from sipflow.load.run import LoadRun, Status
from sipflow.plan.plan import Plan, make_plan
from sipflow.redaction import Redactor
from sipflow.tables import Rows, TableError, read_table


class WrongFileError(SipflowError):
    """The file has errors: `diagnostics` say which."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], text: str) -> None:
        super().__init__("the file is wrong")
        self.diagnostics = diagnostics
        self.text = text


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to run; every field has a default."""

    overrides: LoadOverrides = field(default_factory=LoadOverrides)
    variables: Mapping[str, PlainValue] = field(default_factory=dict)
    data: Path | None = None
    """A CSV file in the place of that of the file's only table."""
    media_dir: Path | None = None
    out: Path = Path("sipflow-out")
    keep_failures: int = 10
    workers: int | None = None
    """Processes; None: one for each core that this process may use."""
    redactor: Redactor = field(default_factory=Redactor)


def prepare(path: Path, options: LoadOptions) -> Prepare:
    """Everything that the workers of a run need; raises `WrongFileError`, or `SipflowError` when a file cannot be read
    or a value is missing."""
    _, text = read_source(path)
    assets = Assets(media_folders(path.parent, options.media_dir), options.data)
    compiled = compile_text(text, str(path), files=assets, variables=options.variables)
    if compiled.graph is None:
        raise WrongFileError(compiled.diagnostics, text)
    tables = _tables(compiled.graph.tables, assets, options.data)
    first = {
        name: (dict(zip(rows.columns, rows.rows[0], strict=True)) if rows.rows else {}) for name, _, rows in tables
    }
    plan = make_plan(
        compiled.graph,
        overrides=dict(options.variables),
        environment=dict(os.environ),
        seed=options.overrides.seed,
        rows=first,
        row_numbers=dict.fromkeys(first, 1),
        redactor=options.redactor,
    )
    return Prepare(
        plan=plan,
        load=make_load_plan(plan, options.overrides),
        stripe=0,
        stripes=1,
        tables=tables,
        media_folders=tuple(assets.folders),
        out=options.out,
        keep_failures=options.keep_failures,
    )


def clear_failures(prepared: Prepare) -> None:
    """Take away what failed calls of an earlier run left in the same folder, if this one may leave any."""
    if prepared.keep_failures:
        bundles.clear(prepared.out / bundles.FOLDER)


def preflight(prepared: Prepare, workers: int) -> tuple[Diagnostic, ...]:
    """What this machine lacks for the plan."""
    need = need_of(prepared.plan, prepared.load, durations(prepared.media_folders), prepared.tables)
    found = check(prepared.plan, prepared.load, workers, this_machine(cores()), need)
    return tuple(
        Diagnostic(
            one.code, Severity.ERROR if one.error else Severity.WARNING, one.message, one.span, one.label, help=one.help
        )
        for one in found
    )


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_count(prepared: Prepare, wanted: int | None) -> int:
    """How many processes run a plan; no more than there may be calls at the same time, as each has a part of these.

    A port that the file names belongs to one process, and a call that comes by a registration would ring in all that
    registered, so there is one then.
    """
    plan = prepared.plan
    if wanted is None:
        wanted = 1 if fixed_ports(plan) or called_by_registration(plan) else cores()
    return min(wanted, prepared.load.concurrency or wanted)


def fixed_ports(plan: Plan) -> tuple[str, ...]:
    """Agents that listen at a port which the file names."""
    driven = (agent for agent in plan.agents.values() if not agent.remote)
    return tuple(agent.name for agent in driven if agent.port or any(listen.port for listen in agent.listens))


def called_by_registration(plan: Plan) -> tuple[str, ...]:
    """Agents that wait for calls and register for them with somebody who is not in the file."""
    lanes = callees(plan.graph)
    registering = {node.agent for node in plan.graph.nodes if isinstance(node.op, Register)}
    return tuple(
        agent.name
        for agent in plan.agents.values()
        if agent.name in lanes and agent.proxy and (agent.register_s is not None or agent.name in registering)
    )


def local_links(count: int) -> list[Link]:
    """Workers that are processes of this machine."""
    raise_descriptor_limit()  # children inherit it
    return [ProcessLink(number) for number in range(count)]


async def arun_load(path: Path, options: LoadOptions, on_tick: Callable[[Status], None] | None = None) -> LoadResult:
    """Run a load and wait for its result. Raises what `prepare` raises."""
    prepared = prepare(path, options)
    clear_failures(prepared)
    return await LoadRun(prepared, local_links(worker_count(prepared, options.workers)), on_tick=on_tick).run()


def _tables(tables: Sequence[Table], assets: Assets, data: Path | None) -> tuple[tuple[str, str, Rows], ...]:
    if data is not None and len(tables) != 1:
        raise TableError(f"--data stands for the file's only table, and the file has {len(tables)}")
    return tuple(_table(table, assets) for table in tables)


def _table(table: Table, assets: Assets) -> tuple[str, str, Rows]:
    name, path, order = table.name, table.path, table.order
    file = assets.table_file(path)
    if file is None:
        raise TableError(f"there is no file {path} for the table `{name}`")
    return name, order, read_table(file)
