"""What this machine grants to a run, as values: one `Finding` a question, each with the command that changes it.

Every probe asks the system itself instead of guessing from its name: it sets a priority, opens sockets, waits.
"""

from __future__ import annotations

import ctypes
import enum
import getpass
import importlib
import importlib.metadata
import os
import platform
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sipflow import __version__, compiled
from sipflow.errors import MachineError, SipflowError
from sipflow.plan.plan import DEFAULT_FIRST_PORT, DEFAULT_LAST_PORT

LIMITS_FILE = "/etc/security/limits.d/sipflow.conf"
LOOPBACK = "127.0.0.1"
DESCRIPTORS_PER_CALL = 2
"""A port pair, RTP and RTCP, for each side of a call that runs here."""
MANY_DESCRIPTORS = 4096
UDP_BUFFER_BYTES = 1 << 20
"""A second of 500 received PCMU streams; smaller buffers lose packets when the machine is busy for a moment."""
WAKE_UPS = 200
WAKE_UP_INTERVAL_NS = 5_000_000
LATE_WAKE_UP_NS = 1_000_000
FEW_DATAGRAMS_PER_S = 20_000
RTP_DATAGRAM = bytes(172)
"""As long as 20 ms of PCMU with its header."""


class Mark(enum.StrEnum):
    """How a finding bears on runs."""

    OK = "ok"
    WARN = "warn"
    """Runs work; many calls at once, or exact timing, may not."""
    FAIL = "fail"
    """No run can work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the machine grants, or does not."""

    topic: str
    mark: Mark
    fact: str
    """What was found, in words with units."""
    fix: str = ""
    """The command that changes it; empty when there is nothing to change."""
    values: dict[str, object] = field(default_factory=dict)
    """The same as numbers for programs, units in the names."""


def examine() -> Iterator[Finding]:
    """Findings one by one as they are made, in about two seconds; a probe that breaks becomes a finding too."""
    for topic, probe in PROBES.items():
        try:
            yield probe()
        except Exception as error:
            yield Finding(topic, Mark.WARN, f"could not be found out: {type(error).__name__}: {error}")


def _version() -> Finding:
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    fact = f"sipflow {__version__}, Python {platform.python_version()}, {system}"
    return Finding("version", Mark.OK, fact, values={"sipflow": __version__, "python": platform.python_version()})


def _native() -> Finding:
    try:
        importlib.import_module("sipflow.native")
    except MachineError as error:
        fact, _, fix = str(error).rpartition(": ")
        return Finding("native", Mark.FAIL, fact, fix)
    module = importlib.import_module("sipflow.native._native")
    return Finding("native", Mark.OK, f"media engine {module.__file__}", values={"path": module.__file__})


def _sip() -> Finding:
    """Which of the two SIP paths runs use: one look at the same verdict that the packages ask for."""
    state, reason = compiled.verdict()
    values: dict[str, object] = {"compiled": state is compiled.State.USED, "state": state.name.lower()}
    if state is compiled.State.USED:
        return Finding("sip", Mark.OK, f"compiled SIP path {compiled.folder(compiled.ROOT)}", values=values)
    fact = f"SIP path in Python; a compiled one is {state.value}" + (f": {reason}" if reason else "")
    if state in (compiled.State.STALE, compiled.State.BROKEN):
        return Finding("sip", Mark.WARN, fact, "make compiled", values)
    return Finding("sip", Mark.OK, fact, values=values)


def _sound_files() -> Finding:
    try:
        soundfile = importlib.import_module("soundfile")
    except (ImportError, OSError) as error:
        return Finding("sound files", Mark.FAIL, f"libsndfile is missing: {error}", "python -m pip install soundfile")
    return Finding("sound files", Mark.OK, f"libsndfile {soundfile.__libsndfile_version__}")


def _opus() -> Finding:
    try:
        from sipflow.media.opus import opus_library  # doctor itself has to run without the engine

        library = opus_library().binding
    except (SipflowError, ImportError) as error:
        return Finding("opus", Mark.WARN, f"codec opus cannot be used: {error}", "apt install libopus0")
    library.opus_get_version_string.restype = ctypes.c_char_p
    return Finding("opus", Mark.OK, library.opus_get_version_string().decode())


def _srtp() -> Finding:
    """The library is tried, too: `srtp_library` protects a known packet with it."""
    from sipflow.media.srtp import srtp_library

    try:
        srtp_library()
    except MachineError as error:
        return Finding("srtp", Mark.WARN, str(error))
    return Finding("srtp", Mark.OK, f"pylibsrtp {importlib.metadata.version('pylibsrtp')} protects as RFC 3711 has it")


