"""Suggested changes: begun on a line, shown beside what they replace, committed by who may push."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.localhub.pages.acts.acting import REPO, Hand, Scene, ok

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
TWO = "Both:\n\n```suggestion\nZWEI\nDREI\nUND <b>\n```\n"


def _text(hub: Any, s: Scene) -> str:
    found = ok(hub.client("bob").get(f"{REPO}/contents/{s.name}.txt", params={"ref": s.name}))
    return base64.b64decode(found["content"]).decode()


def _say(hub: Any, s: Scene, who: str, body: str, **place: Any) -> Any:
    client = hub.client(who)
    head = ok(client.get(s.pull_url))["head"]["sha"]
    where = {"path": f"{s.name}.txt", "side": "RIGHT", "commit_id": head, **place}
    return ok(client.post(f"{s.pull_url}/comments", json={"body": body, **where}))


def test_a_suggestion_is_written_shown_and_committed(kept_hub: Any, scenes: tuple[Scene, Scene], hand: Hand) -> None:
    s, page = scenes[1], hand.page
    hand.pull(s, "/files")
    page.get_by_role("link", name="Comment on line 1", exact=True).click()
    page.get_by_role("link", name="Suggest a change").click()
    box = page.get_by_label("On line 1 as bob")
    assert box.input_value() == "```suggestion\none\n```\n"
    box.fill("```suggestion\nONE\n```")
    hand.press("Add single comment")
    shown = page.locator(".suggestion").first
    assert shown.inner_text().split("\n") == ["Suggested change", "− one", "+ ONE"]
    kept_hub.settle()
    kept_hub.hooks.clear()
    hand.unfold("details.suggest")
    hand.press("Commit changes", within="details.suggest")
    assert "resolved by bob" in page.locator(".thread").first.inner_text()
    assert _text(kept_hub, s) == "ONE\ntwo\nthree\nfour\n"
    kept_hub.settle()
    told = {(each.event, each.action) for each in kept_hub.hooks.deliveries}
    assert {("push", None), ("pull_request", "synchronize"), ("pull_request_review_thread", "resolved")} <= told
    commit = ok(kept_hub.client("bob").get(f"{REPO}/commits/{s.name}"))["commit"]
    assert (commit["message"], commit["author"]["email"]) == (f"Update {s.name}.txt", "bob@example.org")


def test_of_several_lines_by_another(kept_hub: Any, scenes: tuple[Scene, Scene], hand: Hand) -> None:
    s, page = scenes[0], hand.page
    said = _say(kept_hub, s, "alice", TWO, start_line=2, start_side="RIGHT", line=3)
    hand.pull(s)
    thread = page.locator(f"#discussion_r{said['id']}")
    assert thread.locator(".suggestion").inner_text().split("\n") == [
        "Suggested change", "− two", "− three", "+ ZWEI", "+ DREI", "+ UND <b>",
    ]  # fmt: skip
    hand.unfold(f"#suggest-r{said['id']}")
    page.locator(f"#suggest-r{said['id']} input[name=message]").fill("In German")
    hand.press("Commit changes", within=f"#suggest-r{said['id']}")
    assert _text(kept_hub, s) == "one\nZWEI\nDREI\nUND <b>\nfour\n"
    commit = ok(kept_hub.client("bob").get(f"{REPO}/commits/{s.name}"))["commit"]
    assert commit["message"] == "In German\n\nCo-authored-by: alice <alice@example.org>"
    assert page.locator(f"#suggest-r{said['id']}").count() == 0  # its lines are gone


def test_what_cannot_be_committed(kept_hub: Any, scenes: tuple[Scene, Scene], hand: Hand) -> None:
    """Two in one comment; for who may not push; and an empty one removes the line."""
    s, page = scenes[1], hand.page
    twice = _say(kept_hub, s, "alice", "```suggestion\na\n```\n```suggestion\nb\n```", line=2)
    empty = _say(kept_hub, s, "alice", "```suggestion\n```", line=4)
    page.goto("/login")
    page.locator("button[value=carol]").click()  # reads only
    hand.pull(s)
    assert page.locator(".suggestion").count() >= 3
    assert page.locator("details.suggest").count() == 0
    page.goto("/login")
    page.locator("button[value=bob]").click()
    hand.pull(s)
    assert page.locator(f"#suggest-r{twice['id']}").count() == 0
    hand.unfold(f"#suggest-r{empty['id']}")
    hand.press("Commit changes", within=f"#suggest-r{empty['id']}")
    assert _text(kept_hub, s) == "ONE\ntwo\nthree\n"
