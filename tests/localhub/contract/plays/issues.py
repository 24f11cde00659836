"""Issues, labels, comments, reactions, milestones, sub-issues and dependencies."""

from __future__ import annotations

from typing import Any

from tests.localhub.contract.session import Session, body, scenario

REPO = "/repos/alice/sample"


def opened(c: Session, title: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = body(c.bot.post(f"{REPO}/issues", json={"title": title, **more}), 201)
    return made


@scenario
def the_life_of_an_issue(c: Session) -> None:
    body(
        c.alice.post(
            f"{REPO}/milestones",
            json={"title": "v1", "state": "open", "description": "first", "due_on": "2030-01-01T00:00:00Z"},
        )
    )
    body(c.alice.get(f"{REPO}/milestones"))
    body(c.alice.get(f"{REPO}/milestones/1"))
    full = {"body": "Text", "labels": ["bug"], "assignees": ["bob"], "milestone": 1}
    one = body(c.alice.post(f"{REPO}/issues", json={"title": "One", **full}), 201)
    assert one["assignees"][0]["login"] == "bob"
    place = f"{REPO}/issues/{one['number']}"
    body(c.alice.get(place))
    body(c.alice.get(f"{REPO}/issues", params={"state": "all"}))
    for change in (
        {"title": "Two", "body": "Other text"}, {"milestone": None}, {"state": "closed", "state_reason": "completed"},
        {"state": "open"}, {"labels": ["bug", "help wanted"], "assignees": ["alice", "bob"]},
        {"milestone": 1},
    ):  # fmt: skip
        body(c.alice.patch(place, json=change))
    body(c.alice.get("/issues"))
    assert c.alice.put(f"{place}/lock", json={"lock_reason": "too heated"}).status_code == 204
    body(c.alice.get(place))
    assert c.alice.delete(f"{place}/lock").status_code == 204
    events = body(c.alice.get(f"{place}/events"))
    body(c.alice.get(f"{REPO}/issues/events"))
    for event in events:
        body(c.alice.get(f"{REPO}/issues/events/{event['id']}"))
    body(c.alice.get(f"{place}/timeline"))
    c.settle()
    assert body(c.alice.get("/search/issues", params={"q": "repo:alice/sample is:issue"}))["items"]
    assert c.alice.post(f"{REPO}/issues", json={"title": "x" * 300, "body": "y" * 65_537}).status_code == 422
    assert c.alice.get(f"{REPO}/issues/99").status_code == 404


@scenario
def the_life_of_a_milestone(c: Session) -> None:
    body(c.alice.post(f"{REPO}/milestones", json={"title": "Long"}), 201)
    made = body(c.alice.post(f"{REPO}/milestones", json={"title": "Short", "due_on": "2030-01-01T00:00:00Z"}), 201)
    place = f"{REPO}/milestones/{made['number']}"
    number = body(
        c.alice.post(
            f"{REPO}/issues", json={"title": "In it", "labels": ["bug", "question"], "milestone": made["number"]}
        ),
        201,
    )["number"]
    assert c.alice.get(f"{REPO}/issues/{number}/assignees/bob").status_code == 204
    body(c.alice.get(f"{place}/labels"))
    body(c.alice.get(f"{REPO}/milestones"))
    for change in ({"title": "Shorter", "description": "d"}, {"state": "closed"}, {"state": "open"}):
        body(c.alice.patch(place, json=change))
    assert c.alice.delete(place).status_code == 204
    assert body(c.alice.get("/search/users", params={"q": "alice"}))["items"]


@scenario
def types_of_issues(c: Session) -> None:
    types = "/orgs/acme/issue-types"
    assert body(c.owner.get(types))
    made = body(c.owner.post(types, json={"name": "Epic", "is_enabled": True, "color": "blue"}))
    body(c.owner.put(f"{types}/{made['id']}", json={"name": "Saga", "is_enabled": True, "description": "d"}))
    place = "/repos/acme/tools/issues"
    number = body(c.owner.post(place, json={"title": "Typed", "type": "Saga"}), 201)["number"]
    assert body(c.owner.patch(f"{place}/{number}", json={"type": None}))["type"] is None
    assert c.owner.delete(f"{types}/{made['id']}").status_code == 204


@scenario
def labels_and_assignees(c: Session) -> None:
    number = opened(c, "Labelled")["number"]
    place = f"{REPO}/issues/{number}"
    body(c.bot.post(f"{REPO}/labels", json={"name": "area/x y", "color": "ff0000", "description": "d"}), 201)
    assert c.bot.post(f"{REPO}/labels", json={"name": "area/x y", "color": "ff0000"}).status_code == 422
    body(c.bot.get(f"{REPO}/labels"))
    body(c.bot.get(f"{REPO}/labels/bug"))
    body(c.bot.patch(f"{REPO}/labels/bug", json={"new_name": "defect", "color": "00ff00"}))
    body(c.bot.post(f"{place}/labels", json={"labels": ["defect", "area/x y"]}))
    body(c.bot.get(f"{place}/labels"))
    body(c.bot.put(f"{place}/labels", json={"labels": ["defect", "new"]}))
    body(c.bot.delete(f"{place}/labels/new"))
    assert c.bot.delete(f"{place}/labels").status_code == 204
    assert c.bot.delete(f"{REPO}/labels/defect").status_code == 204
    body(c.bot.get(f"{REPO}/assignees"))
    assert c.bot.get(f"{REPO}/assignees/bob").status_code == 204
    assert c.bot.get(f"{REPO}/assignees/mallory").status_code == 404
    body(c.bot.post(f"{place}/assignees", json={"assignees": ["bob"]}), 201)
    body(c.bot.request("DELETE", f"{place}/assignees", json={"assignees": ["bob"]}))


@scenario
def talk(c: Session) -> None:
    number = opened(c, "Talk")["number"]
    place = f"{REPO}/issues/{number}"
    one = body(c.alice.post(f"{place}/comments", json={"body": "Hello @bob"}), 201)
    body(c.bob.post(f"{place}/comments", json={"body": "Hello @alice"}), 201)
    said = f"{REPO}/issues/comments/{one['id']}"
    body(c.bob.get(f"{place}/comments"))
    body(c.bob.get(f"{REPO}/issues/comments"))
    body(c.bob.get(said))
    body(c.alice.patch(said, json={"body": "Hello"}))
    for subject in (place, said):
        liked = body(c.bob.post(f"{subject}/reactions", json={"content": "rocket"}), 201)
        assert body(c.bob.post(f"{subject}/reactions", json={"content": "rocket"}), 200)["id"] == liked["id"]
        body(c.alice.post(f"{subject}/reactions", json={"content": "heart"}), 201)
        body(c.bob.get(f"{subject}/reactions"))
        assert c.bob.delete(f"{subject}/reactions/{liked['id']}").status_code == 204
        assert c.bob.post(f"{subject}/reactions", json={"content": "tick"}).status_code == 422
    assert c.alice.delete(said).status_code == 204
    assert c.alice.get(said).status_code == 404


@scenario
def a_tree_of_issues(c: Session) -> None:
    parent, other = opened(c, "Parent"), opened(c, "Other parent")
    children = [opened(c, f"Child {n}") for n in range(2)]
    place = f"{REPO}/issues/{parent['number']}"
    for child in children:
        body(c.bot.post(f"{place}/sub_issues", json={"sub_issue_id": child["id"]}), 201)
    again = {"sub_issue_id": children[0]["id"]}
    assert c.bot.post(f"{REPO}/issues/{other['number']}/sub_issues", json=again).status_code == 422
    body(c.bot.get(f"{place}/sub_issues"))
    body(c.bot.get(f"{REPO}/issues/{children[0]['number']}/parent"))
    order = {"sub_issue_id": children[0]["id"], "after_id": children[1]["id"]}
    body(c.bot.patch(f"{place}/sub_issues/priority", json=order))
    body(c.bot.get(f"{place}/timeline"))
    body(c.bot.get(f"{REPO}/issues/{children[0]['number']}/timeline"))
    body(c.bot.request("DELETE", f"{place}/sub_issue", json={"sub_issue_id": children[0]["id"]}))


@scenario
def issues_that_wait(c: Session) -> None:
    first, second = opened(c, "First"), opened(c, "Second")
    place = f"{REPO}/issues/{second['number']}/dependencies"
    body(c.bot.post(f"{place}/blocked_by", json={"issue_id": first["id"]}), 201)
    assert c.bot.post(f"{place}/blocked_by", json={"issue_id": first["id"]}).status_code == 422
    third = opened(c, "Third")
    body(c.bot.post(f"{place}/blocked_by", json={"issue_id": third["id"]}), 201)
    body(c.bot.post(f"{REPO}/issues/{third['number']}/dependencies/blocked_by", json={"issue_id": first["id"]}), 201)
    body(c.bot.get(f"{REPO}/issues"))
    body(c.bot.get(f"{place}/blocked_by"))
    body(c.bot.get(f"{REPO}/issues/{first['number']}/dependencies/blocking"))
    body(c.bot.get(f"{REPO}/issues/{second['number']}/timeline"))
    body(c.bot.delete(f"{place}/blocked_by/{first['id']}"))
