"""Call progress tones by country: frequencies in Hz, times on and off in ms (ITU-T E.180 supplement 2).

A country that modulates a tone (India: 400 Hz x 25 Hz) is listed with the carrier, which is what is heard strongest.
"""

from __future__ import annotations

from sipflow.values import dataclass

NAMES = ("dial", "ringback", "busy", "congestion")


@dataclass(frozen=True, slots=True)
class Tone:
    """One or two frequencies that go on, or come and go."""

    frequencies: tuple[int, ...]
    cadence_ms: tuple[int, ...] = ()
    """On, off, on, off, …; empty: it goes on."""


def _tones(dial: Tone, ringback: Tone, busy: Tone, congestion: Tone) -> dict[str, Tone]:
    return dict(zip(NAMES, (dial, ringback, busy, congestion), strict=True))


def _of(hz: int, ringback: tuple[int, ...], busy: tuple[int, ...], congestion: tuple[int, ...]) -> dict[str, Tone]:
    """A country with one frequency for everything, and a dial tone that goes on."""
    return _tones(Tone((hz,)), Tone((hz,), ringback), Tone((hz,), busy), Tone((hz,), congestion))


_NORTH_AMERICA = _tones(
    Tone((350, 440)),
    Tone((440, 480), (2000, 4000)),
    Tone((480, 620), (500, 500)),
    Tone((480, 620), (250, 250)),
)
_DOUBLE_RING = (400, 200, 400, 2000)

COUNTRIES: dict[str, dict[str, Tone]] = {
    "at": _of(420, (1000, 5000), (400, 400), (200, 200)),
    "au": _tones(Tone((425,)), Tone((400, 450), _DOUBLE_RING), Tone((425,), (375, 375)), Tone((425,), (375, 375))),
    "be": _of(425, (1000, 3000), (500, 500), (167, 167)),
    "br": _of(425, (1000, 4000), (250, 250), (250, 250, 750, 250)),
    "ca": _NORTH_AMERICA,
    "ch": _of(425, (1000, 4000), (500, 500), (200, 200)),
    "cn": _of(450, (1000, 4000), (350, 350), (700, 700)),
    "de": _of(425, (1000, 4000), (480, 480), (240, 240)),
    "dk": _of(425, (1000, 4000), (500, 500), (200, 200)),
    "es": _of(425, (1500, 3000), (200, 200), (200, 200, 200, 200, 200, 600)),
    "fi": _of(425, (1000, 4000), (300, 300), (200, 200)),
    "fr": _of(440, (1500, 3500), (500, 500), (250, 250)),
    "gb": _tones(
        Tone((350, 440)), Tone((400, 450), _DOUBLE_RING), Tone((400,), (375, 375)), Tone((400,), (400, 350, 225, 525))
    ),
    "in": _of(400, _DOUBLE_RING, (750, 750), (250, 250)),
    "it": _tones(
        Tone((425,), (200, 200, 600, 1000)),
        Tone((425,), (1000, 4000)),
        Tone((425,), (500, 500)),
        Tone((425,), (200, 200)),
    ),
    "jp": _of(400, (1000, 2000), (500, 500), (500, 500)),
    "mx": _of(425, (1000, 4000), (250, 250), (250, 250)),
    "nl": _of(425, (1000, 4000), (500, 500), (250, 250)),
    "no": _of(425, (1000, 4000), (500, 500), (200, 200)),
    "nz": _tones(Tone((400,)), Tone((400, 450), _DOUBLE_RING), Tone((400,), (500, 500)), Tone((400,), (250, 250))),
    "pl": _of(425, (1000, 4000), (500, 500), (500, 500)),
    "se": _of(425, (1000, 5000), (250, 250), (250, 750)),
    "us": _NORTH_AMERICA,
    "za": _of(400, _DOUBLE_RING, (500, 500), (250, 250)),
}
"""ISO 3166 code, in lower case, to tone by name."""

DEFAULT_COUNTRY = "us"
