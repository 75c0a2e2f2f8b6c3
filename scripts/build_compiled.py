"""Compiles `sipflow.sip` and `sipflow.sdp` with mypyc, for load runs with many calls a second: `make compiled`.

Nothing but speed changes. What was built is used from the next start on, until one of the sources changes;
`sipflow doctor` tells which it is. `make clean` removes it, `SIPFLOW_PURE=1` leaves it alone for one run.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from sipflow import compiled  # noqa: E402

PACKAGE = ROOT / "sipflow"


def modules() -> list[str]:
    """What is compiled: all of the packages but what mypyc does not take, from the root of the checkout."""
    paths = (path for name in compiled.PACKAGES for path in sorted((PACKAGE / name).glob("*.py")))
    return [
        str(path.relative_to(ROOT)) for path in paths if path.relative_to(PACKAGE).as_posix() not in compiled.LEFT_OUT
    ]


def build(target: Path) -> None:
    """Compile into the folder `target`."""
    try:
        from mypyc.build import mypycify
        from setuptools import Distribution
    except ImportError as error:
        sys.exit(f"{error}: python -m pip install --editable '.[dev]' brings what is missing")
    notes = io.StringIO()
    try:
        with contextlib.redirect_stdout(notes), contextlib.redirect_stderr(notes):
            extensions = mypycify(
                modules(), opt_level="2", debug_level="0", group_name=compiled.LIBRARY, target_dir=str(target / "c")
            )
            distribution = Distribution({"name": "sipflow-compiled", "ext_modules": extensions})
            command = distribution.get_command_obj("build_ext")
            command.build_lib, command.build_temp = str(target / "lib"), str(target / "objects")
            command.ensure_finalized()
            command.run()
    except BaseException:
        sys.stderr.write(notes.getvalue())
        raise


def main() -> None:
    os.chdir(ROOT)
    final = compiled.folder(PACKAGE)
    made_of = compiled.digest(PACKAGE)
    final.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=final.parent, prefix=".build-") as name:
        target = Path(name)
        build(target)
        if compiled.digest(PACKAGE) != made_of:
            sys.exit("the sources changed while they were compiled: run it again")
        ready = target / "lib"
        (ready / compiled.DIGEST).write_text(made_of)
        shutil.rmtree(final, ignore_errors=True)
        ready.replace(final)
    print(f"{len(modules())} modules in {final.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
