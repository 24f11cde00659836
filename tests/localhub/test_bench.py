"""The parts of the bench that are right or wrong whatever they take: nothing lost, nothing out of order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.localhub import cycles, growth, hooks, servers
from tests.bench.localhub.__main__ import SEED


@pytest.mark.slow
def test_no_commit_of_many_pushes_at_once_is_lost(tmp_path: Path) -> None:
    with servers.localhub(tmp_path / "hub", SEED) as server:
        url = server.url.replace("://", "://alice:ghp_alice@") + "/alice/sample.git"
        found = cycles.run(url, tmp_path / "work", 40)
    assert (found["lost"], found["distinct_commits"]) == (0, 40)
    assert found["on_the_shared_branch"] == 8


@pytest.mark.slow
def test_webhooks_come_once_each_and_in_their_order(tmp_path: Path) -> None:
    found = hooks.run(tmp_path, 480)
    none = {"lost": 0, "twice": 0, "out_of_order": 0}
    assert {key: found[key] for key in none} == none
    assert {key: found["one_slow_repository"][key] for key in none} == none


def test_what_is_missing_twice_or_late_is_noticed() -> None:
    came = [["a", 1, 0.0, ""], ["b", 2, 0.0, ""], ["a", 4, 0.0, ""], ["a", 3, 0.0, ""], ["b", 2, 0.0, ""]]
    assert hooks.faithful([1, 2, 3, 4, 5], came) == {"lost": 1, "twice": 1, "out_of_order": 1}


@pytest.mark.slow
def test_the_growth_part_asks_for_everything_in_what_it_filled(tmp_path: Path) -> None:
    found = growth.run(tmp_path, 12, 1)
    assert found["issues"] == [growth.FEW, 12]
    assert set(found["calls"]) == set(growth.CALLS)
    assert all(each["few_ms"] > 0 and each["many_ms"] > 0 for each in found["calls"].values())
