"""The timeline: events, comments, reviews, commits and mentions in one order, over REST and GraphQL."""

from __future__ import annotations

import base64
from typing import Any

import httpx

from tests.localhub.graph import data
from tests.localhub.repository import SAMPLE, branch


def put(client: httpx.Client, branch: str, path: str, message: str) -> str:
    body = {"message": message, "content": base64.b64encode(message.encode()).decode(), "branch": branch}
    done = client.put(f"{SAMPLE}/contents/{path}", json=body)
    assert done.is_success, done.text
    return str(done.json()["commit"]["sha"])


def kinds(client: httpx.Client, number: int) -> list[str]:
    return [one["event"] for one in client.get(f"{SAMPLE}/issues/{number}/timeline").json()]


def test_a_pull_requests_timeline_has_commits_reviews_and_the_end(hub: Any, validate: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        wanted = alice.post(f"{SAMPLE}/issues", json={"title": "Wanted"}).json()
        branch(alice, "topic")
        sha = put(alice, "topic", "a.txt", f"Work on #{wanted['number']}")
        hub.admin("/clock", {"advance": 60})
        made = {"title": "Topic", "head": "topic", "base": "main", "body": f"Closes #{wanted['number']}"}
        pull = alice.post(f"{SAMPLE}/pulls", json=made).json()
        place = {"path": "a.txt", "line": 1, "side": "RIGHT", "body": "Why?", "commit_id": sha}
        bob.post(f"{SAMPLE}/pulls/{pull['number']}/comments", json=place)
        bob.post(f"{SAMPLE}/pulls/{pull['number']}/reviews", json={"event": "APPROVE", "body": "Fine"})
        hub.admin("/clock", {"advance": 60})
        hub.settle()
        assert alice.put(f"{SAMPLE}/pulls/{pull['number']}/merge").status_code == 200
        items = alice.get(f"{SAMPLE}/issues/{pull['number']}/timeline").json()
        assert [one["event"] for one in items] == [
            "committed",
            "reviewed",
            "reviewed",
            "merged",
            "closed",
            "referenced",
        ]
        validate(items[0], "TimelineCommittedEvent")
        reviews = [validate(one, "TimelineReviewedEvent") for one in items[1:3]]
        assert [(one["state"], one["user"]["login"]) for one in reviews] == [("commented", "bob"), ("approved", "bob")]
        events = validate(alice.get(f"{SAMPLE}/issues/{pull['number']}/events"), "list[IssueEvent]")
        assert [one["event"] for one in events] == ["merged", "closed", "referenced"]
        assert kinds(alice, wanted["number"]) == ["referenced", "cross-referenced", "closed"]
        referenced, crossed, _ = alice.get(f"{SAMPLE}/issues/{wanted['number']}/timeline").json()
        assert referenced["commit_id"] == sha
        validate(crossed, "TimelineCrossReferencedEvent")
        assert (crossed["source"]["issue"]["number"], crossed["actor"]["login"]) == (pull["number"], "alice")
        assert len(alice.get(f"{SAMPLE}/pulls/{pull['number']}/commits").json()) == 1
        page = alice.get(f"{SAMPLE}/issues/{pull['number']}/timeline", params={"per_page": 2, "page": 2})
        assert [one["event"] for one in page.json()] == ["reviewed", "merged"]
        assert 'rel="last"' in page.headers["Link"]


def test_mentions_count_once_and_only_in_sight(hub: Any) -> None:
    with hub.client("alice") as alice, hub.client("carol") as carol, hub.client("mallory") as mallory:
        one, two = (alice.post(f"{SAMPLE}/issues", json={"title": t}).json()["number"] for t in ("One", "Two"))
        for text in (f"`#{one}`", f"<!-- #{one} -->", f"a#{one}", f"&#{one};", f"see #{one}", f"and #{one}"):
            alice.post(f"{SAMPLE}/issues/{two}/comments", json={"body": text})
        assert kinds(alice, one) == ["cross-referenced"]
        assert alice.get(f"{SAMPLE}/issues/{one}/events").json() == []
        private = alice.post("/repos/alice/other/issues", json={"title": "Hidden", "body": f"alice/sample#{two}"})
        assert private.status_code == 201
        assert kinds(alice, two).count("cross-referenced") == 1
        assert kinds(carol, two).count("cross-referenced") == 0
        mallory.post(
            "/repos/alice/open/issues", json={"title": "Guess", "body": f"{hub.url}/alice/sample/issues/{two}"}
        )
        assert kinds(alice, two).count("cross-referenced") == 1


def test_merged_by_a_push_it_still_has_its_commits_and_files(hub: Any) -> None:
    with hub.client("alice") as alice:
        branch(alice, "topic")
        put(alice, "topic", "a.txt", "One")
        sha = put(alice, "topic", "b.txt", "Two")
        made = alice.post(f"{SAMPLE}/pulls", json={"title": "Topic", "head": "topic", "base": "main"}).json()
        assert alice.patch(f"{SAMPLE}/git/refs/heads/main", json={"sha": sha}).status_code == 200
        url = f"{SAMPLE}/pulls/{made['number']}"
        assert alice.get(url).json()["merged"] is True
        assert [one["commit"]["message"] for one in alice.get(f"{url}/commits").json()] == ["One", "Two"]
        assert [one["filename"] for one in alice.get(f"{url}/files").json()] == ["a.txt", "b.txt"]


ITEMS = """query($id: ID!, $kinds: [IssueTimelineItemsItemType!]) { node(id: $id) { ... on Issue {
  timelineItems(first: 50, itemTypes: $kinds) { totalCount filteredCount pageCount updatedAt nodes { __typename
    ... on ClosedEvent { actor { login } stateReason closable { closed } closer { ... on PullRequest { number } } }
    ... on LabeledEvent { label { name } labelable { __typename } } ... on RenamedTitleEvent { previousTitle currentTitle }
    ... on AssignedEvent { assignee { ... on User { login } } } ... on IssueComment { body }
    ... on CrossReferencedEvent { willCloseTarget isCrossRepository source { ... on PullRequest { number } } }
    ... on SubIssueAddedEvent { subIssue { number } } ... on MilestonedEvent { milestoneTitle }
    ... on LockedEvent { lockReason } ... on ReferencedEvent { commit { oid } } } } } } }"""


def test_an_issues_timeline_over_graphql(hub: Any) -> None:
    with hub.client("alice") as alice:
        issue = alice.post(f"{SAMPLE}/issues", json={"title": "One"}).json()
        child = alice.post(f"{SAMPLE}/issues", json={"title": "Child"}).json()
        url = f"{SAMPLE}/issues/{issue['number']}"
        alice.post(f"{SAMPLE}/milestones", json={"title": "Soon"})
        alice.patch(url, json={"title": "Two", "labels": ["bug"], "assignees": ["bob"], "milestone": 1})
        alice.post(f"{url}/comments", json={"body": "Hello"})
        alice.post(f"{url}/sub_issues", json={"sub_issue_id": child["id"]})
        alice.put(f"{url}/lock", json={"lock_reason": "too heated"})
        branch(alice, "topic")
        sha = put(alice, "topic", "a.txt", f"Work on #{issue['number']}")
        body = {"title": "Topic", "head": "topic", "base": "main", "body": f"Fixes #{issue['number']}"}
        pull = alice.post(f"{SAMPLE}/pulls", json=body).json()
        hub.settle()
        alice.put(f"{SAMPLE}/pulls/{pull['number']}/merge")
        found = data(alice, ITEMS, id=issue["node_id"])["node"]["timelineItems"]
        nodes = {one.pop("__typename"): one for one in found["nodes"]}
        assert found["totalCount"] == found["filteredCount"] == found["pageCount"] == len(nodes) == 10
        assert nodes["RenamedTitleEvent"] == {"previousTitle": "One", "currentTitle": "Two"}
        assert nodes["LabeledEvent"] == {"label": {"name": "bug"}, "labelable": {"__typename": "Issue"}}
        assert nodes["AssignedEvent"] == {"assignee": {"login": "bob"}}
        assert nodes["MilestonedEvent"] == {"milestoneTitle": "Soon"}
        assert nodes["IssueComment"] == {"body": "Hello"}
        assert nodes["SubIssueAddedEvent"] == {"subIssue": {"number": child["number"]}}
        assert nodes["LockedEvent"] == {"lockReason": "TOO_HEATED"}
        assert nodes["ReferencedEvent"] == {"commit": {"oid": sha}}
        assert nodes["CrossReferencedEvent"] == {
            "willCloseTarget": True, "isCrossRepository": False, "source": {"number": pull["number"]},
        }  # fmt: skip
        assert nodes["ClosedEvent"] == {
            "actor": {"login": "alice"}, "stateReason": "COMPLETED", "closable": {"closed": True},
            "closer": {"number": pull["number"]},
        }  # fmt: skip
        only = data(alice, ITEMS, id=issue["node_id"], kinds=["CLOSED_EVENT", "ISSUE_COMMENT"])["node"]["timelineItems"]
        assert [one["__typename"] for one in only["nodes"]] == ["IssueComment", "ClosedEvent"]


PULL_ITEMS = """query($id: ID!) { node(id: $id) { ... on PullRequest { timelineItems(first: 50) { nodes { __typename
  ... on PullRequestCommit { commit { oid } } ... on PullRequestReview { state }
  ... on BaseRefChangedEvent { previousRefName currentRefName } ... on MergedEvent { mergeRefName merged: commit { oid } }
  ... on HeadRefForcePushedEvent { beforeCommit { oid } afterCommit { oid } }
  ... on ReviewRequestedEvent { requestedReviewer { ... on User { login } } }
  ... on ReviewDismissedEvent { dismissalMessage previousReviewState review { state } } } } } } }"""


def test_a_pull_requests_timeline_over_graphql(hub: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        branch(alice, "topic")
        branch(alice, "release")
        first = put(alice, "topic", "a.txt", "One")
        pull = alice.post(f"{SAMPLE}/pulls", json={"title": "Topic", "head": "topic", "base": "release"}).json()
        url = f"{SAMPLE}/pulls/{pull['number']}"
        alice.post(f"{url}/requested_reviewers", json={"reviewers": ["bob"]})
        review = bob.post(f"{url}/reviews", json={"event": "APPROVE"}).json()
        alice.put(f"{url}/reviews/{review['id']}/dismissals", json={"message": "Too soon"})
        alice.patch(url, json={"base": "main"})
        main = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        tree = alice.get(f"{SAMPLE}/git/commits/{first}").json()["tree"]["sha"]
        made = alice.post(f"{SAMPLE}/git/commits", json={"message": "Anew", "tree": tree, "parents": [main]}).json()[
            "sha"
        ]
        assert alice.patch(f"{SAMPLE}/git/refs/heads/topic", json={"sha": made, "force": True}).is_success
        hub.settle()
        assert alice.put(f"{url}/merge").is_success
        nodes = data(alice, PULL_ITEMS, id=pull["node_id"])["node"]["timelineItems"]["nodes"]
        by = {one.pop("__typename"): one for one in nodes}
        assert by["PullRequestCommit"] == {"commit": {"oid": made}}
        assert by["ReviewRequestedEvent"] == {"requestedReviewer": {"login": "bob"}}
        assert by["PullRequestReview"] == {"state": "DISMISSED"}
        assert by["ReviewDismissedEvent"] == {
            "dismissalMessage": "Too soon", "previousReviewState": "APPROVED", "review": {"state": "DISMISSED"},
        }  # fmt: skip
        assert by["BaseRefChangedEvent"] == {"previousRefName": "release", "currentRefName": "main"}
        assert by["HeadRefForcePushedEvent"] == {"beforeCommit": {"oid": first}, "afterCommit": {"oid": made}}
        assert by["MergedEvent"]["mergeRefName"] == "main"
