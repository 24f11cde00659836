"""Pull requests, reviews and review comments."""

from __future__ import annotations

from typing import Any

from tests.localhub.contract.plays.git import branch, put
from tests.localhub.contract.session import Session, body, scenario

REPO = "/repos/alice/sample"


def proposed(c: Session, name: str, **more: Any) -> dict[str, Any]:
    """A pull request of the bot with one file of three lines."""
    branch(c, name)
    put(c, f"{name}.txt", "one\ntwo\nthree\n", name)
    put(c, f"{name}-too.txt", "one\n", name)
    made: dict[str, Any] = body(
        c.bot.post(f"{REPO}/pulls", json={"title": name, "head": name, "base": "main", **more}), 201
    )
    c.settle()
    return made


@scenario
def the_life_of_a_pull_request(c: Session) -> None:
    made = proposed(c, "topic", body="Text")
    place = f"{REPO}/pulls/{made['number']}"
    body(c.alice.get(f"{REPO}/pulls"))
    body(c.alice.get(place))
    for kind, start in (("diff", "diff --git"), ("patch", "From ")):
        assert c.alice.get(place, headers={"Accept": f"application/vnd.github.{kind}"}).text.startswith(start)
    body(c.alice.get(f"{place}/files"))
    body(c.alice.get(f"{place}/commits"))
    body(c.alice.get(f"{REPO}/commits/{made['head']['sha']}/pulls"))
    for change in ({"title": "New", "body": "Other"}, {"state": "closed"}, {"state": "open"}):
        body(c.bot.patch(place, json=change))
    body(c.alice.post(f"{place}/requested_reviewers", json={"reviewers": ["bob"]}), 201)
    body(c.alice.get(f"{place}/requested_reviewers"))
    body(c.alice.request("DELETE", f"{place}/requested_reviewers", json={"reviewers": ["bob"]}))
    put(c, "later.txt", "later\n")
    body(c.bot.put(f"{place}/update-branch", json={}), 202)
    c.settle()
    assert c.bot.get(f"{place}/merge").status_code == 404
    assert c.bot.put(f"{place}/merge", json={"sha": "0" * 40}).status_code == 409
    body(c.bot.put(f"{place}/merge", json={"merge_method": "squash", "commit_title": "Land"}))
    assert c.bot.get(f"{place}/merge").status_code == 204
    assert c.bot.put(f"{place}/merge", json={}).status_code == 405
    body(c.alice.get(place))
    body(c.alice.get(f"{REPO}/pulls", params={"state": "all"}))
    body(c.alice.get(f"{REPO}/issues", params={"state": "all"}))
    body(c.alice.get(f"{REPO}/issues/{made['number']}/timeline"))
    body(c.alice.get(f"{REPO}/issues/{made['number']}/events"))
    assert c.bot.post(f"{REPO}/pulls", json={"title": "t", "head": "gone", "base": "main"}).status_code == 422


@scenario
def a_pull_request_is_an_issue_too(c: Session) -> None:
    made = proposed(c, "topic", draft=True)
    place = f"{REPO}/issues/{made['number']}"
    body(c.alice.post(f"{REPO}/milestones", json={"title": "v1"}), 201)
    full = {"labels": ["bug"], "assignees": ["bob"], "milestone": 1}
    proposed(c, "second")
    body(c.alice.get(f"{REPO}/pulls"))
    for change in (full, {"labels": [], "assignees": [], "milestone": None}):
        body(c.alice.patch(place, json=change))
    assert c.alice.put(f"{place}/lock", json={"lock_reason": "resolved"}).status_code == 204
    assert c.alice.delete(f"{place}/lock").status_code == 204
    body(c.alice.post(f"{place}/comments", json={"body": "Said in the conversation"}), 201)
    c.settle()
    body(c.alice.get("/search/issues", params={"q": "repo:alice/sample is:pr"}))


@scenario
def reviews(c: Session) -> None:
    made = proposed(c, "topic")
    place = f"{REPO}/pulls/{made['number']}"
    remark = {"path": "topic.txt", "line": 2, "side": "RIGHT", "body": "Why two?"}
    pending = body(c.bob.post(f"{place}/reviews", json={"body": "Draft", "comments": [remark, remark | {"line": 3}]}))
    body(c.bob.put(f"{place}/reviews/{pending['id']}", json={"body": "Better"}))
    body(c.bob.post(f"{place}/reviews/{pending['id']}/events", json={"event": "REQUEST_CHANGES", "body": "No"}))
    body(c.bob.put(f"{place}/reviews/{pending['id']}", json={"body": "Better still"}))
    body(c.bob.get(f"{place}/reviews/{pending['id']}/comments"))
    thrown = body(c.bob.post(f"{place}/reviews", json={"body": "Never mind"}))
    body(c.bob.delete(f"{place}/reviews/{thrown['id']}"))
    agreed = body(c.alice.post(f"{place}/reviews", json={"event": "APPROVE", "body": "Yes"}))
    body(c.alice.get(f"{place}/reviews"))
    body(c.alice.get(f"{place}/reviews/{agreed['id']}"))
    body(c.alice.put(f"{place}/reviews/{agreed['id']}/dismissals", json={"message": "Stale", "event": "DISMISS"}))
    body(c.alice.get(f"{REPO}/issues/{made['number']}/timeline"))


@scenario
def review_comments(c: Session) -> None:
    made = proposed(c, "topic")
    place = f"{REPO}/pulls/{made['number']}"
    wanted = {"body": "Why?", "path": "topic.txt", "line": 1, "side": "RIGHT", "commit_id": made["head"]["sha"]}
    one = body(c.alice.post(f"{place}/comments", json=wanted), 201)
    body(c.bot.post(f"{place}/comments/{one['id']}/replies", json={"body": "Because"}), 201)
    ranged = wanted | {"start_line": 1, "start_side": "RIGHT", "line": 2}
    body(c.alice.post(f"{place}/comments", json=ranged), 201)
    body(c.alice.get(f"{place}/comments"))
    body(c.alice.get(f"{REPO}/pulls/comments"))
    said = f"{REPO}/pulls/comments/{one['id']}"
    body(c.alice.get(said))
    reaction = body(c.alice.post(f"{said}/reactions", json={"content": "rocket"}), 201)
    body(c.alice.post(f"{said}/reactions", json={"content": "rocket"}), 200)
    body(c.alice.get(f"{said}/reactions"))
    assert c.alice.delete(f"{said}/reactions/{reaction['id']}").status_code == 204
    body(c.alice.patch(said, json={"body": "Why though?"}))
    assert c.alice.delete(said).status_code == 204
