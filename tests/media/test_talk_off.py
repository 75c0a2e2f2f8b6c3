"""Speech and music are no digits: a part of `bench/talk_off.py`, all of it with SIPFLOW_SLOW=1."""

from __future__ import annotations

import os

import pytest

from bench import talk_off

MINUTES = "10" if os.environ.get("SIPFLOW_SLOW") else "0.5"


@pytest.mark.parametrize("law", ["pcmu", "pcma"])
def test_no_digit_is_heard_in_speech_and_music_and_all_behind_it(law: str) -> None:
    assert talk_off.main(["--minutes", MINUTES, "--law", law]) == 0
