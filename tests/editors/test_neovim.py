"""Neovim, started headless with the plugin, attaches to the server and is served."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "editors" / "neovim"
NVIM = shutil.which("nvim")
DEADLINE_S = 90


@pytest.mark.interop
@pytest.mark.skipif(NVIM is None, reason="Neovim is not installed")
def test_neovim_shows_fixes_renames_and_formats(tmp_path: Path) -> None:
    file, out = tmp_path / "first.sflow", tmp_path / "report.txt"
    file.write_text("on alice: call bbo;   expect hangup\non bob: answer;wait 1s\n", encoding="utf-8")
    command = f'vim.g.sipflow_command = {{ "{sys.executable}", "-m", "sipflow", "lsp" }}'
    subprocess.run(
        [
            str(NVIM), "--headless", "--clean", "--cmd", f"set runtimepath+={PLUGIN}", "--cmd", "filetype plugin on",
            "-c", f"lua {command}", "-c", f"luafile {ROOT / 'tests' / 'editors' / 'neovim.lua'}",
        ],
        env={**os.environ, "SFLOW_FILE": str(file), "SFLOW_OUT": str(out), "XDG_STATE_HOME": str(tmp_path)},
        cwd=ROOT, timeout=DEADLINE_S, check=True, capture_output=True,
    )  # fmt: skip
    shown, left, fixed, renamed, formatted = out.read_text(encoding="utf-8").split("\n---\n")
    assert shown == "SF203 1"
    assert left == "left 0"
    assert fixed == "fixed\non alice: call bob;   expect hangup\non bob: answer;wait 1s"
    assert renamed == "renamed\non alice: call robert;   expect hangup\non robert: answer;wait 1s"
    assert formatted == "formatted\non alice: call robert; expect hangup\non robert: answer; wait 1s"
