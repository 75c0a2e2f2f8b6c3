"""The native module behind a door with one lock: every error code becomes an exception, unknown codes included.

`lib` and `ffi` are cffi's; what they offer is between `cffi:begin` and `cffi:end` of the headers under `csrc/`.
"""

from __future__ import annotations

import os
from pathlib import Path

from sipflow.errors import MachineError, MediaError, MisuseError, ProtocolError, SipflowError

CSRC = Path(__file__).parents[2] / "csrc"
"""What the module is made of, where sipflow runs from a checkout."""
REMEDY = "make native" if CSRC.is_dir() else "python -m pip install --force-reinstall sipflow"


def sources_newer_than(module: Path) -> list[Path]:
    """C files of the checkout that were changed after the module was made; an installed sipflow has none."""
    built = module.stat().st_mtime_ns
    sources = (*CSRC.glob("core/*.[ch]"), *CSRC.glob("edge/*.[ch]"))
    return sorted(file for file in sources if file.stat().st_mtime_ns > built)


try:
    from sipflow.native import _native
    from sipflow.native._native import ffi, lib
except ImportError as error:
    raise MachineError(f"the media engine cannot be loaded: {error}: {REMEDY}") from error
if newer := sources_newer_than(Path(_native.__file__)):
    # After a `git pull`, say: Python of today would call C of yesterday.
    raise MachineError(f"the media engine is older than csrc/{newer[0].relative_to(CSRC)}: {REMEDY}")

__all__ = ["check", "error_text", "exception_of", "ffi", "lib"]

_EXCEPTIONS: dict[int, type[SipflowError]] = {
    lib.SFM_ERROR_ARGUMENT: MisuseError,
    lib.SFM_ERROR_MEMORY: MachineError,
    lib.SFM_ERROR_TRUNCATED: ProtocolError,
    lib.SFM_ERROR_VERSION: ProtocolError,
    lib.SFM_ERROR_PADDING: ProtocolError,
    lib.SFM_ERROR_PACKET_TYPE: ProtocolError,
    lib.SFM_ERROR_LENGTH: ProtocolError,
    lib.SFM_ERROR_SPACE: MisuseError,
    lib.SFM_ERROR_DIGIT: MisuseError,
    lib.SFM_ERROR_BUSY: MisuseError,
    lib.SFM_ERROR_PAYLOAD_TYPE: MisuseError,
    lib.SFM_ERROR_NO_PORTS: MachineError,
    lib.SFM_ERROR_ADDRESS: MachineError,
}

_EDGE_TEXTS = {
    lib.SFM_ERROR_NO_PORTS: "every port pair of the range is taken",
    lib.SFM_ERROR_ADDRESS: "not a numeric IPv4 or IPv6 address",
}


def error_text(code: int) -> str:
    """A sentence for a person about a native error code; any number has one."""
    if code < lib.SFM_ERROR_SYSTEM:
        return os.strerror(lib.SFM_ERROR_SYSTEM - code)
    if code in _EDGE_TEXTS:
        return _EDGE_TEXTS[code]
    if code in _EXCEPTIONS:
        return str(ffi.string(lib.sfm_strerror(code)).decode())
    return f"unknown native error {code}"


def exception_of(code: int, doing: str = "") -> SipflowError:
    """The exception for a negative native error code; `doing` says what was tried."""
    kind = MediaError if code < lib.SFM_ERROR_SYSTEM else _EXCEPTIONS.get(code, SipflowError)
    return kind(f"{doing}: {error_text(code)}" if doing else error_text(code))


def check(code: int, doing: str = "") -> int:
    """Passes a count or 0 through; raises the exception of a negative code."""
    if code < 0:
        raise exception_of(code, doing)
    return code
