"""The native core, compiled for the tests of its own functions.

`core` is a small cffi module made of csrc/core/*.c alone, so that these tests need neither the engine nor the installed
package, can make each allocation fail, and run under sanitizers: CC and CFLAGS of the environment count, and
a preloaded libasan (as scripts/test-sanitised does it) turns the sanitizers on here as well.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "csrc" / "core"
SHARED = ROOT.parent / "shared"
CDEF = re.compile(r"/\* cffi:begin \*/(.*?)/\* cffi:end \*/", re.DOTALL)
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer", "-g", "-O1"]
FAILING_MEMORY = """
#undef calloc
#undef malloc
#include <stdlib.h>
#include <string.h>
#include "sfm_core.h"
void *malloc(size_t size); /* Python.h has read stdlib.h already, while malloc meant failing_malloc */
int allocations_until_failure = -1; /* negative: never */
void *failing_calloc(size_t count, size_t size);
void *failing_malloc(size_t size);
void *failing_malloc(size_t size)
{
    if (allocations_until_failure == 0)
        return NULL;
    if (allocations_until_failure > 0)
        allocations_until_failure--;
    return malloc(size > 0 ? size : 1);
}
void *failing_calloc(size_t count, size_t size)
{
    void *memory = failing_malloc(count * size);
    if (memory != NULL)
        memset(memory, 0, count * size);
    return memory;
}
"""


def contracts() -> str:
    """The declarations of all headers, in the order in which sfm_core.h includes them."""
    names = re.findall(r'#include "(sfm_\w+\.h)"', (CORE / "sfm_core.h").read_text())
    return "".join(CDEF.search((CORE / name).read_text())[1] for name in names)


def flags() -> list[str]:
    """Compiler flags of this run."""
    sanitizers = SANITIZERS if "libasan" in os.environ.get("LD_PRELOAD", "") else []
    allocators = ["-Dcalloc=failing_calloc", "-Dmalloc=failing_malloc"]
    return ["-std=c11", *allocators, *sanitizers, *shlex.split(os.environ.get("CFLAGS", ""))]


def build(name: str, folder: Path) -> Path:
    """Compiles the core as extension module `name`; returns its path."""
    import cffi

    ffi = cffi.FFI()
    ffi.cdef(contracts() + "extern int allocations_until_failure;")
    ffi.set_source(
        name,
        FAILING_MEMORY,
        sources=[str(path) for path in sorted(CORE.glob("*.c"))],
        include_dirs=[str(CORE)],
        extra_compile_args=flags(),
        extra_link_args=flags(),
        libraries=["m"],
    )
    return Path(ffi.compile(tmpdir=str(folder)))


def compiled(target: Path, name: str) -> Path:
    """The module at `target`, built when it is not there; two test processes may do so at the same time."""
    if not target.exists():
        with tempfile.TemporaryDirectory() as folder:
            built = build(name, Path(folder))
            target.parent.mkdir(parents=True, exist_ok=True)
            moving = target.with_name(f"{target.name}.{os.getpid()}")
            shutil.copy(built, moving)
            moving.replace(target)
    return target


def load(path: Path, name: str) -> ModuleType:
    """Imports an extension module from its file."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Core:
    """`core.lib.sfm_…` calls the C functions, `core.ffi` makes their values, `core.new` makes a zeroed struct."""

    def __init__(self, module: ModuleType) -> None:
        self.ffi: Any = module.ffi
        self.lib: Any = module.lib

    def new(self, struct: str, **fields: object) -> Any:
        """A struct of this name, its other fields zero."""
        return self.ffi.new(f"{struct} *", fields)

    def owned(self, pointer: Any, destroy: Any) -> Any:
        """A pointer that is destroyed with its last reference."""
        return self.ffi.gc(pointer, destroy)


@pytest.fixture(scope="session")
def core() -> Core:
    """The compiled core; kept in build/ from run to run as long as sources and flags are the same."""
    parts = [path.read_bytes() for path in sorted(CORE.glob("*.[ch]"))] + [Path(__file__).read_bytes()]
    parts += [" ".join(flags()).encode(), os.environ.get("CC", "").encode(), sys.version.encode()]
    name = f"_sfm_core_{hashlib.sha256(b'|'.join(parts)).hexdigest()[:16]}"
    return Core(load(compiled(ROOT / "build" / "core-tests" / f"{name}.so", name), name))


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of test material beside the checkout."""
    folder = SHARED / "corpora"
    if not folder.is_dir():
        pytest.skip(f"needs the test corpora in {folder}")
    return folder