def _priority() -> Finding:
    """Whether a thread may have real-time priority, which keeps packets on time when other programs want the CPU."""
    if not hasattr(os, "SCHED_FIFO"):
        return Finding("priority", Mark.OK, "real-time priority is not limited on this system")
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0] if hasattr(resource, "RLIMIT_RTPRIO") else 0
    values: dict[str, object] = {"rtprio_limit": limit, "realtime": _in_thread(_takes_realtime_priority)}
    if values["realtime"]:
        return Finding("priority", Mark.OK, "real-time priority is granted", values=values)
    return Finding(
        "priority",
        Mark.WARN,
        "no real-time priority: packets are late when other programs are busy",
        f"{_limits_command('rtprio', 20)}  # or: sudo setcap cap_sys_nice=ep {Path(sys.executable).resolve()}",
        values,
    )


def _takes_realtime_priority() -> bool:
    """Priority 0 in sched_setscheduler means the calling thread, which ends right after and takes it along."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(os.sched_get_priority_min(os.SCHED_FIFO)))
    except OSError:
        return False
    return True


def _in_thread(question: Callable[[], bool]) -> bool:
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(question()))
    thread.start()
    thread.join()
    return answers[0]


def _limits_command(item: str, value: int) -> str:
    """PAM reads limits at log-in, hence the second half."""
    line = f"{getpass.getuser()} - {item} {value}"
    return f"echo '{line}' | sudo tee -a {LIMITS_FILE}  # then log in again"


def _descriptors() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    calls = "any number of" if soft == unlimited else f"about {max(0, soft - 64) // DESCRIPTORS_PER_CALL:,}"
    fact = f"{_limit_text(soft)} open files ({_limit_text(hard)} at most): enough for {calls} call legs"
    values: dict[str, object] = {"soft": soft, "hard": hard}
    if soft == unlimited or soft >= MANY_DESCRIPTORS:
        return Finding("descriptors", Mark.OK, fact, values=values)
    raisable = hard == unlimited or hard >= MANY_DESCRIPTORS
    fix = f"ulimit -n {65536 if hard == unlimited else min(hard, 65536)}" if raisable else ""
    return Finding("descriptors", Mark.WARN, fact, fix or _limits_command("nofile", 65536), values)


def _limit_text(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else f"{limit:,}"


def _udp_buffers() -> Finding:
    """What a socket may ask for: a receive buffer bridges the moments in which nobody reads."""
    if sys.platform == "darwin":
        sizes = {"kern.ipc.maxsockbuf": _sysctl("kern.ipc.maxsockbuf")}
    else:
        folder = Path("/proc/sys/net/core")
        sizes = {f"net.core.{name}": int((folder / name).read_text()) for name in ("rmem_max", "wmem_max")}
    fact = ", ".join(f"{name} {size // 1024:,} KiB" for name, size in sizes.items())
    low = [name for name, size in sizes.items() if size < UDP_BUFFER_BYTES]
    fix = "sudo sysctl -w " + " ".join(f"{name}={4 * UDP_BUFFER_BYTES}" for name in low) if low else ""
    return Finding("udp buffers", Mark.WARN if low else Mark.OK, fact, fix, {f"{k}_bytes": v for k, v in sizes.items()})


def _sysctl(name: str) -> int:
    return int(subprocess.run(["sysctl", "-n", name], check=True, capture_output=True, text=True).stdout)


def _cpu() -> Finding:
    granted = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    governors = {
        path.read_text().strip() for path in Path("/sys/devices/system/cpu").glob("cpu*/cpufreq/scaling_governor")
    }
    fact = f"{granted} of {os.cpu_count()} CPUs, frequency governor {', '.join(sorted(governors)) or 'not visible'}"
    slow = governors & {"powersave", "ondemand", "conservative"}
    fix = "sudo cpupower frequency-set --governor performance" if slow else ""
    values: dict[str, object] = {"cpus": granted, "governors": sorted(governors)}
    return Finding("cpu", Mark.WARN if slow else Mark.OK, fact, fix, values)


def _wake_ups() -> Finding:
    """How late a thread that does nothing else wakes up: no packet can be sent more exactly than that."""
    errors_ns = sorted(_wake_up_errors_ns())
    p50, p99, worst = (errors_ns[int(share * (len(errors_ns) - 1))] for share in (0.5, 0.99, 1.0))
    slack = _timer_slack_ns()
    fact = f"an idle thread wakes up {_us(p50)} late (p50), {_us(p99)} (p99), {_us(worst)} (worst)"
    fact += f"; timer slack {_us(slack)}" if slack is not None else ""
    late = p99 > LATE_WAKE_UP_NS
    fix = "uptime  # close what else runs here, or take a machine that is not shared" if late else ""
    values: dict[str, object] = {"p50_ns": p50, "p99_ns": p99, "worst_ns": worst, "timer_slack_ns": slack}
    return Finding("timer", Mark.WARN if late else Mark.OK, fact, fix, values)


def _wake_up_errors_ns() -> Iterator[int]:
    due = time.monotonic_ns()
    for _ in range(WAKE_UPS):
        due += WAKE_UP_INTERVAL_NS
        time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
        yield max(0, time.monotonic_ns() - due)


def _timer_slack_ns() -> int | None:
    """How long Linux may put a wake-up off to save power; None elsewhere."""
    path = Path("/proc/self/timerslack_ns")
    return int(path.read_text()) if path.is_file() else None


def _us(ns: int) -> str:
    return f"{ns / 1000:,.0f} µs"


def _ports() -> Finding:
    """The free port pairs of the default RTP range, by binding each even port and the odd one above it."""
    firsts = range(DEFAULT_FIRST_PORT + DEFAULT_FIRST_PORT % 2, DEFAULT_LAST_PORT, 2)
    free = sum(_is_free(port) and _is_free(port + 1) for port in firsts)
    fact = f"{free:,} of {len(firsts):,} RTP port pairs are free in {DEFAULT_FIRST_PORT}-{DEFAULT_LAST_PORT}"
    values: dict[str, object] = {"free_pairs": free, "first_port": DEFAULT_FIRST_PORT, "last_port": DEFAULT_LAST_PORT}
    if free == 0:
        return Finding("ports", Mark.FAIL, fact, "ss -uanp  # shows who holds them", values)
    few = free < len(firsts) // 2
    return Finding(
        "ports", Mark.WARN if few else Mark.OK, fact, "ss -uanp  # shows who holds them" if few else "", values
    )


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _loopback() -> Finding:
    """Datagrams a second through two sockets of one Python thread: the floor under SIP, not the engine's rate."""
    try:
        rate = _loopback_datagrams_per_s()
    except OSError as error:
        fix = "sudo ifconfig lo0 up" if sys.platform == "darwin" else "sudo ip link set lo up"
        return Finding("loopback", Mark.FAIL, f"no UDP over {LOOPBACK}: {error}", fix)
    slow = rate < FEW_DATAGRAMS_PER_S
    fact = f"{rate:,} datagrams/s over {LOOPBACK} from one Python thread"
    fix = "uptime  # something else takes the CPU" if slow else ""
    return Finding("loopback", Mark.WARN if slow else Mark.OK, fact, fix, {"datagrams_per_s": rate})


