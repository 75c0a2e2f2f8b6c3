"""`sipflow worker`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path

import click

from sipflow.cli.certificates import certificate_options, certificates
from sipflow.cli.ending import signals_that_end
from sipflow.cli.parameters import Duration
from sipflow.errors import SipflowError
from sipflow.load.cluster.address import Meeting, parse_meeting
from sipflow.load.cluster.node import Offer, serve
from sipflow.loading import cores

EXIT_MACHINE, EXIT_INTERRUPTED = 3, 130


@click.command()
@click.option("--connect", metavar="ADDRESS", required=True, help="Where the load run listens: tls://HOST:PORT.")
@click.option("--processes", type=click.IntRange(1, 256), help="Engines to offer (default: one a core).")
@click.option("--address", metavar="IP", help="Address of this machine from which agents call that the file gives none "
              "(default: the one from which it reaches the load run).")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("sipflow-out"), show_default=True,
              help="Folder of this machine for recordings and for what failed calls leave.")  # fmt: skip
@click.option("--patience", "patience_s", type=Duration(), default="30s", show_default=True,
              help="How long to wait for the load run to listen.")  # fmt: skip
@click.option("--name", help="Name in the report (default: host name and process number).")
@certificate_options
def worker(
    connect: str,
    processes: int | None,
    address: str | None,
    out: Path,
    patience_s: float,
    name: str | None,
    tls_ca: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
) -> None:
    """Offer this machine to `sipflow load --cluster`, and end when its run is over.

    The run sends plan, prompts and tables; nothing has to lie here. Calls go through processes of their own, one a
    core. When the run is gone, calls in progress are released. Without TLS only loopback is taken: whoever can talk to
    a worker can make it run any program, so both sides prove by certificate who they are.

    \b
    Exit codes:
      0    the run is over
      2    the command line is wrong
      3    the load run could not be reached
      130  interrupted

    \b
    Examples:
      sipflow load calls.sflow --cluster tls://10.0.0.5:8786 --machines 2 --tls-ca ca.pem --tls-cert run.pem
      sipflow worker --connect tls://10.0.0.5:8786 --tls-ca ca.pem --tls-cert worker.pem     on each machine
    """
    try:
        meeting = parse_meeting(connect, certificates(tls_ca, tls_cert, tls_key))
    except SipflowError as error:
        raise click.UsageError(str(error)) from error
    offer = Offer(name or f"{socket.gethostname()}-{os.getpid()}", processes or cores(), address, out, patience_s)
    raise click.exceptions.Exit(asyncio.run(_serve(meeting, offer)))


async def _serve(meeting: Meeting, offer: Offer) -> int:
    click.echo(f"offering {offer.processes} engines to {meeting.url} as {offer.name}")
    loop, work = asyncio.get_running_loop(), asyncio.current_task()
    assert work is not None, "this is one"
    for number in signals_that_end():
        loop.add_signal_handler(number, work.cancel)
    try:
        await serve(meeting, offer)
    except asyncio.CancelledError:
        return EXIT_INTERRUPTED
    except Exception as error:  # dask wraps what the network says in exceptions of many kinds
        with contextlib.suppress(Exception):
            click.echo(f"ERROR  no load run at {meeting.url}: {_reason(error)}", err=True)
        return EXIT_MACHINE
    click.echo("the run is over")
    return 0


def _reason(error: BaseException) -> str:
    """The last cause has the words."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
