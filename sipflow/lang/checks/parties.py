"""Who may be at the other end of a lane's calls: agents of the program, or (None) somebody of whom nothing is known."""

from __future__ import annotations

from functools import cached_property
from itertools import chain

from sipflow.ir import ops
from sipflow.ir.graph import Agent, Node
from sipflow.lang.checks.phases import MAKERS
from sipflow.lang.checks.program import Program

Peers = frozenset[str] | None
"""Names of agents that this program drives, one of which is at the other end; None when it may be a stranger."""

_CALLING = (ops.Call, ops.Dial)
_NAMING = (ops.Call, ops.Dial, ops.Transfer, ops.Redirect)
"""Operations with a target."""


_MOST_PEERS = 50
"""What a lane with more of them waits for is not judged: it would cost time for each of its waits."""


class Parties:
    """The parties of a program, and who may talk with whom."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._peers: dict[tuple[str, str | None], Peers] = {}

    @cached_property
    def driven(self) -> frozenset[str]:
        """Agents with a lane."""
        return frozenset(lane.agent for lane in self.program.graph.lanes)

    @cached_property
    def makers(self) -> dict[str, list[Node]]:
        """Statements by which each lane gets calls."""
        found: dict[str, list[Node]] = {}
        for node in self.program.live_nodes():
            if isinstance(node.op, MAKERS) or _awaits_a_call(node):
                found.setdefault(node.lane, []).append(node)
        return found

    @cached_property
    def strangers_called(self) -> bool:
        """Whether somebody is called, or sent elsewhere, whose address is known in the run only."""
        if self.program.context.calls_unknown or self.rule_breakers:
            return True
        nodes = self.program.live_nodes()
        return any(isinstance(node.op, _NAMING) and self._is_unknown(node.op) for node in nodes)

    @cached_property
    def rule_breakers(self) -> frozenset[str]:
        """Agents that send what no phone would: what others make of it, only the run shows."""
        return frozenset(node.agent for node in self.program.live_nodes() if _breaks_rules(node))

    @cached_property
    def _registering(self) -> frozenset[str]:
        nodes = self.program.live_nodes()
        return frozenset(node.agent for node in nodes if isinstance(node.op, ops.Register))

    def _has_a_server(self, agent: Agent) -> bool:
        """Whether what it sends, or what is sent to it, goes to a server, which may do anything with it."""
        return agent.name in self._registering or _names_a_server(agent)

    def _is_unknown(self, op: ops.Call | ops.Dial | ops.Transfer | ops.Redirect) -> bool:
        if op.target is None:  # `transfer c1 to c2`
            return False
        if op.target_agent is None or op.target_agent not in self.program.agents:
            return True
        # Who is sent to a stranger is known to that stranger from then on; who that will be shows in the run.
        return isinstance(op, ops.Transfer | ops.Redirect) and not self._is_reached(op.target_agent)

    @cached_property
    def known_outside(self) -> frozenset[str]:
        """Agents that talk to strangers, who may call back then: they have learnt the address."""
        found: set[str] = set()
        for node in self.program.live_nodes():
            target = node.op.target_agent if isinstance(node.op, ops.Call | ops.Dial | ops.SendRequest) else None
            if target is not None and not self._is_reached(target):
                found.add(node.agent)
        return frozenset(found)

    @cached_property
    def transfers(self) -> bool:
        """Whether calls may go on with another peer."""
        return any(isinstance(node.op, ops.Transfer) for node in self.program.live_nodes())

    def is_private(self, name: str) -> bool:
        """Whether all that agents of this program send to this one arrives there, and nobody else finds it."""
        agent = self.program.agents.get(name)
        return agent is not None and name in self.driven and not self._is_public(agent)

    def _is_public(self, agent: Agent) -> bool:
        """Whether strangers may call it."""
        return agent.remote or any(listen.port for listen in agent.listens) or self._has_a_server(agent)

    def hears_only_the_program(self, agent: str) -> bool:
        """Whether calls and requests for an agent can come from agents of this program only."""
        return self.is_private(agent) and agent not in self.known_outside and not self.strangers_called

    # --- who calls whom --------------------------------------------------------------------------------------------

    @cached_property
    def redirects(self) -> dict[str, frozenset[str]]:
        """To whom each agent redirects its callers, over any number of hops."""
        direct: dict[str, set[str]] = {}
        for node in self.program.live_nodes():
            if isinstance(node.op, ops.Redirect) and node.op.target_agent is not None:
                direct.setdefault(node.agent, set()).add(node.op.target_agent)
        return {agent: _closure(agent, direct) for agent in direct}

    def called_by(self, node: Node) -> Peers:
        """Who may answer a `call` or a `dial`."""
        op = node.op
        assert isinstance(op, _CALLING), "only these call somebody"
        if op.target_agent is None or self._has_a_server(self.program.agents[node.agent]):
            return None
        if node.agent in self.rule_breakers:
            return None
        called = frozenset((op.target_agent,)) | self.redirects.get(op.target_agent, frozenset())
        return called if all(self._is_reached(name) for name in called) else None

    def _is_reached(self, name: str) -> bool:
        """Whether calls for an agent arrive at its lanes. It may have a fixed port: strangers call it then, too."""
        agent = self.program.agents.get(name)
        if agent is None or agent.remote or name not in self.driven or name in self.rule_breakers:
            return False
        return not self._has_a_server(agent)

    @cached_property
    def callers(self) -> dict[str, frozenset[str]]:
        """Agents that call each agent."""
        found: dict[str, set[str]] = {}
        for node in self.program.live_nodes():
            if isinstance(node.op, _CALLING) and node.op.target_agent is not None:
                target = node.op.target_agent
                for name in (target, *self.redirects.get(target, ())):
                    found.setdefault(name, set()).add(node.agent)
        return {name: frozenset(agents) for name, agents in found.items()}

    def callers_of(self, agent: str) -> Peers:
        """Who may call an agent."""
        callers = self.callers.get(agent, frozenset())
        served = any(self._has_a_server(self.program.agents[caller]) for caller in callers)
        known = self.hears_only_the_program(agent) and not served
        return callers if known else None

    # --- who is at the other end -----------------------------------------------------------------------------------

    def peers_of(self, lane: str, call: str | None) -> Peers:
        """Who may be at the other end of the call `call` of a lane (None: of any of its calls)."""
        key = (lane, call)
        if key not in self._peers:
            self._peers[key] = self._all_known() if self.transfers else self._of_makers(lane, call)
        return self._peers[key]

    def _all_known(self) -> Peers:
        """Once calls are transferred, anybody may be connected to anybody."""
        agents = self.program.agents.values()
        strangers = any(agent.remote or self._is_public(agent) for agent in agents)
        many = len(self.driven) > _MOST_PEERS
        return None if many or strangers or self.strangers_called else self.driven

    def _of_makers(self, lane: str, call: str | None) -> Peers:
        taking, calling = self._makers_by_name.get(lane, ([], {}))
        makers = [node for nodes in calling.values() for node in nodes] if call is None else calling.get(call, [])
        peers: set[str] = set()
        for found in chain((self.callers_of(node.agent) for node in taking[:1]), map(self.called_by, makers)):
            if found is None or len(peers) > _MOST_PEERS:
                return None
            peers |= found
        return frozenset(peers)

    @cached_property
    def _makers_by_name(self) -> dict[str, tuple[list[Node], dict[str, list[Node]]]]:
        """By lane: what takes calls (any of which may have any name), and what makes them, by the name of the call."""
        found: dict[str, tuple[list[Node], dict[str, list[Node]]]] = {}
        for lane, nodes in self.makers.items():
            taking, calling = found[lane] = ([], {})
            for node in nodes:
                if isinstance(node.op, _CALLING):
                    calling.setdefault(node.op.name or "", []).append(node)
                else:
                    taking.append(node)
        return found


def _awaits_a_call(node: Node) -> bool:
    return isinstance(node.op, ops.Choose) and any(isinstance(arm.event, ops.ExpectCall) for arm in node.op.events)


def _names_a_server(agent: Agent) -> bool:
    parts = (agent.uri, agent.proxy, agent.proxy_agent, agent.register_every, agent.auth)
    return any(part is not None for part in (*parts, agent.challenge, agent.registrar))


def _breaks_rules(node: Node) -> bool:
    if isinstance(node.op, ops.SendRaw | ops.Respond):
        return True
    extra = getattr(node.op, "extra", None)
    return isinstance(extra, ops.With) and bool(extra.edits)


def _closure(agent: str, direct: dict[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    queue = [agent]
    while queue:
        for target in direct.get(queue.pop(), ()):
            if target not in found:
                found.add(target)
                queue.append(target)
    return frozenset(found)
