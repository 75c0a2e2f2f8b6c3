"""The import order of the packages, as ARCHITECTURE.md draws it, and who may touch the clock, the network and files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "sipflow"
LEAVES = {"errors", "events", "media_params", "multipart", "problems", "redaction", "values", "__version__"}
ANYTHING = {"api", "assets", "loading", "tables", "cli", "doctor", "lsp", "report", "studio", "__init__", "__main__"}
"""They stand above the rest; nothing below imports them, since no entry of MAY_IMPORT names them."""
MAY_IMPORT = {
    "crash": {"__version__"},
    "errors": set(),
    "compiled": set(),
    "events": {"media_params", "values"},
    "media_params": {"values"},
    "multipart": set(),
    "problems": set(),
    "redaction": {"events", "media_params"},
    "values": set(),
    "ir": LEAVES,
    "lang": LEAVES | {"ir", "grammar"},
    "plan": LEAVES | {"ir"},
    "flow": LEAVES | {"plan", "ir"},
    "sdp": LEAVES | {"compiled"},
    "sip": LEAVES | {"compiled", "sdp"},
    "native": LEAVES,
    "media": LEAVES | {"native"},
    "runtime": LEAVES | {"plan", "flow", "sip", "media", "sdp", "ir"},
    "flowdata": LEAVES | {"ir"},
    "load": LEAVES | {"crash", "runtime", "plan", "flow", "media", "ir", "report", "tables"},
}
CLOCKLESS = {
    "errors",
    "events",
    "media_params",
    "multipart",
    "problems",
    "redaction",
    "values",
    "flowdata",
    "ir",
    "lang",
    "plan",
    "flow",
    "sdp",
    "sip",
}
"""They take `now` and values; whoever calls them asks for the time, owns the sockets and reads the files."""
FILES_ONLY = {"media", "native", "report"}
"""They read prompts, write recordings and reports; the loop and the sockets are the runtime's or the engine's."""
GENERATORS = {"lang/tables.py"}
"""Run by a developer they write a file of the checkout; imported, they do not."""
NETWORK = {"asyncio", "selectors", "select", "socket"}
WORLD = NETWORK | {"subprocess", "threading", "time"}
FILES = {"open", "read_text", "read_bytes", "write_text", "write_bytes"}


def package_of(path: Path) -> str:
    """The part of sipflow that a file belongs to: its package, or the name of a top-level module."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports_of(path: Path) -> Iterator[str]:
    """Absolute dotted names of all that a file imports, wherever in the file it does."""
    home = ["sipflow", *path.relative_to(ROOT).parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*(home[: -node.level] if node.level else []), *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def opened_by(path: Path) -> Iterator[str]:
    """Calls by which a file would read or write others; a package's own data (importlib.resources) is not meant."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and "files(" not in (text := ast.unparse(node.func)):
            yield from FILES & {text.rpartition(".")[2]}


SOURCES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_imports_only_what_stands_below_it(path: Path) -> None:
    package = package_of(path)
    imported = {name.split(".")[1] for name in imports_of(path) if name.startswith("sipflow.")}
    if package not in ANYTHING:
        assert imported - {package} <= MAY_IMPORT[package]


@pytest.mark.parametrize("package", sorted(CLOCKLESS | FILES_ONLY))
def test_a_machine_knows_neither_clock_nor_network_nor_files(package: str) -> None:
    paths = [path for path in SOURCES if package_of(path) == package]
    barred = WORLD if package in CLOCKLESS else NETWORK
    assert {(path.name, name) for path in paths for name in imports_of(path) if name.split(".")[0] in barred} == set()
    if package in CLOCKLESS:
        readers = [path for path in paths if str(path.relative_to(ROOT)) not in GENERATORS]
        assert {(path.name, name) for path in readers for name in opened_by(path)} == set()


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without __init__.py would work from a checkout and be missing in the wheel."""
    assert [folder for folder in {path.parent for path in SOURCES} if not (folder / "__init__.py").is_file()] == []
