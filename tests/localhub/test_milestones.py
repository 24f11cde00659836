"""Milestones: their life, counts, order and webhooks."""

from __future__ import annotations

from typing import Any

SAMPLE = "/repos/alice/sample"


def test_the_life_of_a_milestone(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("carol") as carol:
        wanted = {"title": "v1", "description": "First", "due_on": "2030-02-03T10:00:00Z"}
        made = validate(alice.post(f"{SAMPLE}/milestones", json=wanted), "Milestone", 201)
        assert (made["number"], made["state"], made["due_on"]) == (1, "open", "2030-02-03T00:00:00Z")
        validate_hook(hub.hooks.delivery("milestone", "created"))
        url = f"{SAMPLE}/milestones/1"
        assert alice.post(f"{SAMPLE}/milestones", json=wanted).json()["errors"][0]["code"] == "already_exists"
        assert alice.post(f"{SAMPLE}/milestones", json={"title": "v2", "due_on": "soon"}).status_code == 422
        assert carol.patch(url, json={"title": "Mine"}).status_code == 403
        for title in ("One", "Two"):
            alice.post(f"{SAMPLE}/issues", json={"title": title, "milestone": 1, "labels": ["bug"]})
        alice.patch(f"{SAMPLE}/issues/2", json={"state": "closed"})
        got = validate(alice.get(url), "Milestone")
        assert (got["open_issues"], got["closed_issues"]) == (1, 1)
        assert [each["name"] for each in validate(alice.get(f"{url}/labels"), "list[Label]")] == ["bug"]
        changed = alice.patch(url, json={"title": "v1.0", "description": None, "due_on": None}).json()
        assert (changed["title"], changed["description"], changed["due_on"]) == ("v1.0", None, None)
        edited = validate_hook(hub.hooks.delivery("milestone", "edited"))
        assert edited["changes"]["title"] == {"from": "v1"}
        closed = validate(alice.patch(url, json={"state": "closed"}), "Milestone")
        assert closed["closed_at"] is not None
        validate_hook(hub.hooks.delivery("milestone", "closed"))
        assert alice.get(f"{SAMPLE}/milestones").json() == []
        assert [each["number"] for each in alice.get(f"{SAMPLE}/milestones", params={"state": "closed"}).json()] == [1]
        assert alice.patch(url, json={"state": "open"}).json()["closed_at"] is None
        validate_hook(hub.hooks.delivery("milestone", "opened"))
        assert alice.delete(url).status_code == 204
        validate_hook(hub.hooks.delivery("milestone", "deleted"))
        hub.hooks.delivery("issues", "demilestoned", 2)
        assert alice.get(url).status_code == 404
        assert alice.get(f"{SAMPLE}/issues/1").json()["milestone"] is None


def test_milestones_are_listed_by_due_date_or_completeness(hub: Any) -> None:
    with hub.client("alice") as alice:
        for title, due in (("Never", None), ("Late", "2031-01-01T00:00:00Z"), ("Soon", "2030-01-01T00:00:00Z")):
            alice.post(f"{SAMPLE}/milestones", json={"title": title, "due_on": due})
        alice.post(f"{SAMPLE}/issues", json={"title": "Done", "milestone": 2})
        alice.post(f"{SAMPLE}/issues", json={"title": "Open", "milestone": 3})
        alice.patch(f"{SAMPLE}/issues/1", json={"state": "closed"})

        def titles(**asked: Any) -> list[str]:
            return [each["title"] for each in alice.get(f"{SAMPLE}/milestones", params=asked).json()]

        assert titles() == ["Soon", "Late", "Never"]
        assert titles(sort="completeness", direction="desc")[0] == "Late"


def test_who_can_be_assigned_to_an_issue(hub: Any) -> None:
    with hub.client("alice") as alice, hub.client("carol") as carol:
        alice.post(f"{SAMPLE}/issues", json={"title": "One"})
        check = f"{SAMPLE}/issues/1/assignees"
        assert [alice.get(f"{check}/{who}").status_code for who in ("bob", "carol", "mallory")] == [204, 404, 404]
        carol.post(f"{SAMPLE}/issues/1/comments", json={"body": "I could."})
        assert alice.get(f"{check}/carol").status_code == 204
        assert alice.get(f"{SAMPLE}/assignees/carol").status_code == 404


def test_an_issue_opened_in_a_milestone_is_told_of_it(hub: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("carol") as carol:
        alice.post(f"{SAMPLE}/milestones", json={"title": "v1"})
        wanted = {"title": "One", "milestone": 1, "labels": ["bug"], "assignees": ["bob"]}
        assert alice.post(f"{SAMPLE}/issues", json=wanted).json()["milestone"]["title"] == "v1"
        assert carol.post(f"{SAMPLE}/issues", json=wanted).json()["milestone"] is None, "only who may triage"
        told = [each["action"] for each in hub.told("issues")]
        assert told == ["opened", "labeled", "assigned", "milestoned", "opened"]
        put = validate_hook(hub.hooks.delivery("issues", "milestoned"))
        assert (put["milestone"]["title"], put["issue"]["milestone"]["open_issues"]) == ("v1", 1)
        timeline = alice.get(f"{SAMPLE}/issues/1/timeline").json()
        assert [each["event"] for each in timeline] == ["milestoned", "labeled", "assigned"]


def test_the_number_of_a_deleted_milestone_is_not_given_again(hub: Any) -> None:
    with hub.client("alice") as alice:
        for title in ("v1", "v2"):
            alice.post(f"{SAMPLE}/milestones", json={"title": title})
        assert alice.delete(f"{SAMPLE}/milestones/2").status_code == 204
        assert alice.post(f"{SAMPLE}/milestones", json={"title": "v3"}).json()["number"] == 3
        assert [each["number"] for each in alice.get(f"{SAMPLE}/milestones").json()] == [1, 3]
