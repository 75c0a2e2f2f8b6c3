"""The E-model: how a call sounds, worked out of what was measured on it (ITU-T G.107, 06/2015; wideband G.107.1).

R = Ro - Is - Id - Ie,eff + A: a basic signal-to-noise ratio, less what happens together with the speech (`Is`), less
delay and echo (`Id`), less codec and loss (`Ie,eff`), plus an advantage that people grant (`A`, 0 here). Each function
is one equation of the recommendation. All defaults are those of its table of default values, under their names there;
with all of them R is 93.2. Nothing here has a state.

The E-model is a planning model. It knows codec, loss, bursts, delay and echo; it does not listen. What the audio itself
is worth is for the detectors to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp, log2, log10, pow, sqrt

NARROWBAND_RO_MAX = 100.0
WIDEBAND_RO = 129.0
"""Ro,WB (G.107.1 equation 7-2): what a wideband call without any impairment is rated."""
WIDEBAND_SCALE = 1.29
"""The wideband scale against the narrowband one (G.107.1 annex A)."""
WIDEBAND_NOISE_FLOOR = -96.0
"""Nfor of G.107.1 table 1, dBmp."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Input of the E-model; every default is the one of G.107 table 3."""

    slr: float = 8
    """Send loudness rating, dB."""
    rlr: float = 2
    """Receive loudness rating, dB."""
    stmr: float = 15
    """Sidetone masking rating, dB."""
    lstr: float = 18
    """Listener sidetone rating, dB: STMR + Dr."""
    ds: float = 3
    """D-value of the telephone on the send side."""
    telr: float = 65
    """Talker echo loudness rating, dB."""
    wepl: float = 110
    """Weighted echo path loss, dB."""
    t_ms: float = 0
    """T, mean one-way delay of the echo path."""
    tr_ms: float = 0
    """Tr, round-trip delay in a four-wire loop."""
    ta_ms: float = 0
    """Ta, absolute delay in echo-free connections."""
    qdu: float = 1
    """Number of quantisation distortion units."""
    ie: float = 0
    """Equipment impairment factor of the codec (G.113 appendix I)."""
    bpl: float = 4.3
    """Packet-loss robustness factor of the codec (G.113 appendix I)."""
    ppl: float = 0
    """Packets lost, per cent."""
    burst_ratio: float = 1
    """BurstR: mean length of the losses against that of losses at random."""
    nc: float = -70
    """Circuit noise referred to the 0 dBr point, dBm0p."""
    nfor: float = -64
    """Noise floor at the receive side, dBmp."""
    ps: float = 35
    """Room noise at the send side, dB(A)."""
    pr: float = 35
    """Room noise at the receive side, dB(A)."""
    a: float = 0
    """Advantage factor."""
    delay_sensitivity: float = 1
    """sT; 1 is the default class."""
    minimum_perceivable_delay_ms: float = 100
    """mT; 100 ms is the default class."""


