"""Figures of a whole run, out of its counts: success, RFC 6076's ratios, loss. None where there is nothing to judge."""

from __future__ import annotations

from collections.abc import Callable

from sipflow.load.metrics import Metrics

_SEER_FAILURES = ("480", "486", "600", "603")
"""RFC 6076 section 4.7: the network did its part, the user did not answer."""
_ISA_FAILURES = ("408", "500", "503", "504")
"""RFC 6076 section 4.8: ineffective session attempts."""


def _share(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole else None


def lost(metrics: Metrics) -> int:
    """Calls that began and of which nothing more was heard: their worker died, or did not wait for them."""
    return metrics.get("started") - metrics.get("ended") - metrics.get("failed")


def _success(metrics: Metrics) -> float | None:
    return _share(metrics.get("ended"), metrics.get("planned"))


def _redirected(metrics: Metrics) -> int:
    return sum(number for code, number in metrics.named("code/").items() if code.startswith("3"))


def _requests(metrics: Metrics) -> int:
    return metrics.get("sip/attempts") - _redirected(metrics)


def _ser(metrics: Metrics) -> float | None:
    """RFC 6076 section 4.6: INVITEs answered 200 of those that were not redirected."""
    return _share(metrics.get("sip/answered"), _requests(metrics))


def _seer(metrics: Metrics) -> float | None:
    """RFC 6076 section 4.7."""
    codes = metrics.named("code/")
    effective = metrics.get("sip/answered") + sum(codes.get(code, 0) for code in _SEER_FAILURES)
    return _share(effective, _requests(metrics))


def _isa(metrics: Metrics) -> float | None:
    """RFC 6076 section 4.8."""
    codes = metrics.named("code/")
    return _share(sum(codes.get(code, 0) for code in _ISA_FAILURES), metrics.get("sip/attempts"))


def _asr(metrics: Metrics) -> float | None:
    """ITU-T E.411: answers of all attempts."""
    return _share(metrics.get("sip/answered"), metrics.get("sip/attempts"))


def _loss(metrics: Metrics) -> float | None:
    return _share(metrics.get("media/lost"), metrics.get("media/expected"))


def _late(metrics: Metrics) -> float | None:
    return _share(metrics.get("media/late"), metrics.get("media/expected"))


def _one_way(metrics: Metrics) -> float | None:
    return float(metrics.get("media/one_way")) if metrics.get("media/legs") else None


def _counted(name: str) -> Callable[[Metrics], float | None]:
    return lambda metrics: float(metrics.get(name))


TOTALS: dict[str, Callable[[Metrics], float | None]] = {
    "calls.success": _success,
    "calls.planned": _counted("planned"),
    "calls.started": _counted("started"),
    "calls.not_started": _counted("not_started"),
    "calls.ended": _counted("ended"),
    "calls.failed": _counted("failed"),
    "calls.lost": lambda metrics: float(lost(metrics)),
    "sip.ser": _ser,
    "sip.seer": _seer,
    "sip.isa": _isa,
    "sip.asr": _asr,
    "sip.retransmissions": _counted("sip/retransmissions_sent"),
    "media.loss": _loss,
    "media.late": _late,
    "media.one_way": _one_way,
}
"""By the names of `sipflow.ir.load.TOTALS`; `calls.rate` needs the time, too, and is the result's."""
