"""The files that a plan names, as values that can be sent, and put in a folder of another machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from sipflow.errors import SipflowError
from sipflow.ir.expr import Expr
from sipflow.ir.ops import Record
from sipflow.load.messages import Prepare
from sipflow.media import MediaLibrary
from sipflow.plan.evaluate import NoValueError, Scope, evaluate_text
from sipflow.plan.plan import AgentPlan, Plan, plan_with_rows
from sipflow.tables import Rows


@dataclass(frozen=True, slots=True)
class Assets:
    """Contents by the names that the scenario uses."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Of all contents."""
        return sum(map(len, self.files.values()))

    def write(self, folder: Path) -> None:
        """Put the files below a folder."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def collect(prepared: Prepare) -> Assets:
    """Everything that the workers of a run will look for; raises `SipflowError` for a name that only this machine has.

    A file that is missing here is missing there, and told when it is played.
    """
    library = MediaLibrary(prepared.media_folders)
    home = Path(prepared.plan.graph.source).parent
    found = {name: library.find(name) for name in _media_names(prepared)}
    found |= {name: home / name for name in _certificate_names(prepared.plan) if (home / name).is_file()}
    return Assets({_inside(name): path.read_bytes() for name, path in found.items() if path is not None})


def settle(prepared: Prepare, folder: Path, out: Path, address: str | None) -> Prepare:
    """The same work for a machine that has the files in `folder`, writes to `out` and calls from
    `address`."""
    plan = prepared.plan
    graph = replace(plan.graph, source=str(folder / Path(plan.graph.source).name))
    plan = replace(plan, graph=graph, agents={name: _at(agent, address) for name, agent in plan.agents.items()})
    return replace(prepared, plan=plan, media_folders=(folder,), out=out)


def _at(agent: AgentPlan, address: str | None) -> AgentPlan:
    """Where the file says nothing an agent is at loopback, which nobody reaches from another machine."""
    if address is None or agent.remote or agent.spec.listen.span.line:
        return agent
    listens = tuple(replace(listen, host=address) for listen in agent.listens)
    return replace(agent, host=address, listens=listens)


def _media_names(prepared: Prepare) -> set[str]:
    """Names of files that are played or listened for, with every row of every table."""
    paths = [path for node in prepared.plan.graph.nodes if (path := _path_of(node.op)) is not None]
    names = set()
    for scope in _scopes(prepared.plan, prepared.tables) if paths else ():
        for path in paths:
            try:
                names.add(evaluate_text(path, scope))
            except NoValueError:
                continue  # known only in the call
    return names


def _path_of(op: object) -> Expr | None:
    path = None if isinstance(op, Record) else getattr(op, "path", None)
    return path if isinstance(path, Expr) else None


def _scopes(plan: Plan, tables: tuple[tuple[str, str, Rows], ...]) -> Iterator[Scope]:
    longest = max((len(rows.rows) for _, _, rows in tables), default=0)
    if not longest:
        yield plan.scope()
    for number in range(longest):
        cells = {
            name: dict(zip(rows.columns, rows.rows[number % len(rows.rows)], strict=True))
            for name, _, rows in tables
            if rows.rows
        }
        yield plan_with_rows(plan, cells, dict.fromkeys(cells, number + 1), plan.seed).scope()


def _certificate_names(plan: Plan) -> set[str]:
    named = [(agent.tls.ca, agent.tls.certificate, agent.tls.key) for agent in plan.agents.values() if agent.tls]
    return {name for names in named for name in names if name}


def _inside(name: str) -> str:
    """The name, if it stays below a folder wherever that is."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise SipflowError(f"{name} cannot be sent to other machines: name it relative to the scenario's folder")
    return name