def _loopback_datagrams_per_s(duration_s: float = 0.2) -> int:
    received, start = 0, time.monotonic()
    with _socket_pair() as (sender, receiver):
        while time.monotonic() < start + duration_s:
            for _ in range(32):
                sender.send(RTP_DATAGRAM)
            for _ in range(32):
                received += len(receiver.recv(2048)) > 0
    return round(received / (time.monotonic() - start))


@contextmanager
def _socket_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.settimeout(1)
        receiver.bind((LOOPBACK, 0))
        sender.connect(receiver.getsockname())
        yield sender, receiver


def _folders() -> Finding:
    """Where prompts are looked for, and whether recordings can be written from here."""
    media, here = Path.home() / ".sipflow" / "media", Path.cwd()
    values: dict[str, object] = {"media_folder": str(media), "media_folder_exists": media.is_dir()}
    if media.is_dir() and not os.access(media, os.R_OK | os.X_OK):
        return Finding("folders", Mark.WARN, f"{media} cannot be read", f"chmod u+rx {media}", values)
    if not os.access(here, os.W_OK):
        fact = f"{here} cannot be written: recordings need another folder"
        return Finding("folders", Mark.WARN, fact, "sipflow run --out /tmp/sipflow-out FILE", values)
    own = f"prompts of your own in {media}" if media.is_dir() else f"no {media} (only for prompts of your own)"
    return Finding("folders", Mark.OK, f"{own}; this folder can be written", values=values)


PROBES: dict[str, Callable[[], Finding]] = {
    "version": _version,
    "native": _native,
    "sip": _sip,
    "sound files": _sound_files,
    "opus": _opus,
    "srtp": _srtp,
    "priority": _priority,
    "timer": _wake_ups,
    "cpu": _cpu,
    "descriptors": _descriptors,
    "udp buffers": _udp_buffers,
    "ports": _ports,
    "loopback": _loopback,
    "folders": _folders,
}
"""Topic → probe, in the order in which they are shown: what is there first, then what is granted."""
