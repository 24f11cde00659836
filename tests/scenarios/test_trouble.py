"""The world fails; the tree says why, loses nothing, and goes on by itself."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("scenarios-trouble")
SCRIPT = {"max_files": 1}


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


def asked(requests: dict[str, Any]) -> int:
    return sum(n for n in requests.values() if isinstance(n, int))
