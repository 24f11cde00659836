"""The commands, whole: processes, webhooks, git, CI and the replayed model, with only their last line looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.demo import commands

TESTS = "python3 -m unittest discover -s tests -q"


def branchwork(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bot.cli", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode == 0) == (result["verdict"] == "pass"), done.stderr
    assert result["verdict"] == "pass", done.stderr
    return result


@pytest.mark.slow
@pytest.mark.xdist_group("whole")
def test_a_replay_ends_byte_equal(tmp_path: Path) -> None:
    sample = commands.SAMPLE
    kept = tmp_path / "kept"
    result = branchwork("replay", str(sample / "base"), str(sample / "target"), "--ci", TESTS, "--max-minutes", "3",
                        "--keep-repo", str(kept))  # fmt: skip
    assert result["equal"] is True
    assert result["duplicates"] == 0
    assert result["merged"] == result["pull_requests"]
    assert (kept / "inkwell" / "text" / "slug.py").read_bytes() == (
        sample / "target" / "inkwell" / "text" / "slug.py"
    ).read_bytes()


@pytest.mark.xdist_group("whole")
def test_the_demo_goes_through_everything() -> None:
    result = branchwork("demo", "--max-minutes", "3")
    assert result["root_state"] == "closed"
    assert (result["planners"], result["redirects"], result["duplicates"]) == (4, 1, 0)
    assert result["tasks"] >= 9
    assert result["ci_failures_repaired"] >= 1
    assert result["reviews_answered"] == 1
    assert result["conflicts_resolved"] >= 1
