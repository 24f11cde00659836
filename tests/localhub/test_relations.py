"""Sub-issues and dependencies: their calls, limits and webhooks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

REPO = "/repos/alice/sample"


def make(client: Any, title: str = "An issue", repo: str = REPO) -> dict[str, Any]:
    answer = client.post(f"{repo}/issues", json={"title": title})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def link(client: Any, parent: dict[str, Any], child: dict[str, Any], **more: Any) -> Any:
    return client.post(f"{REPO}/issues/{parent['number']}/sub_issues", json={"sub_issue_id": child["id"], **more})


@pytest.fixture
def bot(hub):
    hub.admin("/limits", {"enforced": False})
    return hub.bot()


def test_a_tree_of_sub_issues(hub, bot, validate, validate_hook):
    root, one, two, three = (make(bot, title) for title in ("root", "one", "two", "three"))
    for child in (one, two, three):
        answer = validate(link(bot, root, child), "Issue", 201)
    assert answer["sub_issues_summary"] == {"total": 3, "completed": 0, "percent_completed": 0}
    added = validate_hook(hub.hooks.delivery("sub_issues", "sub_issue_added", 3))
    assert (added["parent_issue"]["number"], added["sub_issue"]["number"]) == (1, 4)
    assert added["repository"]["full_name"] == "alice/sample"
    validate_hook(hub.hooks.delivery("sub_issues", "parent_issue_added", 3))

    url = f"{REPO}/issues/1/sub_issues"
    listed = validate(bot.get(url), "list[Issue]")
    assert [each["number"] for each in listed] == [2, 3, 4]
    assert listed[0]["parent_issue_url"] == f"{hub.url}/api/v3{REPO}/issues/1"
    validate(bot.patch(f"{url}/priority", json={"sub_issue_id": three["id"], "before_id": one["id"]}), "Issue")
    assert [each["number"] for each in bot.get(url).json()] == [4, 2, 3]
    validate(bot.patch(f"{url}/priority", json={"sub_issue_id": three["id"], "after_id": two["id"]}), "Issue")
    assert [each["number"] for each in bot.get(url).json()] == [2, 3, 4]
    assert bot.patch(f"{url}/priority", json={"sub_issue_id": three["id"]}).status_code == 422

    assert validate(bot.get(f"{REPO}/issues/3/parent"), "Issue")["number"] == 1
    assert bot.get(f"{REPO}/issues/1/parent").status_code == 404
    bot.patch(f"{REPO}/issues/2", json={"state": "closed"})
    assert bot.get(f"{REPO}/issues/1").json()["sub_issues_summary"]["percent_completed"] == 33

    removed = bot.request("DELETE", f"{REPO}/issues/1/sub_issue", json={"sub_issue_id": two["id"]})
    assert validate(removed, "Issue")["sub_issues_summary"]["total"] == 2
    validate_hook(hub.hooks.delivery("sub_issues", "sub_issue_removed"))
    validate_hook(hub.hooks.delivery("sub_issues", "parent_issue_removed"))
    events = validate(bot.get(f"{REPO}/issues/3/events"), "list[IssueEvent]")
    assert [each["event"] for each in events] == ["parent_issue_added", "parent_issue_removed"]
    assert events[0]["parent_issue"]["number"] == 1


def test_a_sub_issue_has_one_parent(hub, bot):
    first, second, child = make(bot), make(bot), make(bot)
    assert link(bot, first, child).status_code == 201
    refused = link(bot, second, child)
    assert refused.status_code == 422
    assert "may only have one parent" in refused.json()["message"]
    assert "duplicate" in link(bot, first, child).json()["message"]
    assert link(bot, second, child, replace_parent=True).status_code == 201
    assert bot.get(f"{REPO}/issues/3/parent").json()["number"] == 2
    assert link(bot, child, second).status_code == 422, "a circle"
    assert link(bot, child, child).status_code == 422
    assert bot.post(f"{REPO}/issues/1/sub_issues", json={"sub_issue_id": child["number"]}).status_code == 404
    assert hub.client("carol").post(f"{REPO}/issues/1/sub_issues", json={"sub_issue_id": 1}).status_code == 403


def test_eight_levels_and_no_more(hub, bot):
    chain = [make(bot) for _ in range(9)]
    for parent, child in pairwise(chain[:8]):
        assert link(bot, parent, child).status_code == 201
    assert "8 levels" in link(bot, chain[7], chain[8]).json()["message"]
    other = make(bot)
    assert link(bot, chain[8], other).status_code == 201
    assert "8 levels" in link(bot, chain[6], chain[8]).json()["message"], "a whole subtree counts"


def test_a_hundred_children_closed_ones_too(hub, bot):
    root = make(bot)
    for _ in range(100):
        assert link(bot, root, make(bot)).status_code == 201
    bot.patch(f"{REPO}/issues/2", json={"state": "closed"})
    assert "more than 100" in link(bot, root, make(bot)).json()["message"]


def test_dependencies(hub, bot, validate, validate_hook):
    blocked, blocker = make(bot), make(bot)
    url = f"{REPO}/issues/1/dependencies/blocked_by"
    assert validate(bot.post(url, json={"issue_id": blocker["id"]}), "Issue", 201)["number"] == 2
    payload = validate_hook(hub.hooks.delivery("issue_dependencies", "blocked_by_added"))
    assert payload["blocking_issue"]["number"] == 2
    validate_hook(hub.hooks.delivery("issue_dependencies", "blocking_added"))
    assert [each["number"] for each in validate(bot.get(url), "list[Issue]")] == [2]
    blocking = validate(bot.get(f"{REPO}/issues/2/dependencies/blocking"), "list[Issue]")
    assert [each["number"] for each in blocking] == [1]
    assert blocking[0]["issue_dependencies_summary"] == {
        "blocked_by": 1, "blocking": 0, "total_blocked_by": 1, "total_blocking": 0,
    }  # fmt: skip
    assert bot.post(url, json={"issue_id": blocker["id"]}).status_code == 422
    assert bot.post(url, json={"issue_id": blocked["id"]}).status_code == 422
    bot.patch(f"{REPO}/issues/2", json={"state": "closed"})
    summary = bot.get(f"{REPO}/issues/1").json()["issue_dependencies_summary"]
    assert (summary["blocked_by"], summary["total_blocked_by"]) == (0, 1)
    validate(bot.delete(f"{url}/{blocker['id']}"), "Issue")
    validate_hook(hub.hooks.delivery("issue_dependencies", "blocked_by_removed"))
    validate_hook(hub.hooks.delivery("issue_dependencies", "blocking_removed"))
    hub.settle()
    hub.hooks.clear()
    assert bot.delete(f"{url}/{blocker['id']}").status_code == 200, "taking away what is not there is fine"
    hub.settle()
    assert hub.hooks.deliveries == []
    assert bot.get(url).json() == []


def test_fifty_dependencies(hub, bot):
    make(bot)
    url = f"{REPO}/issues/1/dependencies/blocked_by"
    for _ in range(50):
        assert bot.post(url, json={"issue_id": make(bot)["id"]}).status_code == 201
    assert "more than 50 blocked-by relations" in bot.post(url, json={"issue_id": make(bot)["id"]}).json()["message"]


def test_relations_cross_repositories_that_one_may_see(hub, validate):
    hub.admin("/limits", {"enforced": False})
    alice = hub.client("alice")
    root, far = make(alice), make(alice, repo="/repos/alice/other")
    assert link(alice, root, far).status_code == 201
    assert [each["number"] for each in alice.get(f"{REPO}/issues/1/sub_issues").json()] == [1]
    assert hub.client("bob").get(f"{REPO}/issues/1/sub_issues").json() == [], "he cannot see the other repository"
    assert link(hub.client("bob"), root, make(alice, repo="/repos/alice/other")).status_code == 404


def test_what_dependencies_github_refuses(hub, bot):
    hub.hub.limits.change({"enforced": False})
    one, two, three = make(bot), make(bot), make(bot)

    def block(issue: dict[str, Any], by: dict[str, Any]) -> tuple[int, str]:
        answer = bot.post(f"{REPO}/issues/{issue['number']}/dependencies/blocked_by", json={"issue_id": by["id"]})
        return answer.status_code, answer.json().get("message", "")

    assert "cannot be the same as the source issue" in block(one, one)[1]
    assert block(one, two)[0] == 201
    assert "has already been taken" in block(one, two)[1]
    assert "would create a cycle where the target is already blocked by the source" in block(two, one)[1]
    assert block(two, three)[0] == 201
    assert block(three, one)[0] == 201, "GitHub takes a circle of three"


def test_a_pull_request_is_no_part_of_trees_and_dependencies(hub, bot):
    issue = make(bot)
    bot.post(
        f"{REPO}/git/refs",
        json={"ref": "refs/heads/topic", "sha": bot.get(f"{REPO}/git/ref/heads/main").json()["object"]["sha"]},
    )
    bot.put(f"{REPO}/contents/a.txt", json={"message": "a", "content": "YQ==", "branch": "topic"})
    assert bot.post(f"{REPO}/pulls", json={"title": "p", "head": "topic", "base": "main"}).status_code == 201
    pull = bot.get(f"{REPO}/issues/2").json()
    for parent, child, word in ((issue, pull, "Sub issue"), (pull, issue, "Parent")):
        refused = link(bot, parent, child)
        assert (refused.status_code, f"{word} may only be an issue" in refused.json()["message"]) == (422, True)
    for blocked, blocker, word in ((issue, pull, "Target"), (pull, issue, "Source")):
        url = f"{REPO}/issues/{blocked['number']}/dependencies/blocked_by"
        refused = bot.post(url, json={"issue_id": blocker["id"]})
        assert (refused.status_code, f"{word} issue may only be an issue" in refused.json()["message"]) == (422, True)
    assert bot.get(f"{REPO}/issues/2/dependencies/blocked_by").json() == []


def test_who_may_not_assign_is_passed_over_silently(hub, bot):
    make(bot)
    with hub.client("carol") as carol:
        answer = carol.post(f"{REPO}/issues/1/assignees", json={"assignees": ["bob"]})
        assert (answer.status_code, answer.json()["assignees"]) == (201, [])
        bot.post(f"{REPO}/issues/1/assignees", json={"assignees": ["bob"]})
        kept = carol.request("DELETE", f"{REPO}/issues/1/assignees", json={"assignees": ["bob"]})
        assert (kept.status_code, [each["login"] for each in kept.json()["assignees"]]) == (200, ["bob"])


def test_a_public_issue_tells_strangers_nothing_of_its_private_relations(hub, bot):
    """Relations may cross repositories; who may not see the other one sees no trace of it, by any way."""
    alice, public = hub.client("alice"), "/repos/alice/open"
    issue = make(alice, "in the open", public)
    parent, child, blocker, other = (
        make(alice, f"SECRET {kind}") for kind in ("parent", "child", "blocker", "mention")
    )
    path = f"{public}/issues/{issue['number']}"
    assert link(alice, parent, issue).status_code == 201
    assert alice.post(f"{path}/sub_issues", json={"sub_issue_id": child["id"]}).status_code == 201
    assert alice.post(f"{path}/dependencies/blocked_by", json={"issue_id": blocker["id"]}).status_code == 201
    alice.post(f"{REPO}/issues/{other['number']}/comments", json={"body": f"as alice/open#{issue['number']}"})
    events = alice.get(f"{path}/events").json()
    assert {each["event"] for each in events} >= {"parent_issue_added", "sub_issue_added", "blocked_by_added"}
    assert alice.get(f"{path}/parent").json()["title"] == "SECRET parent"
    shown = ("", "/parent", "/sub_issues", "/dependencies/blocked_by", "/timeline", "/events")
    query = """{ repository(owner: "alice", name: "open") { issue(number: 1) { parent { title } blockedBy(first: 5) { nodes { title } }
      subIssues(first: 5) { nodes { title } } timelineItems(first: 50) { nodes { __typename
        ... on CrossReferencedEvent { source { ... on Issue { title } } } ... on ParentIssueAddedEvent { parent { title } }
        ... on SubIssueAddedEvent { subIssue { title } } } } } } }"""
    assert alice.post(f"{hub.url}/graphql", json={"query": query}).text.count("SECRET") == 6
    for stranger in (hub.client("mallory"), hub.client(), hub.client("octo-owner")):
        for place in shown:
            text = stranger.get(f"{path}{place}").text
            assert "SECRET" not in text, place
            assert "alice/sample" not in text, place
        for each in events:
            assert "SECRET" not in stranger.get(f"{public}/issues/events/{each['id']}").text
        assert "SECRET" not in stranger.get(f"{public}/issues/events").text
        assert stranger.get(f"{path}/parent").status_code == 404
        assert "SECRET" not in stranger.post(f"{hub.url}/graphql", json={"query": query}).text
