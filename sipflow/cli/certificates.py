"""Options that name the certificates of a cluster, shared by the two commands that meet there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sipflow.load.cluster.address import Certificates

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


def certificate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--tls-ca`, `--tls-cert` and `--tls-key`."""
    for option in (
        click.option("--tls-key", type=_FILE, help="PEM file of the private key, when --tls-cert does not hold it."),
        click.option("--tls-cert", type=_FILE, help="PEM file with the certificate of this side."),
        click.option("--tls-ca", type=_FILE, help="PEM file with the authorities that certified the other side."),
    ):
        command = option(command)
    return command


def certificates(ca: Path | None, certificate: Path | None, key: Path | None) -> Certificates | None:
    """None when nothing was given; raises `click.UsageError` when only half was."""
    if ca is None and certificate is None:
        return None
    if ca is None or certificate is None:
        raise click.UsageError("--tls-ca and --tls-cert belong together: both sides prove who they are")
    return Certificates(ca, certificate, key)
