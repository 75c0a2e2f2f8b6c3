"""`sipflow media`: which audio files there are, whether they can be played as they should, and recordings joined."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sipflow.media import MediaInfo, MediaProblem
    from sipflow.media.timeline import Track

TELEPHONE_RATE = 8000
SUSPICIOUS, UNREADABLE = 1, 3


@click.group()
def media() -> None:
    """List and check audio files, join recordings."""


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


@media.command()
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def join(report: Path, out: Path) -> None:
    """Put all recordings of a run on one time line: into OUT, a WAV file in which each has channels of its own.

    REPORT is what `sipflow run --json` wrote. What was sent and heard at the same moment, on whichever call, stands at
    the same place. A recording that was paused is right up to its first pause.

    \b
    Exit codes:
      0  written
      3  there is nothing to join, a recording cannot be read, or OUT cannot be written

    \b
    Examples:
      sipflow run b2bua.sflow --json report.json
      sipflow media join report.json both-calls.wav
    """
    from sipflow.errors import MediaError
    from sipflow.media.timeline import join as join_tracks

    try:
        recordings = _recordings(report)
        places = join_tracks([track for _, track in recordings], out)
    except MediaError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(UNREADABLE)
    rows = [
        ("+".join(map(str, place.channels)), f"{place.offset_s:.6f} s", call, str(place.track.path))
        for place, (call, _) in zip(places, recordings, strict=True)
    ]
    _print_table(("channels", "begins at", "call", "path"), rows)


def _recordings(report: Path) -> list[tuple[str, Track]]:
    """The recordings of a report, with their calls. Raises MediaError when the file is none."""
    from sipflow.errors import MediaError
    from sipflow.media.timeline import Track

    try:
        body = json.loads(report.read_bytes())
        found = [
            (str(one["call"]), Track(_where(one["path"], report), float(one["began_s"])))
            for one in body["recordings"]
            if one["began_s"] is not None
        ]
    except OSError as error:
        raise MediaError(f"cannot read {report}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise MediaError(f"{report} is not the report of one run, as `sipflow run --json` writes it") from error
    return sorted(found, key=lambda item: item[1].began_s)


def _where(path: str, report: Path) -> Path:
    """A recording may have been named from another folder: that of the report."""
    beside = report.parent / path
    return beside if not Path(path).exists() and beside.exists() else Path(path)


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
    if info.encoded:
        click.echo(f"{path}: {info.format}, {info.subtype}, {_duration(info.duration_ms)}, sent as they are")
        return 0
    try:
        loudness = measure(path)
    except MediaError as error:
        click.echo(f"{path}: error: {error}")
        return UNREADABLE
    click.echo(f"{path}: {_description(info)}")
    findings = _findings(loudness.silent, loudness.clipped_runs, info.missing_ms)
    for finding in findings:
        click.echo(f"  warning: {finding}")
    return SUSPICIOUS if findings else 0


def _description(info: MediaInfo) -> str:
    parts = [info.format, info.subtype, _duration(info.duration_ms), f"{info.sample_rate} Hz"]
    parts.append("mono" if info.channels == 1 else f"{info.channels} channels, mixed to one")
    if info.sample_rate != TELEPHONE_RATE:
        parts.append(f"resampled to {TELEPHONE_RATE} Hz for G.711")
    return ", ".join(parts)


def _findings(silent: bool, clipped_runs: int, missing_ms: int) -> list[str]:
    findings = []
    if missing_ms:
        findings.append(f"cut off: the last {missing_ms / 1000:g} s that its head announces are missing")
    if silent:
        findings.append("silent: nothing in it is louder than -60 dB of full scale")
    if clipped_runs:
        findings.append(f"clipped in {clipped_runs} {'place' if clipped_runs == 1 else 'places'}: recorded too loud")
    return findings
