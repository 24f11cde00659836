"""The world fails; the tree says why, loses nothing, and goes on by itself."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("scenarios-trouble")
SCRIPT = {"max_files": 1}
MIB = 1024 * 1024


def test_a_dead_model_server_parks_and_resumes(world: Any) -> None:
    stage = world.stage
    model = next(c for c in stage.children if c.name == "model")
    model.kill()
    stage.children.remove(model)
    number = world.open()
    world.label(number)
    world.until(lambda: world.held("model"), "an action to be held")
    (said,) = world.until(lambda: [c for c in world.comments(number) if "model" in c.lower()], "the status to say why")
    assert "Nothing for you to do here" in said.splitlines()[0]
    port = stage.model_url.rsplit(":", 1)[1]
    stage._child("model", [*stage._model_command(), "--port", port])
    stage.children.insert(1, stage.children.pop())
    world.closed(number)
    assert not [c for c in world.comments(number) if "goes on by itself" in c], "the status is what it is now"


def test_a_suspended_installation_makes_no_storm(world: Any) -> None:
    number = world.open()
    world.label(number)
    world.until(lambda: world.ada.get(f"/issues/{number}/sub_issues"), "children")
    world.installation("suspend")
    world.until(lambda: world.held("suspended"), "actions to be held")
    seen = world.stage.stats()["requests"]
    lines = len(world.stage.children[-1].log.read_text().splitlines())
    (hold,) = world.held("suspended")
    world.until(lambda: world.held("suspended")[0]["probe_at"] != hold["probe_at"], "two probes")
    assert asked(world.stage.stats()["requests"]) - asked(seen) < 15
    assert len(world.stage.children[-1].log.read_text().splitlines()) - lines < 15
    world.installation("unsuspend")
    world.closed(number)


def test_a_full_disk_parks_and_resumes(world: Any) -> None:
    """A gigabyte of nothing takes the free space from half a gigabyte above what work needs to as much below."""
    room = shutil.disk_usage(world.stage.folder).free // MIB
    restart(world.stage, {"BRANCHWORK_MIN_FREE_MB": str(room - 512)})
    filler = world.folder / "filler"
    try:
        number = world.open()
        world.label(number)
        world.until(lambda: world.ada.get(f"/issues/{number}/sub_issues"), "children")
        with filler.open("wb") as out:
            os.posix_fallocate(out.fileno(), 0, 1024 * MIB)
        world.until(lambda: world.held("disk"), "an action to be held")
        (said,) = world.until(
            lambda: [c for c in world.comments(number) if "the disk is nearly full" in c], "the status to say why"
        )
        assert "Nothing for you to do here" in said.splitlines()[0]
        filler.unlink()
        world.closed(number)
    finally:
        filler.unlink(missing_ok=True)
        restart(world.stage, {"BRANCHWORK_MIN_FREE_MB": "0"})


def restart(stage: Any, settings: dict[str, str]) -> None:
    """The bot again at its address, with other settings."""
    bot = stage.children.pop()
    bot.stop()
    stage.cast = replace(stage.cast, settings={**stage.cast.settings, **settings})
    stage.start_bot(int(stage.bot_url.rsplit(":", 1)[1]))


def asked(requests: dict[str, Any]) -> int:
    return sum(n for n in requests.values() if isinstance(n, int))
