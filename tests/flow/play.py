"""A scenario in virtual time, with the test in the place of network and media."""

from __future__ import annotations

from typing import Any, TypeVar

from sipflow.events import CallIncoming, Logged, NodeSucceeded, Payload
from sipflow.flow import Scenario
from sipflow.flow.commands import Command
from sipflow.flow.outcome import LaneResult
from sipflow.flow.scenario import Happened
from sipflow.ir.graph import Graph
from sipflow.ir.validate import problems
from sipflow.lang import compile_text
from sipflow.media_params import Direction, MediaParams, RtpFormat
from sipflow.plan.plan import make_plan

CommandT = TypeVar("CommandT", bound=Command)
PCMU = RtpFormat("PCMU", 0)
MEDIA = MediaParams("127.0.0.1", 20000, "127.0.0.1", 30000, 30001, PCMU, (PCMU,), 101, 101, 20, Direction.SENDRECV)


def graph_of(text: str) -> Graph:
    """The graph of a sound program."""
    compiled = compile_text(text)
    assert compiled.graph is not None, compiled.diagnostics
    assert problems(compiled.graph) == []
    return compiled.graph


class Play:
    """Runs a program; commands and events pile up until the test takes them. `plan` is for `make_plan`."""

    def __init__(self, program: str | Graph, **plan: Any) -> None:
        self.scenario = Scenario(make_plan(program if isinstance(program, Graph) else graph_of(program), **plan))
        self.now = 0.0
        self.commands: list[Command] = []
        self.happened: list[Payload] = []
        self.scenario.start(0.0)
        self._drain()

    def feed(self, agent: str, *payloads: Payload, at: float | None = None) -> Play:
        """Let events of `agent` come, at a later time if one is given."""
        if at is not None:
            self.pass_time(at)
        for payload in payloads:
            if isinstance(payload, CallIncoming):
                assert payload.call == self.scenario.new_call_id(agent), "the user agent names incoming calls in order"
            self.scenario.receive(agent, payload, self.now)
            self._drain()
        return self

    def pass_time(self, until: float) -> Play:
        """Ring every deadline up to `until`, each at its exact time."""
        while (deadline := self.scenario.next_deadline()) is not None and deadline <= until:
            self.now = deadline
            self.scenario.handle_timer(deadline)
            self._drain()
        self.now = until
        return self

    def take(self, kind: type[CommandT]) -> CommandT:
        """The first command of this kind, which is gone then; fails the test when there is none."""
        for index, command in enumerate(self.commands):
            if isinstance(command, kind):
                del self.commands[index]
                return command
        raise AssertionError(f"no {kind.__name__} among {self.commands}")

    def has(self, kind: type[Command]) -> bool:
        """Whether a command of this kind waits."""
        return any(isinstance(command, kind) for command in self.commands)

    def result(self, lane: str) -> LaneResult:
        """What became of a lane."""
        return next(result for result in self.scenario.results() if result.lane.id == lane)

    def told(self) -> list[str]:
        """Details of the statements that succeeded, empty ones left out."""
        return [event.detail for event in self.happened if isinstance(event, NodeSucceeded) and event.detail]

    def logged(self) -> list[str]:
        """What the program logged."""
        return [event.text for event in self.happened if isinstance(event, Logged)]

    def _drain(self) -> None:
        for output in self.scenario.outputs():
            if isinstance(output, Happened):
                self.happened.append(output.payload)
            else:
                self.commands.append(output)