DEFAULTS = Parameters()


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a codec costs (G.113 appendices I and IV)."""

    ie: float
    """Ie or Ie,WB."""
    bpl: float
    """Bpl or Bpl,WB."""
    wideband: bool = False
    provisional: bool = False
    """No recommendation has a value for this codec: it is the one of a codec that it is like."""
    lookahead_ms: float = 0
    """What the encoder waits for beyond the packet."""


G711 = Equipment(ie=0, bpl=25.1)
"""G.711 with packet loss concealment: G.113 table I.4. Without it Bpl would be 4.3."""

G722 = Equipment(ie=13, bpl=4.3, wideband=True, provisional=True, lookahead_ms=1.5)
"""G.722 at 64 kbit/s: Ie,WB of G.113 appendix IV. It has no Bpl,WB for G.722; the smallest that it has for any
wideband codec stands in (AMR-WB at 12.65 kbit/s, table IV.4)."""

OPUS = Equipment(ie=8, bpl=4.6, wideband=True, provisional=True, lookahead_ms=6.5)
"""Opus: no recommendation has values. Those of AMR-WB at 23.05 kbit/s stand in (G.113 tables IV.3 and IV.4): at that
rate listeners found Opus not worse (A. Rämö, H. Toukomaa, Voice Quality Characterization of IETF Opus Codec,
Interspeech 2011). A receiver that conceals with in-band FEC hears less loss than this says."""

L16_WIDEBAND = Equipment(ie=0, bpl=4.3, wideband=True, provisional=True)
"""Samples as they are, 16 kHz and more: no coding impairment; Bpl,WB as for G.722."""

G729 = Equipment(ie=11, bpl=19.0, lookahead_ms=5)
"""G.729 annex A with annex B: G.113 tables I.1 and I.4. G.729 itself has Ie 10, and no Bpl."""

_BY_NAME = {"pcmu": G711, "pcma": G711, "g722": G722, "opus": OPUS, "g729": G729}
"""GSM has Ie 20 and no Bpl in G.113, iLBC and AMR none for all of their modes: they get no score."""


def equipment_of(codec: str, sample_rate: int = 8000) -> Equipment | None:
    """Impairment of a codec by its encoding name; None for one that has no values here and so gets no score."""
    name = codec.lower()
    if name == "l16":
        return G711 if sample_rate <= 8000 else L16_WIDEBAND
    return _BY_NAME.get(name)


def power_sum(*levels_db: float) -> float:
    """Levels in dB added as powers, dB."""
    return 10 * log10(sum(10 ** (level / 10) for level in levels_db))


# --- Ro: the basic signal-to-noise ratio (section 7.2) ---


def send_room_noise(ps: float, slr: float, rlr: float, ds: float) -> float:
    """Nos: room noise at the send side at the 0 dBr point, dBm0p (equation 7-4)."""
    return ps - slr - ds - 100 + 0.004 * (ps - (slr + rlr) - ds - 14) ** 2


def receive_room_noise(pr: float, rlr: float, lstr: float) -> float:
    """Nor: room noise at the receive side at the 0 dBr point, dBm0p (equations 7-5 and 7-6)."""
    effective = pr + 10 * log10(1 + 10 ** ((10 - lstr) / 10))
    return rlr - 121 + effective + 0.008 * (effective - 35) ** 2


@lru_cache(maxsize=64)  # the same for every call: terminals and rooms are not measured
def _noise(terminal: tuple[float, float, float, float], nc: float, nfor: float, ps: float, pr: float) -> float:
    slr, rlr, ds, lstr = terminal
    return power_sum(nc, send_room_noise(ps, slr, rlr, ds), receive_room_noise(pr, rlr, lstr), nfor + rlr)


def noise(p: Parameters, floor_dbmp: float | None = None) -> float:
    """No: sum of all noise at the 0 dBr point, dBm0p (equations 7-3 and 7-7). `floor_dbmp` instead of Nfor."""
    floor = p.nfor if floor_dbmp is None else floor_dbmp
    return _noise((p.slr, p.rlr, p.ds, p.lstr), p.nc, floor, p.ps, p.pr)


def basic_ratio(p: Parameters) -> float:
    """Ro (equation 7-2)."""
    return 15 - 1.5 * (p.slr + noise(p))


# --- Is: what happens together with speech (section 7.3) ---


def loudness_impairment(p: Parameters) -> float:
    """Iolr: too loud a connection (equations 7-9 and 7-10)."""
    xolr = p.slr + p.rlr + 0.2 * (64 + noise(p) - p.rlr)
    return 20 * (pow(1 + (xolr / 8) ** 8, 1 / 8) - xolr / 8)


def sidetone_impairment(p: Parameters) -> float:
    """Ist: sidetone that is not what it should be (equations 7-11 and 7-12)."""
    stmro = -10 * log10(10 ** (-p.stmr / 10) + exp(-p.t_ms / 4) * 10 ** (-p.telr / 10))
    return (
        12 * pow(1 + ((stmro - 13) / 6) ** 8, 1 / 8)
        - 28 * pow(1 + ((stmro + 1) / 19.4) ** 35, 1 / 35)
        - 13 * pow(1 + ((stmro - 3) / 33) ** 13, 1 / 13)
        + 29
    )


@lru_cache(maxsize=64)
def quantising_impairment(ro: float, qdu: float) -> float:
    """Iq: quantising distortion (equations 7-13 to 7-17)."""
    q = 37 - 15 * log10(qdu)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    z = 46 / 30 - g / 40
    y = (ro - 100) / 15 + 46 / 8.4 - g / 9
    return 15 * log10(1 + 10**y + 10**z)


def simultaneous_impairment(p: Parameters) -> float:
    """Is (equation 7-8)."""
    return loudness_impairment(p) + sidetone_impairment(p) + quantising_impairment(basic_ratio(p), p.qdu)


# --- Id: delay and echo (section 7.4) ---


def echo_loudness(p: Parameters) -> float:
    """TERV (equation 7-22)."""
    t = p.t_ms
    return p.telr - 40 * log10((1 + t / 10) / (1 + t / 150)) + 6 * exp(-0.3 * t**2)


def _echo_impairment(roe: float, re: float, t_ms: float) -> float:
    """How far echo pulls down what the talker hears; none below 1 ms, where echo is sidetone.

    The equation falls a little below 0 for echoes that are far down. No echo makes a call better: it is cut off there.
    """
    if t_ms < 1:
        return 0.0
    distance = roe - re
    return max(0.0, (distance / 2 + sqrt(distance**2 / 4 + 100) - 1) * (1 - exp(-t_ms)))


def talker_echo_impairment(p: Parameters) -> float:
    """Idte (equations 7-19 to 7-24, with the corrections for much and for little sidetone)."""
    terv = echo_loudness(p) + (sidetone_impairment(p) / 2 if p.stmr < 9 else 0)
    idte = _echo_impairment(-1.5 * (noise(p) - p.rlr), 80 + 2.5 * (terv - 14), p.t_ms)
    return sqrt(idte**2 + sidetone_impairment(p) ** 2) if p.stmr > 20 else idte


def listener_echo_impairment(p: Parameters, ro: float) -> float:
    """Idle (equations 7-25 and 7-26)."""
    rle = 10.5 * (p.wepl + 7) * pow(p.tr_ms + 1, -0.25)
    return (ro - rle) / 2 + sqrt((ro - rle) ** 2 / 4 + 169)


def pure_delay_impairment(p: Parameters) -> float:
    """Idd: too long a delay even without echo (equations 7-27 and 7-28)."""
    if p.ta_ms <= p.minimum_perceivable_delay_ms:
        return 0.0
    x = log2(p.ta_ms / p.minimum_perceivable_delay_ms)
    power = 6 * p.delay_sensitivity
    return 25 * (pow(1 + pow(x, power), 1 / power) - 3 * pow(1 + pow(x / 3, power), 1 / power) + 2)


# --- Ie,eff: codec and loss (section 7.5) ---


def effective_equipment_impairment(p: Parameters) -> float:
    """Ie,eff (equation 7-29)."""
    if p.ppl <= 0:
        return p.ie
    return p.ie + (95 - p.ie) * p.ppl / (p.ppl / p.burst_ratio + p.bpl)


# --- R and MOS ---


def rating(p: Parameters = DEFAULTS) -> float:
    """R of a narrowband call (equation 7-1): 93.2 with all defaults, below 0 when nothing is left."""
    ro = basic_ratio(p)
    delay = talker_echo_impairment(p) + listener_echo_impairment(p, ro) + pure_delay_impairment(p)
    return ro - simultaneous_impairment(p) - delay - effective_equipment_impairment(p) + p.a


def wideband_talker_echo_impairment(p: Parameters) -> float:
    """Idte,WB (G.107.1 equations 7-5 to 7-10).

    The noise that it needs is not defined for wideband; it is worked out as for narrowband with the noise floor of
    G.107.1 table 1. With the default echo loss the choice moves R by less than half a point.
    """
    terv = echo_loudness(p) + (0.08 * p.t_ms + 10 if p.t_ms < 100 else 18)
    return _echo_impairment(-1.5 * (noise(p, WIDEBAND_NOISE_FLOOR) - p.rlr), 80 + 3 * (terv - 14), p.t_ms)


def wideband_rating(p: Parameters = DEFAULTS) -> float:
    """R of a wideband call, on its scale of 129 (G.107.1 equation 7-1). `ie` and `bpl` are Ie,WB and Bpl,WB.

    G.107.1 has no burst ratio; equation 7-29 of G.107 is kept, which is the same for losses at random.
    """
    delay = (
        wideband_talker_echo_impairment(p)
        + listener_echo_impairment(p, WIDEBAND_RO)
        + WIDEBAND_SCALE * pure_delay_impairment(p)
    )
    return WIDEBAND_RO - delay - effective_equipment_impairment(p) + p.a


def mos(r: float) -> float:
    """MOS-CQE of a narrowband R (annex B): 1 to 4.5.

    The polynomial lies a hundredth below 1 for R under 6.5. Nothing is worse than 1, and a worse call never has the
    better score, so it is cut off there.
    """
    if r >= NARROWBAND_RO_MAX:
        return 4.5
    if r <= 0:
        return 1.0
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def wideband_mos(r: float) -> float:
    """MOS-CQE of a wideband R (G.107.1 annex A): 1 to 4.5."""
    return mos(r / WIDEBAND_SCALE)


@dataclass(frozen=True, slots=True)
class Score:
    """What a direction of a call is worth."""

    r_factor: float
    """0-93.2 narrowband, 0-129 wideband; below 0 is shown as 0."""
    mos: float
    """MOS-CQE, 1-4.5."""
    mos_listening: float
    """The same without any delay: MOS-LQ of RFC 3611 section 4.7.5."""
    wideband: bool
    provisional: bool
    """Whether the codec's values are those of another codec."""


