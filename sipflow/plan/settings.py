"""Settings of an agent that are values of their own, and how they follow from the graph."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.ir.expr import Expr
from sipflow.ir.graph import Agent, Auth, Challenge, Registrar, SessionTimer, Tls
from sipflow.plan.evaluate import Scope, evaluate_ms, evaluate_text
from sipflow.plan.listens import ListenPlan
from sipflow.plan.tls import TlsPlan

MIN_SESSION_EXPIRES_S = 90
"""RFC 4028 section 5: no session timer is shorter."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and its password (RFC 7616)."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class SessionTimerPlan:
    """How long a session lasts without a refresh (RFC 4028)."""

    expires_s: int
    """Session-Expires."""
    refresher: str = ""
    """`local`, `remote`; empty: as the peer likes it."""
    min_se_s: int = MIN_SESSION_EXPIRES_S


@dataclass(frozen=True, slots=True)
class ChallengePlan:
    """The challenge with which an agent answers every request that comes (RFC 7616)."""

    realm: str
    user: str
    password: str
    algorithm: str = "md5"
    """md5, sha256, sha512_256."""
    qop: str = "auth"
    """auth, auth_int, none."""


@dataclass(frozen=True, slots=True)
class RegistrarPlan:
    """An agent that keeps addresses and forwards requests to them."""

    realm: str
    users: tuple[Credentials, ...] = ()
    """Who has to prove who they are; empty: nobody has to."""
    record_route: bool = False
    minimum_expires_s: int = 0
    """Shorter registrations are refused with 423; 0: none is."""


def plan_listens(agent: Agent) -> tuple[ListenPlan, ...]:
    """Where an agent takes SIP, in the order of the text."""
    return tuple(ListenPlan(listen.transport, listen.host, listen.port) for listen in agent.listens)


def plan_tls(tls: Tls | None, scope: Scope) -> TlsPlan | None:
    """Certificates of an agent, None without a `tls` block."""
    if tls is None:
        return None
    return TlsPlan(
        ca=_text(tls.ca, scope),
        certificate=_text(tls.certificate, scope),
        key=_text(tls.key, scope),
        name=_text(tls.name, scope),
        verify=tls.verify,
        require_client_certificate=tls.client_certificate_required,
    )


def plan_auth(auth: Auth | None, scope: Scope) -> Credentials | None:
    """What an agent answers to challenges."""
    return None if auth is None else Credentials(evaluate_text(auth.user, scope), evaluate_text(auth.password, scope))


def plan_session_timer(timer: SessionTimer | None, scope: Scope) -> SessionTimerPlan | None:
    """An agent's session timer, in whole seconds."""
    if timer is None:
        return None
    least = MIN_SESSION_EXPIRES_S if timer.least is None else seconds(timer.least, scope)
    return SessionTimerPlan(round(seconds(timer.expires, scope)), timer.refresher or "", round(least))


def plan_challenge(challenge: Challenge | None, scope: Scope) -> ChallengePlan | None:
    """How an agent challenges."""
    if challenge is None:
        return None
    realm, user, password = (
        evaluate_text(value, scope) for value in (challenge.realm, challenge.user, challenge.password)
    )
    return ChallengePlan(realm, user, password, challenge.algorithm, challenge.qop)


def plan_registrar(registrar: Registrar | None, name: str, scope: Scope) -> RegistrarPlan | None:
    """What a registrar asks for; its realm is `name` when the file gives none."""
    if registrar is None:
        return None
    users = tuple(Credentials(evaluate_text(u.user, scope), evaluate_text(u.password, scope)) for u in registrar.users)
    least = 0 if registrar.minimum_expires is None else seconds(registrar.minimum_expires, scope)
    return RegistrarPlan(_text(registrar.realm, scope) or name, users, registrar.record_route, round(least))


def seconds(duration: Expr, scope: Scope) -> float:
    """A duration in seconds; raises `NoValueError` when it is none."""
    return evaluate_ms(duration, scope) / 1000


def _text(expression: Expr | None, scope: Scope) -> str:
    return "" if expression is None else evaluate_text(expression, scope)
