"""`sipflow media`: which audio files there are, and whether they can be played as they should."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sipflow.media import MediaInfo, MediaProblem

TELEPHONE_RATE = 8000
SUSPICIOUS, UNREADABLE = 1, 3


@click.group()
def media() -> None:
    """List and check audio files."""


@media.command("list")
@click.option("--media-dir", type=click.Path(path_type=Path), help="Look into this folder as well.")
def list_files(media_dir: Path | None) -> None:
    """List the audio files that a scenario here can name: in this folder, in --media-dir, in ~/.sipflow/media.

    \b
    Exit codes:
      0  listed; there may be none

    \b
    Examples:
      sipflow media list
      sipflow media list --media-dir prompts
    """
    from sipflow.media import MediaLibrary

    folders = [folder for folder in (Path(), media_dir, Path.home() / ".sipflow" / "media") if folder is not None]
    found = MediaLibrary(folders).list()
    if not found:
        click.echo(f"no audio files in {', '.join(str(folder) for folder in folders)}")
        return
    _print_table(("name", "duration", "rate", "channels", "path"), [_row(item, folders) for item in found])


@media.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Read FILES from beginning to end, and say what a caller would hear of them.

    \b
    Exit codes:
      0  all can be played
      1  some are silent or clipped
      3  some cannot be read

    \b
    Examples:
      sipflow media check prompts/*.wav
    """
    sys.exit(max(_check(path) for path in files))


def _name(path: Path, folders: Sequence[Path]) -> str:
    """What a scenario would write."""
    return str(next(path.relative_to(folder) for folder in folders if path.is_relative_to(folder)))


def _row(item: MediaInfo | MediaProblem, folders: Sequence[Path]) -> tuple[str, ...]:
    from sipflow.media import MediaProblem

    name = _name(item.path, folders)
    if isinstance(item, MediaProblem):
        return (name, "-", "-", "-", item.message)
    return (name, _duration(item.duration_ms), f"{item.sample_rate} Hz", str(item.channels), str(item.path))


def _duration(duration_ms: int) -> str:
    minutes, rest_ms = divmod(duration_ms, 60_000)
    return f"{minutes}:{rest_ms / 1000:04.1f}"


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _check(path: Path) -> int:
    """Prints a paragraph about one file; returns its exit code."""
    from sipflow.errors import MediaError
    from sipflow.media import MediaLibrary, MediaProblem, measure

    info = MediaLibrary([]).probe(path)
    if isinstance(info, MediaProblem):
        click.echo(f"{path}: error: {info.message}")
        return UNREADABLE
    try:
        loudness = measure(path)
    except MediaError as error:
        click.echo(f"{path}: error: {error}")
        return UNREADABLE
    click.echo(f"{path}: {_description(info)}")
    findings = _findings(loudness.silent, loudness.clipped_runs)
    for finding in findings:
        click.echo(f"  warning: {finding}")
    return SUSPICIOUS if findings else 0


def _description(info: MediaInfo) -> str:
    parts = [info.format, info.subtype, _duration(info.duration_ms), f"{info.sample_rate} Hz"]
    parts.append("mono" if info.channels == 1 else f"{info.channels} channels, mixed to one")
    if info.sample_rate != TELEPHONE_RATE:
        parts.append(f"resampled to {TELEPHONE_RATE} Hz for G.711")
    return ", ".join(parts)


def _findings(silent: bool, clipped_runs: int) -> list[str]:
    findings = []
    if silent:
        findings.append("silent: nothing in it is louder than -60 dB of full scale")
    if clipped_runs:
        findings.append(f"clipped in {clipped_runs} {'place' if clipped_runs == 1 else 'places'}: recorded too loud")
    return findings
