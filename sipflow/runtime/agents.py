"""From an agent of a plan to what its SIP machine is told."""

from __future__ import annotations

from collections.abc import Mapping

from sipflow import __version__
from sipflow.ir.graph import Graph
from sipflow.ir.ops import Choose, ExpectRequest, Op
from sipflow.plan.plan import AgentPlan
from sipflow.plan.settings import ChallengePlan, Credentials, RegistrarPlan, SessionTimerPlan
from sipflow.sip.config import Demanded, Identity, Listener, SessionTimerConfig, UserAgentConfig
from sipflow.sip.digest import Algorithm, Login
from sipflow.sip.proxy.config import ProxyConfig, User

_ALGORITHMS = {"md5": Algorithm.MD5, "sha256": Algorithm.SHA_256, "sha512_256": Algorithm.SHA_512_256}
_QOPS = {"auth": ("auth",), "auth_int": ("auth-int",), "none": ()}


def user_agent_config(
    plan: AgentPlan,
    listeners: tuple[Listener, ...],
    proxies: Mapping[str, tuple[str, str]],
    accepts: frozenset[str] = frozenset(),
) -> UserAgentConfig:
    """What a user agent is told that listens there. `proxies` has the realm and the URI of every proxy of this run."""
    first, *others = listeners
    realm, proxy = proxies.get(plan.proxy_agent, ("", _proxy_uri(plan.proxy)))
    return UserAgentConfig(
        name=plan.name,
        user=plan.user,
        host=first.host,
        port=first.port,
        transport=first.transport,
        also=tuple(others),
        from_uri=plan.uri or _address_at(plan.user, realm or _host_of(proxy)) or None,
        headers=plan.headers,
        user_agent=f"sipflow/{__version__}",
        outbound_proxy=proxy,
        login=_login(plan.auth),
        challenge=_demanded(plan.challenge),
        provisional=plan.provisional,
        session_timer=_session_timer(plan.session_timer),
        accepts=accepts,
    )


def identity_of(plan: AgentPlan, opened: UserAgentConfig) -> Identity:
    """Who an agent calls as in one call: its address is at the domain of the agent as it was opened."""
    host_port = (opened.from_uri or opened.contact_uri).rpartition("@")[2].partition(";")[0]
    return Identity(plan.uri or f"sip:{plan.user}@{host_port}", _login(plan.auth))


def accepted_methods(graph: Graph, agent: str) -> frozenset[str]:
    """Methods that a lane of the agent waits for: such a request is welcome, whatever a phone would say to it."""
    awaited = (op for node in graph.nodes if node.agent == agent for op in _expected(node.op))
    return frozenset(op.method for op in awaited if isinstance(op, ExpectRequest))


def _expected(op: Op) -> tuple[Op, ...]:
    return tuple(arm.event for arm in op.events) if isinstance(op, Choose) else (op,)


def _session_timer(timer: SessionTimerPlan | None) -> SessionTimerConfig | None:
    return None if timer is None else SessionTimerConfig(timer.expires_s, timer.refresher, timer.min_se_s)


def _proxy_uri(proxy: str) -> str:
    """A proxy as the file gives it, with or without `sip:`."""
    return proxy if not proxy or proxy.partition(":")[0].lower() in ("sip", "sips") else f"sip:{proxy}"


def proxy_config(plan: AgentPlan, registrar: RegistrarPlan, listeners: tuple[Listener, ...]) -> ProxyConfig:
    """What a registrar is told."""
    return ProxyConfig(
        name=plan.name,
        realm=registrar.realm,
        listeners=listeners,
        users=tuple(User(one.user, one.password) for one in registrar.users),
        record_route=registrar.record_route,
        minimum_expires_s=registrar.minimum_expires_s,
    )


def _address_at(user: str, domain: str) -> str:
    """Address of record of an agent that has a proxy: a phone's domain is that of its server."""
    return f"sip:{user}@{domain}" if domain else ""


def _host_of(proxy: str) -> str:
    """Host of a URI, without port and parameters."""
    rest = proxy.partition(":")[2].partition(";")[0].rpartition("@")[2]
    return rest.partition("]")[0] + "]" if rest.startswith("[") else rest.partition(":")[0]


def _login(credentials: Credentials | None) -> Login | None:
    return None if credentials is None else Login(credentials.user, credentials.password)


def _demanded(challenge: ChallengePlan | None) -> Demanded | None:
    if challenge is None:
        return None
    login = Login(challenge.user, challenge.password)
    return Demanded(challenge.realm, login, _ALGORITHMS[challenge.algorithm], _QOPS[challenge.qop])
