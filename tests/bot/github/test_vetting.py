"""Who did something is read from GitHub before a tree hears of it."""

from __future__ import annotations

from typing import Any

from planner.actions import (
    React,
)
from planner.events import (
    Approved,
    RootLabeled,
    Said,
)

ISSUES = "/repos/ada/sample/issues"


def comments(stage: Any, number: int = 1) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.hub.api("GET", f"{ISSUES}/{number}/comments")
    return found


def test_who_may_command(stage: Any, root: int) -> None:
    said = stage.hub.api("POST", f"{ISSUES}/1/comments", {"body": "@branchwork smaller"})
    facts = {"number": 1, "comment_id": said["id"], "app_id": None, "asked": "said", "words": "smaller"}
    ((_, _, event),) = stage.vet("commented", "ada", **facts).events
    assert isinstance(event, Said)
    assert (event.by.permission, event.words) == ("admin", "smaller")
    assert stage.vet("commented", "eve", **facts).events == ()
    (reaction,) = stage.hub.api("GET", f"/repos/ada/sample/issues/comments/{said['id']}/reactions")
    assert reaction["content"] == "confused"
    stage.perform(React(comment_id=said["id"], content="eyes"))
    assert stage.vet("ticked", "eve", hash="h1").events == ()
    ((_, _, approved),) = stage.vet("ticked", "ada", hash="h1").events
    assert isinstance(approved, Approved)
    assert approved.plan_hash == "h1"
    wrong = facts | {"asked": "unknown", "words": "aprove", "did_you_mean": "approve"}
    assert stage.vet("commented", "ada", **wrong).events == ()
    assert "Did you mean `/branchwork approve`?" in comments(stage)[-1]["body"]


def test_a_label_is_known_by_githubs_own_number(stage: Any, root: int) -> None:
    stage.hub.api("POST", f"{ISSUES}/1/labels", {"labels": ["branchwork"]})
    facts = {"issue_id": 5, "title": "Grow", "body": "Please.", "label": "branchwork"}
    ((_, first, event),) = stage.vet("labeled", "ada", **facts).events
    assert isinstance(event, RootLabeled)
    assert first.startswith("labeled:")
    stage.hub.api("DELETE", f"{ISSUES}/1/labels/branchwork")
    stage.hub.api("POST", f"{ISSUES}/1/labels", {"labels": ["branchwork"]})
    ((_, second, _),) = stage.vet("labeled", "ada", **facts).events
    assert second != first
    ((_, other, stranger),) = stage.vet("labeled", "eve", **facts).events
    assert (other, stranger.by.permission) == ("fact", "read")
