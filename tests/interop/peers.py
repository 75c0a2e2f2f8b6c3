"""Programs that we did not write, started for one test and gone after it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free_port, is_taken

READY_S = 10.0
"""How long a peer may take until it listens."""
MEDIA_PORTS = 100
"""Of a baresip."""
PATIENCE_MS = 400
"""How long each side waits for packets where audio is compared, so that a busy machine makes no gaps. How jitter is met
in less time is judged elsewhere, against traces."""
PATIENT = f"media {{ jitter fixed {PATIENCE_MS}ms }}"
"""An agent that does."""


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skip with a reason when a program is not installed."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    return pytest.mark.skipif(found is None, reason=f"{program} is not installed (Debian: {package})")


def where_is(program: str) -> str:
    """Path of a program that is installed."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    assert found is not None, program
    return found


def wait_until(condition: Callable[[], bool], what: str, seconds: float = READY_S) -> None:
    """Look again and again until something is so; fails after that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)


@contextmanager
def running(
    command: list[str], folder: Path, output: Path, ready: Callable[[], bool], stop: signal.Signals = signal.SIGTERM
) -> Iterator[subprocess.Popen[bytes]]:
    """A peer that is ready; what it prints goes to a file. A failure shows the end of one that died."""
    with output.open("wb") as sink, subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
    ) as peer:  # fmt: skip
        try:
            wait_until(lambda: ready() or peer.poll() is not None, f"{command[0]} to listen")
            assert peer.poll() is None, _end_of(output)
            yield peer
        finally:
            if peer.poll() is not None and peer.returncode:
                print(f"{command[0]} ended by itself with {peer.returncode}: {_end_of(output)}")
            _end(peer, stop)


def _end_of(output: Path) -> str:
    return output.read_text(errors="replace")[-2000:]


def _end(peer: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    peer.send_signal(stop)
    try:
        peer.wait(10)
    except subprocess.TimeoutExpired:
        peer.kill()


@dataclass(frozen=True)
class Baresip:
    """A running baresip: answers everybody, plays its file, and writes down what it hears and sends."""

    port: int
    output: Path
    folder: Path

    def heard(self) -> Path:
        """What it heard, decoded; complete when the program has ended."""
        return next(self.folder.glob("dump-*-dec.wav"))


@contextmanager
def baresip(
    folder: Path,
    plays: Path,
    *,
    accounts: str = "",
    execute: str = "",
    encryption: str = "",
    codecs: str = "PCMU/8000/1,PCMA/8000/1",
    rate: int = 8000,
    channels: int = 1,
    more: str = "",
) -> Iterator[Baresip]:
    """baresip without devices; its own account answers at `sip:peer@127.0.0.1:PORT`.

    `plays` has the sample rate `rate` and so many channels, and so has what it writes down. `more`: lines of its
    configuration.
    `encryption`: `srtp` (RTP/AVP with crypto lines), `srtp-mand` (RTP/SAVP), `dtls_srtp`.
    """
    port, media = free_port(), free_port(count=MEDIA_PORTS)
    own = f"<sip:peer@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs={codecs}"
    own += f";mediaenc={encryption}" if encryption else ""
    home = folder / "baresip"
    home.mkdir()
    (home / "accounts").write_text(f"{accounts or own}\n")
    (home / "contacts").write_text("")
    (home / "config").write_text(_baresip_config(port, media, plays, home, rate, channels) + more)
    output = home / "output.txt"
    command = [where_is("baresip"), "-4", "-f", str(home), "-v", *(("-e", execute) if execute else ())]
    with running(command, home, output, lambda: is_taken("127.0.0.1", port), signal.SIGINT):
        yield Baresip(port, output, home)


def _baresip_config(port: int, media: int, plays: Path, home: Path, rate: int, channels: int) -> str:
    names = ("g711", *_codec_modules(), "aufile", "aubridge", "sndfile", "srtp", "dtls_srtp")
    modules = "".join(f"module {name}.so\n" for name in names)
    return f"""\
poll_method epoll
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
audio_player aubridge,nowhere
audio_source aufile,{plays}
audio_alert aubridge,alert
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels {channels}
auplay_channels {channels}
rtp_ports {media}-{media + MEDIA_PORTS - 1}
jitter_buffer_type fixed
jitter_buffer_delay {PATIENCE_MS // 20}-100
module_path {_module_path()}
{modules}module_tmp uuid.so
module_tmp account.so
module_app menu.so
snd_path {home}
"""


def _codec_modules() -> list[str]:
    """Those that not every build of baresip has."""
    return [name for name in ("g722", "opus") if has_baresip_module(name)]


def has_baresip_module(name: str) -> bool:
    """Whether a module of baresip is installed."""
    return (Path(_module_path()) / f"{name}.so").exists()


def _module_path() -> str:
    places = (Path("/usr/lib/baresip/modules"), Path("/usr/local/lib/baresip/modules"))
    return str(next((place for place in places if place.exists()), places[0]))
