"""The compiled SIP path: used only where it was made of these sources, and then byte for byte what the sources do."""

from __future__ import annotations

import ast
import copy
import json
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from sipflow import compiled
from sipflow.compiled import State
from sipflow.sip.headers import NameAddr
from sipflow.sip.message import Limits
from sipflow.sip.user_agent import UserAgentConfig
from tests.test_imports import imports_of

ROOT = Path(__file__).parents[1]
CALLS = """
import hashlib, sys
from bench import sip_machine
from sipflow.sip import message
heard = hashlib.sha256()
carry = sip_machine.deliver
def listen(datagrams, sender, receiver, now):
    if datagrams:
        for data in datagrams:
            heard.update(data)
        receive, came_from = receiver.agent.receive, sender.address
        answers = [answer for data in datagrams for answer in receiver.do(receive, data, came_from, now)]
        listen(answers, receiver, sender, now)
sip_machine.deliver = listen
sip_machine.run(20, 50.0, trace=True)
print(message.__file__)
print(heard.hexdigest())
"""
"""Twenty calls in memory: where their machines came from, and a digest of every datagram."""


def tree(folder: Path) -> Path:
    """The sources that a digest is made of, in a place where they may be changed."""
    for path in compiled.sources(compiled.ROOT):
        copy = folder / path.relative_to(compiled.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return folder


def sealed(folder: Path) -> Path:
    """The same with a seal, as if it had been compiled."""
    place = compiled.folder(tree(folder))
    place.mkdir(parents=True)
    (place / compiled.DIGEST).write_text(compiled.digest(folder))
    return folder


def test_nothing_was_built(tmp_path: Path) -> None:
    assert compiled.judge(tree(tmp_path), switched_off=False).state is State.ABSENT


@pytest.mark.parametrize("source", ["sip/message.py", "sdp/session.py", "values.py"])
def test_one_changed_source_and_none_of_them_is_used(tmp_path: Path, source: str) -> None:
    with (sealed(tmp_path) / source).open("a") as text:
        text.write("# newer than what was compiled\n")
    assert compiled.judge(tmp_path, switched_off=False).state is State.STALE


@pytest.mark.parametrize("change", ["added", "removed"])
def test_modules_that_come_or_go_are_a_change(tmp_path: Path, change: str) -> None:
    sealed(tmp_path)
    if change == "added":
        (tmp_path / "sip" / "another.py").touch()
    else:
        (tmp_path / "sip" / "uri.py").unlink()
    assert compiled.judge(tmp_path, switched_off=False).state is State.STALE


def test_a_library_that_does_not_load_leaves_the_sources_in_use(tmp_path: Path) -> None:
    library = compiled.library(compiled.folder(sealed(tmp_path)))
    library.write_bytes(b"no library")
    verdict = compiled.judge(tmp_path, switched_off=False)
    assert verdict.state is State.BROKEN
    assert library.name in verdict.reason


def test_the_environment_switches_it_off(tmp_path: Path) -> None:
    assert compiled.judge(sealed(tmp_path), switched_off=True).state is State.SWITCHED_OFF


def test_whatever_the_packages_import_is_in_the_digest() -> None:
    known = {*compiled.PACKAGES, "compiled", "__version__", *(leaf.removesuffix(".py") for leaf in compiled.LEAVES)}
    imported = {
        name.split(".")[1]
        for path in compiled.sources(compiled.ROOT)
        for name in imports_of(path)
        if name.startswith("sipflow.")
    }
    assert imported - known == set()


def test_what_mypyc_does_not_take_is_left_out() -> None:
    """Subclasses of builtin values; compiling takes minutes, so that no test would find out."""
    values = {"str", "int", "float", "bytes", "tuple", "list", "set", "frozenset"}
    found = {
        path.relative_to(compiled.ROOT).as_posix()
        for package in compiled.PACKAGES
        for path in (compiled.ROOT / package).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and values & {ast.unparse(base) for base in node.bases}
    }
    assert found <= set(compiled.LEFT_OUT)
    assert all((compiled.ROOT / name).is_file() for name in compiled.LEFT_OUT)


def calls(**environment: str) -> list[str]:
    """What CALLS prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CALLS], cwd=ROOT, capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def built() -> State:
    """What another process, without the switch of this one, finds."""
    return compiled.judge(compiled.ROOT, switched_off=False).state


def test_a_call_sends_the_same_bytes_compiled_and_not() -> None:
    if built() is not State.USED:
        pytest.skip(f"no compiled SIP path: it is {built().value} (make compiled)")
    there, bytes_compiled = calls(SIPFLOW_PURE="")
    here, bytes_of_sources = calls(SIPFLOW_PURE="1")
    assert Path(there).parent == compiled.modules(compiled.ROOT, "sip")
    assert here == str(compiled.ROOT / "sip" / "message.py")
    assert bytes_compiled == bytes_of_sources


def test_values_of_compiled_classes_are_copied_and_sent_to_other_processes() -> None:
    """Workers of a load run get the configuration of their agents; whatever made the classes, it is the same."""
    config = UserAgentConfig(name="a", user="alice", host="192.0.2.1", port=5060)
    for value in (config, NameAddr.parse('"A" <sip:a@192.0.2.1>;tag=1'), Limits()):
        assert pickle.loads(pickle.dumps(value)) == value
        assert copy.deepcopy(value) == value
        assert copy.copy(value) == value
    with pytest.raises(FrozenInstanceError):
        config.name = "b"  # type: ignore[misc]


def test_the_doctor_tells_which_path_is_in_use() -> None:
    script = "import json, sipflow.doctor as d; f = d.PROBES['sip'](); print(json.dumps([f.mark, f.fact, f.values]))"
    environment = {**os.environ, compiled.SWITCH: ""}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, env=environment)
    mark, fact, values = json.loads(done.stdout)
    state = built()
    assert values == {"compiled": state is State.USED, "state": state.name.lower()}
    assert mark == ("warn" if state in (State.STALE, State.BROKEN) else "ok")
    assert ("compiled SIP path" in fact) == (state is State.USED)
