"""`kill -9` at any point, then start: the same state, and no effect twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from planner.model import Address

HOPS = 24
NODES = [Address(kind="task", key=f"n{number}") for number in range(3)]


def start(toy: Any, crash: str = "") -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "BRANCHWORK_CRASH": crash}
    script = Path(__file__).with_name("toy_process.py")
    return subprocess.Popen(
        [sys.executable, str(script), toy.url, str(toy.ledger.path), str(HOPS)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish_and_compare(toy: Any) -> None:
    """Goes on in this process, where the opening arrives again, as GitHub would deliver it again."""
    engine = toy.engine()
    engine.apply_external(toy.opening(HOPS))
    toy.settle()
    lines = toy.ledger.lines()
    assert len(lines) == len(set(lines)), "an effect happened twice"
    assert len(lines) == HOPS // 2 + 3
    assert sum(toy.state(node).events for node in NODES) == HOPS + 7, "every ball, order and result once"
    assert sorted(toy.state(NODES[0]).notes) == ["did plan", "did say", "did think"]
    assert toy.counts()["actions"] == {"done": len(lines)}


@pytest.mark.parametrize(
    "crash",
    [
        "before:turn-save:1",
        "after:turn-save:1",
        "before:turn-save:9",
        "after:turn-save:9",
        "before:Write:1",
        "after:Write:1",
        "before:Write:6",
        "after:Write:6",
        "before:Think:1",
        "after:Think:1",
    ],
)
def test_a_crash_at_each_point(toy: Any, crash: str) -> None:
    with start(toy, crash) as process:
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 137, f"it died where it was told to: {told}"
    finish_and_compare(toy)


def test_a_crash_point_that_is_misspelt_is_told(toy: Any) -> None:
    with start(toy, "before:Write") as process:
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "is not of the form before:ActionType:1" in told


def kill_at(toy: Any, seed: int) -> None:
    """Three processes in a row, each killed at a moment that the seed chooses."""
    chance = random.Random(seed)
    for _ in range(3):
        with start(toy) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                process.wait(timeout=chance.uniform(0.0, 0.4))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
    finish_and_compare(toy)


@pytest.mark.parametrize("seed", range(2))
def test_kill_9_at_seeded_moments(toy: Any, seed: int) -> None:
    kill_at(toy, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_kill_9_at_many_seeded_moments(toy: Any, seed: int) -> None:
    kill_at(toy, seed)
