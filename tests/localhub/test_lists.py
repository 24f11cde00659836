"""Lists of issues say the same as a look at every issue, whatever was done to them, and search finds the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

ROOT = "/repos/alice/sample"
PEOPLE = ("alice", "bob")
LABELS = ("one", "two", 'odd "name"', "ünïcode")


def act(client: Any, chance: random.Random, numbers: list[int]) -> None:
    number = chance.choice(numbers)
    path = f"{ROOT}/issues/{number}"
    match chance.randrange(7):
        case 0:
            client.patch(path, json={"state": chance.choice(["open", "closed"])})
        case 1:
            client.put(f"{path}/labels", json={"labels": chance.sample(LABELS, chance.randint(0, 3))})
        case 2:
            client.post(f"{path}/assignees", json={"assignees": [chance.choice(PEOPLE)]})
        case 3:
            client.request("DELETE", f"{path}/assignees", json={"assignees": [chance.choice(PEOPLE)]})
        case 4:
            client.post(f"{path}/comments", json={"body": "a word"})
        case 5:
            client.patch(path, json={"milestone": chance.choice([1, None])})
        case _:
            client.delete(f"{path}/labels/{chance.choice(LABELS)}")


def asked(query: dict[str, str]) -> Callable[[Any], bool]:
    """Whether an issue belongs in the list of this query."""

    def fits(issue: Any) -> bool:
        names = {label["name"] for label in issue["labels"]}
        people = {person["login"] for person in issue["assignees"]}
        assignee, milestone = query.get("assignee"), query.get("milestone")
        return all((
            query["state"] in ("all", issue["state"]),
            set(filter(None, query.get("labels", "").split(","))) <= names,
            assignee is None or (assignee == "none" and not people) or (assignee == "*" and people) or assignee in people,
            milestone is None or (milestone == "none") == (issue["milestone"] is None),
            query.get("creator", issue["user"]["login"]) == issue["user"]["login"],
        ))  # fmt: skip

    return fits


def test_lists_are_what_a_look_at_every_issue_finds(hub: Any) -> None:
    chance = random.Random(7)
    hub.admin("/limits", {"enforced": False, "search_lag_seconds": 0})
    alice, bob = hub.client("alice"), hub.client("bob")
    alice.post(f"{ROOT}/milestones", json={"title": "m"})
    numbers = [
        client.post(f"{ROOT}/issues", json={"title": f"number {i}", "labels": [LABELS[i % 4]]}).json()["number"]
        for i, client in enumerate([alice, bob] * 4)
    ]
    for _ in range(60):
        act(alice, chance, numbers)
    gone = alice.get(f"{ROOT}/issues/{numbers.pop()}").json()["node_id"]
    mutation = f'mutation {{deleteIssue(input: {{issueId: "{gone}"}}) {{clientMutationId}}}}'
    assert "errors" not in alice.post("/graphql", json={"query": mutation}).json()
    issues = [alice.get(f"{ROOT}/issues/{number}").json() for number in numbers]
    filters: list[dict[str, str]] = [
        {}, {"labels": "one"}, {"labels": "one,two"}, {"labels": LABELS[3]}, {"assignee": "none"}, {"assignee": "*"},
        {"assignee": "bob"}, {"milestone": "1"}, {"milestone": "none"}, {"creator": "bob"},
        {"assignee": "bob", "labels": "two", "creator": "alice"}, {"since": "2000-01-01T00:00:00Z", "labels": "one"},
    ]  # fmt: skip
    for state in ("open", "closed", "all"):
        for wanted in filters:
            query = {"state": state, **wanted}
            for sort, key in (("created", "number"), ("comments", "comments")):
                found = alice.get(f"{ROOT}/issues", params={**query, "sort": sort}).json()
                expected = sorted(
                    filter(asked(query), issues), key=lambda each: (each[key], each["number"]), reverse=True
                )
                assert [each["number"] for each in found] == [each["number"] for each in expected], (query, sort)
            page = alice.get(f"{ROOT}/issues", params={**query, "per_page": "1", "page": "1"})
            count = len(list(filter(asked(query), issues)))
            assert ("page=%d" % count in page.headers.get("link", "")) == (count > 1), query  # noqa: UP031
    for label in LABELS:
        quoted = label.replace('"', "")
        if quoted != label:
            continue
        found = alice.get("/search/issues", params={"q": f'repo:alice/sample label:"{label}" is:open number'}).json()
        expected = {each["number"] for each in issues if asked({"state": "open", "labels": label})(each)}
        assert {each["number"] for each in found["items"]} == expected, label
        assert found["total_count"] == len(expected)


def test_by_who_is_mentioned_and_by_type(hub: Any) -> None:
    owner, tools = hub.client("octo-owner"), "/repos/acme/tools"
    for title, body, kind in (("plain", "", None), ("for bob", "@bob", "Bug"), ("task", "not `@bob`", "Task")):
        assert owner.post(f"{tools}/issues", json={"title": title, "body": body, "type": kind}).status_code == 201
    owner.post(f"{tools}/issues/1/comments", json={"body": "and @bob"})

    def found(**query: str) -> list[str]:
        answer = owner.get(f"{tools}/issues", params=query)
        assert answer.status_code == 200, answer.text
        return [each["title"] for each in answer.json()]

    assert found(mentioned="bob") == ["for bob", "plain"]
    assert found(mentioned="BOB", sort="created", direction="asc", per_page="1", page="2") == ["for bob"]
    assert found(mentioned="nobody") == found(mentioned="mallory") == []
    assert found(type="Bug") == found(type="bug") == ["for bob"]
    assert found(type="none") == ["plain"]
    assert found(type="*") == ["task", "for bob"]
    assert found(type="Nope") == []
    assert found(type="*", mentioned="bob") == ["for bob"]


def titles(client: Any, **query: Any) -> list[str]:
    """Of all pages of a person's own list, two a page: full ones but for the last."""
    found: list[str] = []
    whole = client.get("/issues", params={"per_page": 100, **query}).json()
    for page in range(1, len(whole) // 2 + 2):
        answer = client.get("/issues", params={"per_page": 2, "page": page, **query})
        found += [each["title"] for each in answer.json()]
        assert len(found) == min(2 * page, len(whole))
        assert ('rel="next"' in answer.headers.get("Link", "")) == (len(found) < len(whole))
    return found


def test_a_persons_own_list_has_full_pages_of_what_they_may_see(hub: Any) -> None:
    """What they can no longer see takes no place on a page; each `filter` is what GitHub says of it."""
    hub.admin("/limits", {"enforced": False})
    alice, bob, owner = hub.client("alice"), hub.client("bob"), hub.client("octo-owner")
    for number in range(5):
        bob.post(f"{ROOT}/issues", json={"title": f"sample {number}"})
        bob.post("/repos/acme/tools/issues", json={"title": f"tools {number}"})
    owner.patch("/repos/acme/tools/issues/1", json={"assignees": ["bob"]})
    alice.patch(f"{ROOT}/issues/2", json={"assignees": ["bob"]})
    alice.post(f"{ROOT}/issues", json={"title": "for bob", "body": "@bob, look"})
    alice.post(f"{ROOT}/issues", json={"title": "of alice"})
    owner.post("/repos/acme/tools/issues", json={"title": "of the owner"})
    mixed = [f"{name} {number}" for number in range(4, -1, -1) for name in ("tools", "sample")]
    assert titles(bob, filter="created") == mixed
    assert titles(bob) == titles(bob, filter="assigned") == ["sample 1", "tools 0"]
    assert titles(bob, filter="mentioned") == ["for bob"]
    assert sorted(titles(bob, filter="subscribed")) == sorted([*mixed, "for bob"])
    assert titles(bob, filter="all") == titles(bob, filter="repos") == ["of the owner", "of alice", "for bob", *mixed]
    for sort in ("updated", "comments", "created"):
        for filter in ("all", "mentioned", "subscribed", "created", "assigned"):
            older = titles(bob, filter=filter, sort=sort, direction="asc", state="all")
            assert older == titles(bob, filter=filter, sort=sort, state="all")[::-1], (sort, filter)
    assert titles(hub.client("mallory"), filter="all") == []
    assert titles(alice, filter="all", state="closed") == []
    assert titles(bob, filter="all", labels="none such") == []
    assert alice.delete(f"{ROOT}/collaborators/bob").status_code == 204
    tools = [f"tools {number}" for number in range(4, -1, -1)]
    assert titles(bob, filter="created") == tools
    assert titles(bob) == ["tools 0"]
    assert titles(bob, filter="mentioned") == []
    assert titles(bob, filter="subscribed") == tools
    assert titles(bob, filter="all") == ["of the owner", *tools]
