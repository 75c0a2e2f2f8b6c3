"""Agents as instances of the builder, and what of their settings has no counterpart there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sipflow.flowdata.model import DEFAULT_PBX_PORT, DEFAULT_REGISTER_S, Instance
from sipflow.flowdata.notes import Note
from sipflow.flowdata.steps import Constants
from sipflow.ir.expr import constant_ms
from sipflow.ir.graph import OPUS_STEREO, Agent, Graph, plain_codec

PALETTE = ("#3b82f6", "#10b981", "#f59e0b", "#8b5cf6", "#ef4444", "#06b6d4", "#ec4899", "#84cc16")
_PROXY = re.compile(r"sip:(\[[^\]]+\]|[^:;]+)(?::(\d+))?(?:;transport=(udp|tcp))?", re.I)


class AgentExport:
    """Makes instances of the agents that have lanes."""

    def __init__(self, graph: Graph, constants: Constants) -> None:
        self.graph = graph
        self.constants = constants
        driven = {lane.agent for lane in graph.lanes}
        self.agents = [agent for agent in graph.agents if agent.name in driven]
        self.notes = [
            Note("warning", text, line=agent.span.line) for agent in self.agents for text in self._lost(agent)
        ]

    def instances(self) -> tuple[Instance, ...]:
        """All of them, in the order of the file."""
        return tuple(self._instance(agent, PALETTE[number % len(PALETTE)]) for number, agent in enumerate(self.agents))

    def _instance(self, agent: Agent, color: str) -> Instance:
        proxy = self._proxy(agent)
        interval = constant_ms(self.constants.value(agent.register_every))
        host, port, transport = (proxy[1], proxy[2], proxy[3]) if proxy else ("", None, None)
        return Instance(
            id=f"agent:{agent.name}",
            label=agent.name,
            dn=self.constants.number(agent),
            register=agent.register_every is not None and bool(host),
            codecs=tuple(map(plain_codec, agent.codecs)),
            pbx_host=host,
            pbx_port=int(port) if port else DEFAULT_PBX_PORT,
            pbx_transport=(transport or "UDP").upper(),
            register_interval_s=DEFAULT_REGISTER_S if interval is None else max(1, round(interval / 1000)),
            color=color,
        )

    def _proxy(self, agent: Agent) -> re.Match[str] | None:
        text = self.constants.text(agent.proxy)
        return None if text is None else _PROXY.fullmatch(text)

    def _lost(self, agent: Agent) -> Iterator[str]:
        plain = Agent(agent.name)
        settings = {
            "uri": agent.uri is not None,
            "number": agent.number is not None and self.constants.text(agent.number) is None,
            "proxy": agent.proxy_agent is not None or (agent.proxy is not None and self._proxy(agent) is None),
            "register": agent.register_every is not None and self._proxy(agent) is None,
            "auth": agent.auth is not None,
            "listen": any(listen.port or listen.transport != plain.listen.transport for listen in agent.listens),
            "tls": agent.tls is not None,
            "provisional": agent.provisional != plain.provisional,
            "session timer": agent.session_timer is not None,
            "hold by": agent.hold_style != plain.hold_style,
            "challenge": agent.challenge is not None,
            "registrar": agent.registrar is not None,
            "codecs … stereo": OPUS_STEREO in agent.codecs,
            "ptime": agent.ptime_ms != plain.ptime_ms,
            "dtmf": agent.dtmf != plain.dtmf,
            "srtp": (agent.srtp, agent.srtp_suites) != (plain.srtp, plain.srtp_suites),
            "header": bool(agent.headers),
            "media": agent.media != plain.media,
        }
        for name, there in settings.items():
            if there:
                yield f"FlowData has no counterpart of the setting `{name}` of `{agent.name}`"
