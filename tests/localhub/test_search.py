"""Search in GitHub's query language, over REST and GraphQL."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

SAMPLE = "/repos/alice/sample"
Found = Callable[..., list[int]]


@pytest.fixture
def found(hub: Any) -> Found:
    """Five issues and two pull requests; a function that searches them as alice."""
    hub.admin("/limits", {"search": 1000, "search_lag_seconds": 0})
    hub.admin("/clock", {"freeze": True})
    alice, bob, carol = (hub.client(login) for login in ("alice", "bob", "carol"))

    def new(who: httpx.Client, title: str, **more: Any) -> int:
        made = who.post(f"{SAMPLE}/issues", json={"title": title, **more})
        assert made.status_code == 201, made.text
        return int(made.json()["id"])

    alice.post(f"{SAMPLE}/milestones", json={"title": "Version One"})
    one = new(alice, "Fix the parser", body="It crashes", labels=["bug", "good first issue"], assignees=["bob"])
    two = new(bob, "Crash on start", body="hey @carol", labels=["bug"])
    new(carol, "Documentation of the parser", body="Words", milestone=1)
    alice.patch(f"{SAMPLE}/issues/3", json={"milestone": 1})
    new(alice, "Old", body="Done")
    alice.patch(f"{SAMPLE}/issues/4", json={"state": "closed", "state_reason": "not_planned"})
    alice.post(f"{SAMPLE}/issues/1/sub_issues", json={"sub_issue_id": two})
    alice.post(f"{SAMPLE}/issues/2/dependencies/blocked_by", json={"issue_id": one})
    carol.post(f"{SAMPLE}/issues/2/comments", json={"body": "A rare zebra"})
    alice.put(f"{SAMPLE}/issues/4/lock")
    sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
    for branch, more in (("topic", {"body": "Closes #1"}), ("draft", {"draft": True})):
        alice.post(f"{SAMPLE}/git/refs", json={"ref": f"refs/heads/{branch}", "sha": sha})
        content = base64.b64encode(branch.encode()).decode()
        alice.put(f"{SAMPLE}/contents/{branch}.txt", json={"message": "m", "content": content, "branch": branch})
        alice.post(f"{SAMPLE}/pulls", json={"title": f"Bring {branch}", "head": branch, "base": "main", **more})
    bob.post(f"{SAMPLE}/pulls/5/reviews", json={"event": "APPROVE"})
    alice.post(f"{SAMPLE}/pulls/6/requested_reviewers", json={"reviewers": ["bob"]})
    hub.admin("/clock", {"advance": 86400 * 3})
    new(alice, "Fresh", body="today")

    def search(q: str, **more: Any) -> list[int]:
        answer = alice.get("/search/issues", params={"q": q, **more})
        assert answer.status_code == 200, answer.text
        data = answer.json()
        assert data["total_count"] == len(data["items"])
        assert data["incomplete_results"] is False
        return sorted(one["number"] for one in data["items"])

    return search


def test_qualifiers(hub: Any, found: Found) -> None:
    day = hub.hub.now()[:10]
    issues, pulls, everything = [1, 2, 3, 4, 7], [5, 6], [1, 2, 3, 4, 5, 6, 7]
    for query, wanted in {
        "is:issue": issues, "type:pr": pulls, "is:pull-request": pulls, "state:closed": [4], "is:open is:issue": [1, 2, 3, 7],
        "parser": [1, 3], "crash": [1, 2], "crash in:title": [2], "crashes in:body": [1], "zebra": [2],
        "zebra in:comments": [2], "zebra in:title,body": [], '"the parser"': [1, 3], '-"the parser" is:issue': [2, 4, 7],
        "label:bug": [1, 2], 'label:bug label:"good first issue"': [1], 'label:"good first issue",bug': [1, 2],
        "-label:bug is:issue": [3, 4, 7], "no:label is:issue": [3, 4, 7], "author:carol": [3], "author:@me is:pr": pulls,
        "-author:alice": [2, 3], "assignee:bob": [1], "no:assignee is:issue": [2, 3, 4, 7], "assignee:*": [1],
        "mentions:carol": [2], "commenter:carol": [2], "involves:carol": [2, 3], 'milestone:"version one"': [3],
        "no:milestone is:issue": [1, 2, 4, 7], "has:milestone": [3], 'reason:"not planned"': [4], "reason:completed": [],
        "is:locked": [4], "is:unlocked is:closed": [], "is:draft": [6], "draft:false": [5], "is:merged": [],
        "is:unmerged": pulls, "head:topic": [5], "base:main": pulls, "review:approved": [5], "review:none": [6],
        "reviewed-by:bob": [5], "review-requested:bob": [6], "linked:pr": [1], "-linked:pr is:issue": [2, 3, 4, 7],
        "linked:issue": [5], "parent-issue:alice/sample#1": [2], "has:sub-issue": [1], "has:parent-issue": [2],
        "no:parent-issue is:issue": [1, 3, 4, 7], "is:blocked": [2], "is:blocking": [1], "comments:1": [2],
        "comments:>0": [2], "comments:0 is:issue": [1, 3, 4, 7], f"created:{day}": [7], f"created:<{day}": [1, 2, 3, 4, 5, 6],
        f"created:>={day}": [7], f"created:*..{day}": everything, "created:>2999-01-01": [], f"closed:<{day}": [4],
        "repo:alice/sample": everything, "user:alice": everything, "org:acme": [], "repo:alice/sample repo:alice/other": everything,
        "-repo:alice/sample": [], "archived:false": everything, "is:private": everything, "is:public": [],
        "zebra OR today": [2, 7], "is:issue AND parser": [1, 3], "NOT crash is:issue": [3, 4, 7],
        "(label:bug OR is:closed) author:alice": [1, 4], "is:pr -is:draft": [5], "Fresh sort:created-asc": [7],
        "http://nowhere": [], "unknown:thing": [],
    }.items():  # fmt: skip
        assert found(query) == wanted, query


def test_orders_and_pages(hub: Any, found: Found) -> None:
    alice = hub.client("alice")

    def order(q: str, **more: Any) -> list[int]:
        return [one["number"] for one in alice.get("/search/issues", params={"q": q, **more}).json()["items"]]

    assert order("is:issue is:open") == [7, 3, 2, 1]
    assert (
        order("is:issue is:open", sort="created", order="asc")
        == order("is:issue is:open sort:created-asc")
        == [1, 2, 3, 7]
    )
    assert order("is:issue", sort="comments")[0] == 2
    page = alice.get("/search/issues", params={"q": "is:issue", "per_page": 2, "page": 2})
    assert [one["number"] for one in page.json()["items"]] == [3, 2]
    assert 'rel="last"' in page.headers["Link"]
    beyond = alice.get("/search/issues", params={"q": "is:issue", "per_page": 100, "page": 11})
    assert (beyond.status_code, beyond.json()["message"]) == (422, "Only the first 1000 search results are available")


def test_queries_that_github_refuses(hub: Any, found: Found) -> None:
    hidden = "The listed users and repositories cannot be searched either because the resources do not exist or you do not have permission to view them."
    for query, words in {
        "repo:alice/nowhere": hidden, "user:nobody": hidden,
        "author:nobody": "The listed users cannot be searched either because the users do not exist or you do not have permission to view the users.",
        "created:yesterday": "'yesterday' is not a recognized date/time format. Please provide an ISO 8601 date/time value, such as YYYY-MM-DD.",
        "x" * 257: "The search is longer than 256 characters.",
        " OR ".join("abcdefg"): "More than five AND / OR / NOT operators were used.",
    }.items():  # fmt: skip
        answer = hub.client("alice").get("/search/issues", params={"q": query})
        (wrong,) = answer.json()["errors"]
        assert (answer.status_code, answer.json()["message"]) == (422, "Validation Failed")
        assert wrong == {"message": words, "resource": "Search", "field": "q", "code": "invalid"}
    assert hub.client("mallory").get("/search/issues", params={"q": "repo:alice/sample"}).status_code == 422
    assert hub.client("mallory").get("/search/issues", params={"q": "parser"}).json()["items"] == []


def test_an_app_finds_what_it_may_read(hub: Any, found: Found) -> None:
    for permissions, wanted in (
        ({"issues": "read"}, [1, 2, 3, 4, 7]), ({"pull_requests": "read"}, [5, 6]), ({"metadata": "read"}, []),
    ):  # fmt: skip
        answer = hub.bot(permissions).get("/search/issues", params={"q": "repo:alice/sample"}).json()
        assert sorted(one["number"] for one in answer["items"]) == wanted
