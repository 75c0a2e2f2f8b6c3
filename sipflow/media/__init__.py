"""Media: prompts, legs and the engine that sends, hears and records them. The only user of `sipflow.native`'s engine.

Nothing here knows SIP, scenarios or clocks: a leg is started with a `MediaParams`, and events say what happened.
"""

from sipflow.media.engine import EngineConfig, MediaEngine
from sipflow.media.formats import codec_names
from sipflow.media.leg import Impairment, JitterConfig, Leg
from sipflow.media.library import Loudness, MediaInfo, MediaLibrary, MediaProblem, measure
from sipflow.media.prompts import Prompt, PromptStore
from sipflow.media.statistics import EngineStatistics, LegStatistics, Timing

__all__ = [
    "EngineConfig",
    "EngineStatistics",
    "Impairment",
    "JitterConfig",
    "Leg",
    "LegStatistics",
    "Loudness",
    "MediaEngine",
    "MediaInfo",
    "MediaLibrary",
    "MediaProblem",
    "Prompt",
    "PromptStore",
    "Timing",
    "codec_names",
    "measure",
]
