"""The world fails; the tree parks, loses nothing, and goes on."""

from __future__ import annotations

import re
from typing import Any


def test_a_dead_model_server_parks_and_resumes(world: Any) -> None:
    model = next(c for c in world.stage.children if c.name == "model")
    port = world.stage.model_url.rsplit(":", 1)[1]
    model.kill()
    world.stage.children.remove(model)
    number = world.open()
    world.label(number)
    world.until(lambda: world.status()["counts"].get("outbox", {}).get("held"), "an action to be held")
    world.until(lambda: any("model" in c.lower() for c in world.comments(number)), "the status to say why")
    restarted = world.stage._child("model", [*world.stage._model_command(), "--port", port])
    restarted.address()
    world.closed(number)


def test_a_suspended_installation_makes_no_storm(world: Any) -> None:
    number = world.open()
    world.label(number)
    world.until(lambda: world.ada.get(f"/issues/{number}/sub_issues"), "children")
    world.admin("/installations/suspend", {"app": "branchwork", "account": "ada"})
    world.until(lambda: world.status()["counts"].get("outbox", {}).get("held"), "actions to be held")
    log = world.stage.children[-1].log
    before = len(re.findall(r"suspended", log.read_text()))
    looked = world.stage.stats()["requests"]
    world.admin("/installations/unsuspend", {"app": "branchwork", "account": "ada"})
    world.closed(number)
    assert len(re.findall(r"suspended", log.read_text())) - before < 20
    assert looked is not None
