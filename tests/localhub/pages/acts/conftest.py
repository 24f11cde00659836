"""The two scenes of a file, bob at a browser, and what does each act to both."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.localhub.pages.acts.acting import REPO, WORKFLOW, Click, Do, Hand, Scene, ok, scene


@pytest.fixture(scope="module")
def scenes(kept_hub: Any) -> tuple[Scene, Scene]:
    kept_hub.admin("/limits", {"enforced": False})
    alice = kept_hub.client("alice")
    ok(alice.put(f"{REPO}/collaborators/bob", json={"permission": "admin"}))
    ok(alice.patch(REPO, json={"allow_auto_merge": True}))
    ok(alice.post(f"{REPO}/milestones", json={"title": "1.0"}))
    content = base64.b64encode(WORKFLOW.encode()).decode()
    ok(alice.put(f"{REPO}/contents/.github/workflows/greet.yml", json={"message": "Greet", "content": content}))
    made = scene(kept_hub, "api"), scene(kept_hub, "page")
    kept_hub.settle()
    return made


@pytest.fixture(scope="module")
def hand(kept_hub: Any, browser: Browser) -> Iterator[Hand]:
    """Bob's."""
    context = browser.new_context(base_url=kept_hub.url, java_script_enabled=False)
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto("/login")
    page.locator("button[value=bob]").click()
    yield Hand(page)
    context.close()


@pytest.fixture
def twice(kept_hub: Any, scenes: tuple[Scene, Scene], hand: Hand) -> Callable[..., list[Any]]:
    """Do it by the API and by hand: the webhooks and what is then there must be the same; returns what was told."""

    def told() -> list[Any]:
        kept_hub.settle()
        found = [
            (each.event, each.action, each.payload["sender"]["login"], sorted(each.payload))
            for each in kept_hub.hooks.deliveries
        ]
        kept_hub.hooks.clear()
        return sorted(found, key=str)

    def both(do: Do, click: Click) -> list[Any]:
        kept_hub.hooks.clear()
        ok(do(kept_hub.client("bob"), scenes[0]))
        by_api = told()
        click(hand, scenes[1])
        assert told() == by_api
        assert scenes[1].state() == scenes[0].state()
        return by_api

    return both
