"""Names in checks and what the runtime measures are one list."""

from __future__ import annotations

from sipflow.ir.measurements import MEDIA
from sipflow.media import EngineConfig, MediaEngine
from sipflow.runtime.measurements import NAMES, media_measurements


def test_every_name_of_the_language_is_measured() -> None:
    assert set(NAMES) == set(MEDIA)


def test_a_leg_that_heard_nothing_has_no_measurement_of_what_it_heard() -> None:
    with MediaEngine(EngineConfig()) as engine:
        leg = engine.open_leg("alice-1", "127.0.0.1")
        measured = media_measurements(leg.statistics())
        leg.close()
    assert measured["packets_received"] == 0
    counts = {
        name
        for name in measured
        if name.startswith("packets_") or name in ("junk", "digits", "noise_sent", "noise_received")
    }
    assert set(measured) == counts
