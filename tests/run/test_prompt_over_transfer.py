"""What plays goes on when its call is transferred to somebody who takes other packets."""

from __future__ import annotations

from pathlib import Path

import pytest

import sipflow
from sipflow.media import opus

PROMPT = Path(__file__).parents[2] / "scenarios" / "media" / "announcement.wav"

needs_opus = pytest.mark.skipif(not opus.has_opus(), reason="needs libopus")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("codecs pcmu", "codecs pcma"),
        ("codecs pcmu", "codecs l16"),
        ("codecs pcmu", "codecs g722"),
        pytest.param("codecs pcmu; ptime 30ms", "codecs opus; ptime 20ms", marks=needs_opus),
        pytest.param("codecs opus", "codecs g722", marks=needs_opus),
        pytest.param("codecs opus; ptime 20ms", "codecs opus; ptime 60ms", marks=needs_opus),
    ],
)
def test_a_prompt_is_heard_by_whom_the_call_is_transferred_to(first: str, second: str, tmp_path: Path) -> None:
    text = f"""
    agent customer {{ codecs pcmu, opus, l16, g722, pcma }}
    agent operator {{ {first} }}
    agent desk     {{ {second} }}

    on customer {{
      call operator
      play "{PROMPT}" loop for 8s in background
      expect transfer
      expect transferred
      expect played within 10s
      release
    }}
    on operator {{ answer; wait 1013ms; transfer to desk; expect transferred }}
    on desk {{ answer; expect heard "{PROMPT}" within 6s; expect hangup within 12s }}
    """
    report = sipflow.run(text, out=tmp_path, sim=True, seed=1)
    assert report.passed, report.failures
