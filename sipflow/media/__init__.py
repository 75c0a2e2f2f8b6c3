"""Media: prompts, legs and the engine that sends, hears and records them. The only user of `sipflow.native`'s engine.

Nothing here knows SIP, scenarios or clocks: a leg is started with a `MediaParams`, and events say what happened.
Names are imported when they are first used: who only looks at a file (`sipflow check`) loads no engine.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sipflow.media.engine import EngineConfig, MediaEngine, Simulation
    from sipflow.media.formats import codec_names
    from sipflow.media.hearing import Features, FeatureStore, Wanted
    from sipflow.media.leg import Impairment, JitterConfig, KeptAudio, Leg
    from sipflow.media.library import Loudness, MediaInfo, MediaLibrary, MediaProblem, measure
    from sipflow.media.prompts import Prompt, PromptStore
    from sipflow.media.statistics import EngineStatistics, LegStatistics, Timing

_HOMES = {
    "engine": ("EngineConfig", "MediaEngine", "Simulation"),
    "formats": ("codec_names",),
    "hearing": ("Features", "FeatureStore", "Wanted"),
    "leg": ("Impairment", "JitterConfig", "KeptAudio", "Leg"),
    "library": ("Loudness", "MediaInfo", "MediaLibrary", "MediaProblem", "measure"),
    "prompts": ("Prompt", "PromptStore"),
    "statistics": ("EngineStatistics", "LegStatistics", "Timing"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import the module that has the name (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


__all__ = [
    "EngineConfig",
    "EngineStatistics",
    "FeatureStore",
    "Features",
    "Impairment",
    "JitterConfig",
    "KeptAudio",
    "Leg",
    "LegStatistics",
    "Loudness",
    "MediaEngine",
    "MediaInfo",
    "MediaLibrary",
    "MediaProblem",
    "Prompt",
    "PromptStore",
    "Simulation",
    "Timing",
    "Wanted",
    "codec_names",
    "measure",
]