def _rate(equipment: Equipment, ppl: float, burst_ratio: float, delay_ms: float) -> tuple[float, float]:
    p = Parameters(
        t_ms=delay_ms,
        tr_ms=2 * delay_ms,
        ta_ms=delay_ms,
        ie=equipment.ie,
        bpl=equipment.bpl,
        ppl=ppl,
        burst_ratio=burst_ratio,
    )
    if equipment.wideband:
        r = wideband_rating(p)
        return max(r, 0.0), wideband_mos(r)
    r = rating(p)
    return max(r, 0.0), mos(r)


def score(equipment: Equipment, *, loss: float, burst_ratio: float, delay_ms: float) -> Score:
    """The score of one direction of a call.

    `loss` is the share (0-1) of the packets that were not heard, those that came too late included; `burst_ratio` is
    taken within 1-8, where G.107 has a meaning for it; `delay_ms` is from mouth to ear, and echo goes the same way
    (T = Ta, Tr = 2 Ta).
    """
    ppl = 100 * min(max(loss, 0.0), 1.0)
    bursts = min(max(burst_ratio, 1.0), 8.0)
    r, conversational = _rate(equipment, ppl, bursts, max(delay_ms, 0.0))
    _, listening = _rate(equipment, ppl, bursts, 0.0)
    return Score(r, conversational, listening, equipment.wideband, equipment.provisional)
