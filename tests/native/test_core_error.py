"""Error codes: each has a name and a sentence, and so has any other number."""

from __future__ import annotations

from conftest import Core


def test_every_code_has_its_own_name_and_sentence(core: Core) -> None:
    codes = core.ffi.typeof("enum sfm_error").relements
    names = {core.ffi.string(core.lib.sfm_error_name(code)).decode() for code in codes.values()}
    assert names == set(codes)
    sentences = {core.ffi.string(core.lib.sfm_strerror(code)) for code in codes.values()}
    assert len(sentences) == len(codes)
    assert b"unknown error" not in sentences


def test_codes_that_do_not_exist_are_named_too(core: Core) -> None:
    for code in (1, -12, -63, -1000, 2**31 - 1, -(2**31)):
        assert core.ffi.string(core.lib.sfm_strerror(code)) == b"unknown error"
        assert core.ffi.string(core.lib.sfm_error_name(code)) == b"SFM_ERROR_UNKNOWN"
