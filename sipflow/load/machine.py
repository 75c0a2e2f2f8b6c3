"""What the machine under the generator does meanwhile: stolen time, memory, datagrams that its kernel dropped."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MachineSample:
    """Counters of the whole machine at one moment; None where the system does not tell."""

    total_ticks: int | None = None
    steal_ticks: int | None = None
    idle_ticks: int | None = None
    available_bytes: int | None = None
    udp_receive_drops: int | None = None
    """UDP datagrams that were dropped because a receiver's buffer was full: of all programs."""
    udp_send_drops: int | None = None


@dataclass(frozen=True, slots=True)
class MachineUse:
    """What became of the machine between two samples."""

    steal: float | None = None
    """Share of its time that the host took away, 0-1."""
    busy: float | None = None
    """Share of its time that any program used."""
    least_available_bytes: int | None = None
    udp_receive_drops: int = 0
    udp_send_drops: int = 0


def sample() -> MachineSample:
    """Now."""
    cpu, udp = _cpu(), _udp()
    return MachineSample(*cpu, _available(), udp.get("RcvbufErrors"), udp.get("SndbufErrors"))


def use_between(samples: list[MachineSample]) -> MachineUse:
    """Between the first and the last sample; memory was never scarcer than the least of all of them."""
    if len(samples) < 2:
        return MachineUse()
    first, last = samples[0], samples[-1]
    ticks = _difference(first.total_ticks, last.total_ticks)
    stolen = _difference(first.steal_ticks, last.steal_ticks)
    idle = _difference(first.idle_ticks, last.idle_ticks)
    memory = [one.available_bytes for one in samples if one.available_bytes is not None]
    return MachineUse(
        steal=stolen / ticks if ticks else None,
        busy=1 - idle / ticks if ticks else None,
        least_available_bytes=min(memory, default=None),
        udp_receive_drops=_difference(first.udp_receive_drops, last.udp_receive_drops),
        udp_send_drops=_difference(first.udp_send_drops, last.udp_send_drops),
    )


def worst(uses: Sequence[MachineUse]) -> MachineUse:
    """The worst of several machines in each respect, since a run is as good as the worst of them."""
    free = [use.least_available_bytes for use in uses if use.least_available_bytes is not None]
    return MachineUse(
        steal=max((use.steal for use in uses if use.steal is not None), default=None),
        busy=max((use.busy for use in uses if use.busy is not None), default=None),
        least_available_bytes=min(free, default=None),
        udp_receive_drops=max((use.udp_receive_drops for use in uses), default=0),
        udp_send_drops=max((use.udp_send_drops for use in uses), default=0),
    )


def _difference(first: int | None, last: int | None) -> int:
    return 0 if first is None or last is None else max(last - first, 0)


def _cpu() -> tuple[int | None, int | None, int | None]:
    """(all, stolen, idle) ticks of all cores: proc(5)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:]]
        return sum(fields[:8]), fields[7], fields[3] + fields[4]
    return None, None, None


def _available() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _udp() -> dict[str, int]:
    with contextlib.suppress(OSError, ValueError):
        lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Udp:")]
        if len(lines) == 2:
            return dict(zip(lines[0][1:], map(int, lines[1][1:]), strict=True))
    return {}
