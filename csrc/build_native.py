"""Builds `sipflow.native._native`: the C of core/ and edge/ behind cffi, in API mode, on the limited API.

What Python may call is what the headers put between `cffi:begin` and `cffi:end`: the contract that C reads is the one
that Python gets. setup.py uses `ffibuilder`; `python csrc/build_native.py` builds into the tree. CFLAGS and LDFLAGS
of the environment are added, so that `CFLAGS=-fsanitize=address` works with both.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from cffi import FFI

CSRC = Path(__file__).resolve().parent
ROOT = CSRC.parent
MODULE = "sipflow.native._native"

EDGE_HEADERS = (
    "sfm_edge_error.h",
    "sfm_wav.h",
    "sfm_tape.h",
    "sfm_prompt.h",
    "sfm_outgoing.h",
    "sfm_reporter.h",
    "sfm_srtp.h",
    "sfm_listener.h",
    "sfm_leg.h",
    "sfm_schedule.h",
    "sfm_simulation.h",
    "sfm_engine.h",
)
"""Each after those it builds on."""

WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow"]


def core_headers() -> list[str]:
    """Names of the core's headers in the order of its umbrella header."""
    return re.findall(r'#include "(sfm_\w+\.h)"', (CSRC / "core" / "sfm_core.h").read_text())


def declarations(header: Path) -> str:
    """What a header shows to Python."""
    return "\n".join(re.findall(r"/\* cffi:begin \*/\n(.*?)/\* cffi:end \*/", header.read_text(), re.DOTALL))


def resolve_macros(text: str) -> str:
    """Replaces the constants in array bounds by their numbers, which cffi cannot compute itself."""
    known = {name: int(value, 0) for name, value in re.findall(r"#define (SFM_\w+) (0[xX][0-9a-fA-F]+|\d+)\b", text)}

    def bound(match: re.Match[str]) -> str:
        terms = [known[term] if term in known else int(term) for term in re.split(r"\s*\+\s*", match[1])]
        return f"[{sum(terms)}]"

    return re.sub(r"\[((?:SFM_\w+|\d+)(?:\s*\+\s*(?:SFM_\w+|\d+))*)\]", bound, text)


def headers() -> list[Path]:
    """All headers of the contract, in order."""
    return [CSRC / "core" / name for name in core_headers()] + [CSRC / "edge" / name for name in EDGE_HEADERS]


def preamble() -> str:
    """C text before cffi's own, whose conversions are not ours to mend."""
    includes = "\n".join(f'#include "{path.relative_to(CSRC).as_posix()}"' for path in headers())
    quiet = "\n".join(f'#pragma GCC diagnostic ignored "{option}"' for option in WARNINGS[1:])
    return f"{includes}\n{quiet}\n"


def sources() -> list[Path]:
    """All C files."""
    return sorted([*(CSRC / "core").glob("*.c"), *(CSRC / "edge").glob("*.c")])


def create_builder(module: str = MODULE, base: Path = ROOT) -> FFI:
    """The module's description for cffi, for a build in the folder `base`; setuptools insists on relative paths."""
    in_tree = base == ROOT
    name = (lambda path: path.relative_to(ROOT).as_posix()) if in_tree else Path.as_posix
    builder = FFI()
    builder.cdef(resolve_macros("\n".join(declarations(header) for header in headers())))
    builder.set_source(
        module,
        preamble(),
        sources=[name(path) for path in sources()],
        depends=[name(path) for path in CSRC.glob("*/*.h")],
        include_dirs=[name(CSRC)],
        define_macros=[("_GNU_SOURCE", "1"), ("_DARWIN_C_SOURCE", "1")],
        extra_compile_args=["-std=c11", "-O3", "-fvisibility=hidden", "-pthread", *WARNINGS],
        extra_link_args=["-pthread"],
        py_limited_api=True,
    )
    return builder


def build_in_place() -> Path:
    """Compiles beside the tree and moves the result in with one rename, so that nobody imports half a module."""
    target = ROOT / "sipflow" / "native" / "_native.abi3.so"
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".native-") as folder:
        builder = create_builder(base=Path(folder))
        Path(builder.compile(tmpdir=folder, target="sipflow.native._native.abi3.so")).replace(target)
    return target


ffibuilder = create_builder()

if __name__ == "__main__":
    sys.stdout.write(f"{build_in_place()}\n")
