"""The extension for VS Code: its manifest is true, the package has all that it needs, and it finds its server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import sipflow
from editors.generator.files import TEXTMATE_FILE
from editors.generator.grammar import load_grammar
from sipflow.lang.parse import parse

ROOT = Path(__file__).parents[2]
VSCODE = ROOT / "editors" / "vscode"
PROGRAM = Path(sys.executable).with_name("sipflow")
MANIFEST: dict[str, Any] = json.loads((VSCODE / "package.json").read_text(encoding="utf-8"))
SNIPPETS: dict[str, dict[str, Any]] = json.loads((VSCODE / "snippets" / "sflow.json").read_text(encoding="utf-8"))
MISTAKES = "on alice: call bbo\non bob: answer\n"
needs_node = pytest.mark.skipif(
    shutil.which("npm") is None or not (VSCODE / "node_modules").is_dir(), reason="needs `npm ci` in editors/vscode"
)


def node(*arguments: str | Path, stdin: str = "") -> str:
    """What a program of Node prints."""
    command = ["node", *arguments]
    done = subprocess.run(command, cwd=VSCODE, input=stdin, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def npm(*arguments: str | Path) -> None:
    command = ["npm", *arguments]
    done = subprocess.run(command, cwd=VSCODE, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_extension_is_of_the_version_and_the_licence_of_sipflow() -> None:
    assert MANIFEST["version"] == sipflow.__version__
    assert (VSCODE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert f"## {sipflow.__version__}\n" in (VSCODE / "CHANGELOG.md").read_text()


def test_node_packages_are_pinned_and_come_from_the_registry_that_npm_has() -> None:
    lock = json.loads((VSCODE / "package-lock.json").read_text())
    assert lock["packages"][""]["devDependencies"] == MANIFEST["devDependencies"]
    assert {url for package in lock["packages"].values() if (url := package.get("resolved"))} == set()
    assert [name for name, package in lock["packages"].items() if name and "integrity" not in package] == []


def filled(snippet: dict[str, Any]) -> str:
    """A snippet with the defaults of its fields, first choices chosen."""
    body = snippet["body"] if isinstance(snippet["body"], str) else "\n".join(snippet["body"])
    defaults = dict(re.findall(r"\$\{(\d+)[:|]((?:[^}\\,]|\\.)*)", body))
    text = re.sub(r"\$\{(\d+)[:|](?:[^}\\]|\\.)*\}", lambda field: defaults[field[1]], body)
    return re.sub(r"\\(.)", r"\1", re.sub(r"\$(\d+)", lambda field: defaults.get(field[1], ""), text))


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_with_its_defaults_is_without_syntax_errors(name: str) -> None:
    text = filled(SNIPPETS[name])
    head = text.removeprefix("# ").split()[0]
    if text.startswith("else"):
        text = f"on alice: expect hangup {text}"
    elif not text.startswith("#") and head not in load_grammar().places["declaration"]:
        text = f"on alice {{\n{text}\n}}"
    result = parse(text)
    assert [diagnostic.message for diagnostic in result.diagnostics] == [], text


def test_the_problem_matcher_reads_what_a_check_prints(tmp_path: Path) -> None:
    file = tmp_path / "a b.sflow"
    file.write_text(MISTAKES)
    printed = subprocess.run([PROGRAM, "check", file], capture_output=True, text=True, check=False).stdout.splitlines()
    first, second = MANIFEST["contributes"]["problemMatchers"][0]["pattern"]
    at = next(number for number, line in enumerate(printed) if re.search(first["regexp"], line))
    head, place = re.search(first["regexp"], printed[at]), re.search(second["regexp"], printed[at + 1])
    assert head and place
    found = (head[first["severity"]], head[first["code"]], head[first["message"]])
    assert found == ("error", "SF203", "unknown agent `bbo`")
    assert (place[second["file"]], place[second["line"]], place[second["column"]]) == (str(file), "1", "16")


@needs_node
def test_the_textmate_grammar_passes_its_own_tests() -> None:
    npm("test")


@needs_node
def test_tokens_that_the_grammar_shows_better_are_left_out_and_the_others_keep_their_places() -> None:
    script = """
        import { withoutTypes } from "./src/tokens.js";
        const data = new Uint32Array([0,2,3,9,0, 0,4,1,1,0, 0,2,5,2,1, 2,1,1,9,0, 0,3,2,1,0, 1,0,4,9,0, 0,9,1,2,0]);
        console.log(JSON.stringify([...withoutTypes(data, new Set([9]))]));
    """
    kept = json.loads(node("--input-type=module", "-", stdin=script))
    assert kept == [0, 6, 1, 1, 0, 0, 2, 5, 2, 1, 2, 4, 2, 1, 0, 1, 9, 1, 2, 0]


@pytest.fixture(scope="module")
def vsix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension, packaged and unpacked."""
    folder = tmp_path_factory.mktemp("vsix")
    npm("run", "package", "--", "--out", str(folder / "sipflow.vsix"))
    with zipfile.ZipFile(folder / "sipflow.vsix") as archive:
        archive.extractall(folder)
    return folder / "extension"


@needs_node
def test_the_package_holds_what_its_manifest_names_and_the_grammar_of_the_repository(vsix: Path) -> None:
    manifest = json.loads((vsix / "package.json").read_text())
    offers = manifest["contributes"]
    named = [manifest["main"], manifest["icon"], offers["grammars"][0]["path"], offers["snippets"][0]["path"]]
    named += [offers["languages"][0]["configuration"], *offers["languages"][0]["icon"].values()]
    assert [path for path in named if not (vsix / path).is_file()] == []
    assert (vsix / offers["grammars"][0]["path"]).read_bytes() == TEXTMATE_FILE.read_bytes()
    assert {path.name for path in vsix.iterdir()} == {
        "LICENSE.txt", "changelog.md", "dist", "icons", "language-configuration.json", "package.json", "readme.md",
        "snippets", "syntaxes",
    }  # fmt: skip


@needs_node
def test_the_packaged_extension_starts_the_server_and_shows_what_it_finds(vsix: Path, tmp_path: Path) -> None:
    bundle, file = vsix / "dist" / "extension.js", tmp_path / "a.sflow"
    file.write_text(MISTAKES)
    node("--check", bundle)
    told = json.loads(node(VSCODE / "tests" / "activate.cjs", bundle, PROGRAM, file))
    assert told["serverInfo"] == {"name": "sipflow", "version": sipflow.__version__}
    assert {command["command"] for command in MANIFEST["contributes"]["commands"]} <= set(told["commands"])
    assert told["found"] == {"uri": file.as_uri(), "codes": ["SF203"]}
