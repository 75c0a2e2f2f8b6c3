"""One request on its way through the proxy, to one target or to several (RFC 3261 sections 16.7 to 16.10)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sipflow.sip.core import INDIFFERENT, Core
from sipflow.sip.hop import Hop
from sipflow.sip.message import Request, Response
from sipflow.sip.proxy.routing import passed_back
from sipflow.sip.timers import Timer
from sipflow.sip.transaction import ClientTransaction, ServerTransaction, cancellation

_PREFERRED = (401, 407, 415, 420, 484)
"""Of the responses from 400 to 499 those that tell most about what to do (section 16.7 step 6)."""


class Branch:
    """One target of a forwarded request."""

    __slots__ = ("_forwarding", "final", "provisional", "timer", "transaction", "wants_cancel")

    def __init__(self, forwarding: Forwarding) -> None:
        self._forwarding = forwarding
        self.transaction: ClientTransaction | None = None
        self.final: Response | int | None = None
        """The final response, or the code of ours in its place; None while it is awaited."""
        self.provisional = False
        self.wants_cancel = False
        self.timer: Timer | None = None
        """Timer C."""

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """A response came from there."""
        if response.status_code < 200:
            self.provisional = True
            self._forwarding.provisional(self, response, now)
        else:
            self.final = self.final or response
            self._forwarding.final(self, response, now)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """None will come."""
        self.final = self.final or code
        self._forwarding.final(self, None, now)


class Forwarding:
    """The response context of one received request: it passes on what is due, once."""

    def __init__(
        self, core: Core, transaction: ServerTransaction, timer_c_s: float, fail: Callable[[int, float], None]
    ) -> None:
        self._core = core
        self._server = transaction
        transaction.user = self
        self._timer_c_s = timer_c_s
        self._fail = fail
        self._invite = transaction.request is not None and transaction.request.method == "INVITE"
        self._branches: list[Branch] = []
        self._answered = False
        self._complete = False

    def send(self, copies: Iterable[tuple[str, bytes, Hop]], method: str, now: float) -> None:
        """Send a copy (branch parameter, message, hop) to each target at once."""
        for branch_id, data, hop in copies:
            branch = Branch(self)
            self._branches.append(branch)
            if self._invite:
                branch.timer = self._core.timers.start(now + self._timer_c_s, self._too_long, branch)
            branch.transaction = self._core.transactions.send_request(method, branch_id, data, hop, branch, None, now)
        self._complete = True
        self._settle(now)

    # --- of the request ---

    def ack_received(self, transaction: ServerTransaction, request: Request | None, now: float) -> None:
        """A rejection was acknowledged."""

    def response_failed(self, transaction: ServerTransaction, code: int, reason: str, now: float) -> None:
        """The caller is gone: nobody waits for an answer."""
        self.cancel(now)

    # --- what comes back ---

    def provisional(self, branch: Branch, response: Response, now: float) -> None:
        """News of a call go on to the caller; 100 is for us alone."""
        if branch.wants_cancel:
            self._cancel(branch, now)
        if response.status_code == 100:
            return
        if branch.timer is not None:
            self._core.timers.cancel(branch.timer)
            branch.timer = self._core.timers.start(now + self._timer_c_s, self._too_long, branch)
        if not self._answered:
            self._server.pass_on(response.status_code, passed_back(response), now)

    def final(self, branch: Branch, response: Response | None, now: float) -> None:
        """A 2xx goes on at once, every one of an INVITE; others wait for the best."""
        self._core.timers.cancel(branch.timer)
        branch.timer = None
        code = 0 if response is None else response.status_code
        if response is not None and code < 300 and (self._invite or not self._answered):
            self._answered = True
            self._server.pass_on(code, passed_back(response), now)
        if 200 <= code < 300 or code >= 600:
            self.cancel(now)
        self._settle(now)

    def cancel(self, now: float) -> None:
        """Take back what is still out there (sections 16.7 step 10 and 16.10)."""
        for branch in self._branches:
            if self._invite and branch.final is None and not branch.wants_cancel:
                branch.wants_cancel = True
                if branch.provisional:
                    self._cancel(branch, now)

    def _cancel(self, branch: Branch, now: float) -> None:
        branch.wants_cancel = True
        transaction = branch.transaction
        if transaction is None or not transaction.data:
            return
        data, key = cancellation(transaction.data), transaction.key[0]
        self._core.transactions.send_request("CANCEL", key, data, transaction.destination, INDIFFERENT, None, now)

    def _too_long(self, branch: Branch, now: float) -> None:
        """Timer C: rings for minutes without news (section 16.8)."""
        branch.timer = None
        if branch.provisional and not branch.wants_cancel:
            self._cancel(branch, now)
        branch.final = branch.final or 408
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Answer with the best that came, once all branches are over."""
        if not self._complete or self._answered or any(branch.final is None for branch in self._branches):
            return
        self._answered = True
        best = min((branch.final for branch in self._branches if branch.final is not None), key=_rank)
        if isinstance(best, int) or best.status_code == 503:  # our own way out is not overloaded (16.7 step 6)
            self._fail(best if isinstance(best, int) and best != 503 else 500, now)
        else:
            self._server.pass_on(best.status_code, passed_back(best), now)


def _rank(final: Response | int) -> tuple[int, int]:
    """Lower is better: 6xx, then the lowest class, in 4xx what helps most (section 16.7 step 6)."""
    code = final if isinstance(final, int) else final.status_code
    return (0 if code >= 600 else code // 100, 0 if code in _PREFERRED else code)
