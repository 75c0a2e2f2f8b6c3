"""The E-model against the figures of its recommendations, and laws that every score obeys."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipflow.media import emodel
from sipflow.media.emodel import Equipment, Parameters

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "quality-emodel" / "g107_narrowband_third.csv"

EQUIPMENT = st.sampled_from([emodel.G711, emodel.G722, emodel.OPUS, emodel.L16_WIDEBAND])
LOSS = st.floats(0, 1)
BURST_RATIO = st.floats(0, 12)
DELAY_MS = st.floats(0, 2000)

MASKED_SIDETONE = 0.01
"""R by which a few milliseconds may be better than none: the echo takes a little off the sidetone (equation 7-12)."""


def test_the_defaults_are_rated_93_point_2() -> None:
    assert emodel.rating() == pytest.approx(93.2, abs=0.05)
    assert emodel.mos(emodel.rating()) == pytest.approx(4.41, abs=0.005)


def test_the_parts_of_the_default_rating() -> None:
    """Ro - Is - Id of the defaults: 94.77 - 1.41 - 0.15."""
    ro = emodel.basic_ratio(emodel.DEFAULTS)
    assert ro == pytest.approx(94.77, abs=0.01)
    assert emodel.noise(emodel.DEFAULTS) == pytest.approx(-61.18, abs=0.01)
    assert emodel.simultaneous_impairment(emodel.DEFAULTS) == pytest.approx(1.41, abs=0.01)
    assert emodel.listener_echo_impairment(emodel.DEFAULTS, ro) == pytest.approx(0.15, abs=0.01)


@pytest.mark.parametrize(
    ("r", "mos"),
    [(-5, 1), (0, 1), (50, 2.58), (60, 3.10), (70, 3.60), (80, 4.03), (90, 4.34), (93.2, 4.41), (100, 4.5), (120, 4.5)],
)
def test_table_b_1_of_g_107(r: float, mos: float) -> None:
    assert emodel.mos(r) == pytest.approx(mos, abs=0.01)


@pytest.mark.parametrize(
    ("ta_ms", "idd"), [(0, 0), (100, 0), (150, 0.16), (200, 3.04), (250, 8.92), (300, 14.76), (400, 24.07)]
)
def test_pure_delay_costs_what_equation_7_27_says(ta_ms: float, idd: float) -> None:
    assert emodel.pure_delay_impairment(Parameters(ta_ms=ta_ms)) == pytest.approx(idd, abs=0.1)


@pytest.mark.parametrize(
    ("ie", "bpl", "ppl", "burst_ratio", "effective"),
    [
        (0, 25.1, 0, 1, 0),
        (0, 25.1, 1, 1, 95 / 26.1),
        (0, 25.1, 5, 1, 475 / 30.1),
        (0, 25.1, 5, 2, 475 / 27.6),
        (11, 19, 2, 1, 19),
        (0, 4.3, 1, 1, 95 / 5.3),
    ],
)
def test_effective_equipment_impairment(
    ie: float, bpl: float, ppl: float, burst_ratio: float, effective: float
) -> None:
    p = Parameters(ie=ie, bpl=bpl, ppl=ppl, burst_ratio=burst_ratio)
    assert emodel.effective_equipment_impairment(p) == pytest.approx(effective)


def published() -> Iterator[dict[str, str]]:
    """Rows of the table of R and MOS by codec, loss and delay."""
    with CORPUS.open() as file:
        yield from csv.DictReader(line for line in file if not line.startswith("#"))


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpora are not beside this checkout")
def test_the_table_of_codec_loss_and_delay() -> None:
    rows = list(published())
    assert len(rows) >= 80
    for row in rows:
        ta_ms = float(row["Ta_ms"])
        p = Parameters(
            ie=float(row["Ie"]),
            bpl=float(row["Bpl"]),
            ppl=float(row["Ppl_percent"]),
            burst_ratio=float(row["BurstR"]),
            ta_ms=ta_ms,
            t_ms=ta_ms,
            tr_ms=2 * ta_ms,
        )
        assert emodel.rating(p) == pytest.approx(float(row["R"]), abs=0.1), row
        assert emodel.mos(emodel.rating(p)) == pytest.approx(max(1.0, float(row["MOS_CQE"])), abs=0.005), row


def test_a_wideband_call_without_impairment_is_rated_129() -> None:
    assert emodel.wideband_rating() == pytest.approx(129, abs=0.2)
    assert emodel.wideband_mos(129) == 4.5
    assert emodel.wideband_mos(1.29 * 60) == pytest.approx(3.1)


@pytest.mark.parametrize(("ie", "mos"), [(1, 4.49), (8, 4.42), (13, 4.34), (26, 4.02), (41, 3.51), (56, 2.92)])
def test_the_wideband_codecs_of_g_113_at_no_loss(ie: float, mos: float) -> None:
    """AMR-WB from 23.05 down to 6.6 kbit/s (tables IV.1 and IV.3) without any delay impairment: R = 129 - Ie,WB."""
    assert emodel.wideband_mos(129 - ie) == pytest.approx(mos, abs=0.005)
    assert emodel.wideband_mos(emodel.wideband_rating(Parameters(ie=ie))) == pytest.approx(mos, abs=0.01)


def test_wideband_delay_weighs_more_on_its_longer_scale() -> None:
    late = Parameters(ta_ms=200)
    narrow = emodel.pure_delay_impairment(late)
    assert emodel.wideband_rating() - emodel.wideband_rating(late) == pytest.approx(1.29 * narrow)


@given(equipment=EQUIPMENT, loss=LOSS, worse=LOSS, burst_ratio=BURST_RATIO, delay_ms=DELAY_MS)
def test_more_loss_never_sounds_better(
    equipment: Equipment, loss: float, worse: float, burst_ratio: float, delay_ms: float
) -> None:
    less, more = sorted((loss, worse))
    better = emodel.score(equipment, loss=less, burst_ratio=burst_ratio, delay_ms=delay_ms)
    poorer = emodel.score(equipment, loss=more, burst_ratio=burst_ratio, delay_ms=delay_ms)
    assert poorer.mos <= better.mos
    assert poorer.r_factor <= better.r_factor
    assert poorer.mos_listening <= better.mos_listening


@given(equipment=EQUIPMENT, loss=LOSS, burst_ratio=BURST_RATIO, delay_ms=DELAY_MS, later=DELAY_MS)
def test_more_delay_never_sounds_better(
    equipment: Equipment, loss: float, burst_ratio: float, delay_ms: float, later: float
) -> None:
    sooner, later = sorted((delay_ms, later))
    better = emodel.score(equipment, loss=loss, burst_ratio=burst_ratio, delay_ms=sooner)
    poorer = emodel.score(equipment, loss=loss, burst_ratio=burst_ratio, delay_ms=later)
    assert poorer.r_factor <= better.r_factor + MASKED_SIDETONE
    assert poorer.mos_listening == better.mos_listening


@given(equipment=EQUIPMENT, loss=LOSS, burst_ratio=BURST_RATIO, burstier=BURST_RATIO)
def test_bursts_never_sound_better(equipment: Equipment, loss: float, burst_ratio: float, burstier: float) -> None:
    less, more = sorted((burst_ratio, burstier))
    better = emodel.score(equipment, loss=loss, burst_ratio=less, delay_ms=50)
    assert emodel.score(equipment, loss=loss, burst_ratio=more, delay_ms=50).mos <= better.mos


@given(equipment=EQUIPMENT, loss=LOSS, burst_ratio=BURST_RATIO, delay_ms=DELAY_MS)
def test_a_score_lies_within_its_scale(equipment: Equipment, loss: float, burst_ratio: float, delay_ms: float) -> None:
    score = emodel.score(equipment, loss=loss, burst_ratio=burst_ratio, delay_ms=delay_ms)
    assert 1 <= score.mos <= 4.5
    assert score.mos <= score.mos_listening + MASKED_SIDETONE
    assert 0 <= score.r_factor <= (129 if score.wideband else 93.4)


def test_codecs_are_known_by_their_encoding_names() -> None:
    assert emodel.equipment_of("PCMU") is emodel.G711
    assert emodel.equipment_of("opus") is emodel.OPUS
    assert emodel.equipment_of("L16", 8000) is emodel.G711
    assert emodel.equipment_of("L16", 44100) is emodel.L16_WIDEBAND
    assert emodel.equipment_of("iLBC") is None
