"""`sipflow graph`: every scenario can be drawn, wherever its media files are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from sipflow.cli.graph import graph
from tests.lang.samples import ROOT

SCENARIOS = sorted((ROOT / "scenarios").glob("*.sflow"))


@pytest.fixture(scope="module")
def without_media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that a scenario may import, and nothing to play."""
    folder = tmp_path_factory.mktemp("scenarios")
    return Path(shutil.copytree(ROOT / "scenarios", folder / "all", ignore=shutil.ignore_patterns("*.wav")))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_is_drawn_without_its_media(path: Path, without_media: Path) -> None:
    result = CliRunner().invoke(graph, [str(without_media / path.name), "--format", "mermaid"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("flowchart TD")


def test_a_place_in_a_file_that_is_not_looked_at_is_no_mistake(tmp_path: Path) -> None:
    scenario = tmp_path / "later.sflow"
    scenario.write_text('on alice: call bob; play "elsewhere.wav" from 2s; release\non bob: answer; expect hangup\n')
    assert CliRunner().invoke(graph, [str(scenario)]).exit_code == 0
