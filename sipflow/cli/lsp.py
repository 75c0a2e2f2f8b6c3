"""`sipflow lsp`: the language server."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from sipflow.lsp.server import serve_stdio, serve_tcp

LOOPBACK = "127.0.0.1"


def _address(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, int] | None:
    """Host and port; the loopback address where no host is named, so that nobody else is served by accident."""
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(f"{value} is no address: HOST:PORT, or a port from 0 to 65535")
    return host.strip("[]") or LOOPBACK, int(port)


@click.command()
@click.option("--stdio", is_flag=True, help="Serve standard input and output; so it does without any option.")
@click.option(
    "--tcp",
    metavar="HOST:PORT",
    callback=_address,
    help=f"Wait for one editor at this address; the host is {LOOPBACK} if left out.",
)
@click.option("--log", type=click.Path(path_type=Path, dir_okay=False), help="Write what happens to this file.")
def lsp(stdio: bool, tcp: tuple[str, int] | None, log: Path | None) -> None:
    """Serve editors: diagnostics, completion, hover, rename and formatting, as you type.

    Editors start it by themselves. It needs pygls: pip install 'sipflow[lsp]'.

    \b
    Exit codes:
      0  the editor said goodbye as the protocol has it
      1  it did not
      3  pygls is not installed, or the address is taken

    \b
    Examples:
      sipflow lsp --stdio                     as an editor starts it
      sipflow lsp --tcp 4711 --log lsp.log    to look on
    """
    if stdio and tcp:
        raise click.UsageError("--stdio and --tcp exclude each other")
    _log_to(log)
    finished = serve_stdio() if tcp is None else serve_tcp(*tcp, tell=_tell)
    sys.exit(0 if finished else 1)


def _tell(address: str) -> None:
    click.echo(f"listening on {address}", err=True)


def _log_to(path: Path | None) -> None:
    handler = logging.NullHandler() if path is None else logging.FileHandler(path, encoding="utf-8")
    logging.basicConfig(
        handlers=[handler], level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("pygls").setLevel(logging.WARNING)
