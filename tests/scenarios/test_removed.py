"""The App is uninstalled in the middle of a run: the tree waits with the reason, and nobody is stormed."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.demo import commands, person, repository
from bot.demo.hub import Hub
from bot.demo.replay.trees import read_tree
from bot.demo.stage import Cast, ModelChoice, Stage

pytestmark = pytest.mark.xdist_group("scenarios-trouble")
LIMIT_S = 90.0


def until(stage: Stage, seen: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        stage.check()
        if found := seen():
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {LIMIT_S:g} s for {what}: {stage.status()}")


def test_a_removed_installation_parks_the_tree_without_a_storm() -> None:
    sample = commands.SAMPLE
    folder = Path(tempfile.mkdtemp(prefix="removed"))
    folder.chmod(0o711)
    source = repository.make(folder / "source.git", read_tree(sample / "base"), "inkwell 1.0")
    model = ModelChoice(base=sample / "base", target=sample / "target", script=sample / "script.yml")
    with Stage(Cast("ada", "inkwell", source, model), folder / "stage") as stage:
        hub = Hub(stage.api, stage.full_name, stage.token)
        who = person.Person(hub, "ada", person.Acts(), lambda _words: None)
        root = who.open(*commands.read_issue(sample / "issues" / "root.md"))

        def children() -> Any:
            who.step()
            return hub.get(f"/issues/{root}/sub_issues")

        def held() -> Any:
            return [h for h in stage.status()["counts"]["holds"] if h["kind"] == "suspended"]

        until(stage, children, "children")
        nodes = {n["key"] for tree in stage.status()["trees"] for n in tree["nodes"]}
        admin = f"{stage.hub_url}/_localhub"
        installation = httpx.post(f"{admin}/seed", json={}).json()["installations"]["branchwork on ada"]
        httpx.post(f"{admin}/installations/{installation}", json={"action": "uninstall"}).raise_for_status()
        (first,) = until(stage, held, "the hold")
        assert "suspended or gone" in first["reason"]
        lines = len(stage.children[-1].log.read_text().splitlines())
        until(stage, lambda: held()[0]["probe_at"] != first["probe_at"], "another probe")
        assert len(stage.children[-1].log.read_text().splitlines()) - lines < 15
        assert nodes <= {n["key"] for tree in stage.status()["trees"] for n in tree["nodes"]}, "nothing is lost"
        assert not stage.status()["troubles"]["failed"]
        hub.close()
    shutil.rmtree(folder)
