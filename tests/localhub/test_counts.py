"""The counts that lists and searches tell are kept by the database: here they are held against the lists themselves."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from localhub.hub import Hub
from localhub.server import Server

ROOT = "/repos/alice/sample"
SCHEMA = Path(__file__).parents[2] / "localhub/schema"
LABELS = ("one", "two", "three")
FILTERS: list[dict[str, str]] = [
    {}, {"labels": "one"}, {"labels": "two"}, {"labels": "one,two"}, {"labels": "nothing"}, {"assignee": "none"},
    {"assignee": "*"}, {"assignee": "bob"}, {"creator": "alice"}, {"creator": "bob"}, {"milestone": "none"},
    {"milestone": "*"}, {"milestone": "1"}, {"milestone": "2"}, {"labels": "one", "creator": "bob"},
    {"since": "2000-01-01T00:00:00Z"}, {"assignee": "bob", "milestone": "none"},
]  # fmt: skip
ORDERS = [("updated", "desc", "updated_at"), ("comments", "asc", "comments"), ("created", "asc", "number")]


def last(client: Any, path: str, **query: str) -> int:
    """How many items a list says it has: with one a page, the number of the last page."""
    answer = client.get(path, params={**query, "per_page": "1"})
    assert answer.status_code == 200, answer.text
    if "last" not in answer.links:
        return len(answer.json())
    return int(parse_qs(urlsplit(answer.links["last"]["url"]).query)["page"][0])


def everything(client: Any, path: str, **query: str) -> list[Any]:
    items: list[Any] = []
    answer = client.get(path, params={**query, "per_page": "9"})
    while True:
        items += answer.json()
        if "next" not in answer.links:
            return items
        answer = client.get(answer.links["next"]["url"])


def agrees(client: Any) -> None:
    """Every count is that of the list; every order has the same items."""
    for filters in FILTERS:
        found = {}
        for state in ("open", "closed", "all"):
            query = {**filters, "state": state}
            items = everything(client, f"{ROOT}/issues", **query)
            assert last(client, f"{ROOT}/issues", **query) == len(items), query
            found[state] = {each["number"] for each in items}
            for sort, direction, key in ORDERS:
                order = {"sort": sort, "direction": direction}
                other = client.get(f"{ROOT}/issues", params={**query, **order, "per_page": "100"}).json()
                keys = [(each[key], each["number"]) for each in other]
                assert keys == sorted(keys, reverse=direction == "desc"), (query, order)
                assert {each["number"] for each in other} == found[state], (query, order)
        assert found["all"] == found["open"] | found["closed"]
    for path in (f"{ROOT}/issues/comments", f"{ROOT}/issues/events"):
        assert last(client, path) == len(everything(client, path)), path
    for milestone in everything(client, f"{ROOT}/milestones", state="all"):
        own = {"milestone": str(milestone["number"])}
        assert milestone["open_issues"] == len(everything(client, f"{ROOT}/issues", **own))
        assert milestone["closed_issues"] == len(everything(client, f"{ROOT}/issues", state="closed", **own))
    shown = client.post("/graphql", json={"query": """{ repository(owner: "alice", name: "sample") {
        all: issues { totalCount } open: issues(states: OPEN) { totalCount } closed: issues(states: [CLOSED, CLOSED]) { totalCount }
        one: issues(labels: "one") { totalCount } } }"""}).json()["data"]["repository"]  # fmt: skip
    for name, query in (("all", {"state": "all"}), ("open", {}), ("closed", {"state": "closed"})):
        issues = [each for each in everything(client, f"{ROOT}/issues", **query) if "pull_request" not in each]
        assert shown[name]["totalCount"] == len(issues), name


def searches_agree(client: Any) -> None:
    issues = everything(client, f"{ROOT}/issues", state="all")
    for words, fits in {
        "": lambda each: True,
        "is:open": lambda each: each["state"] == "open",
        "is:issue is:closed": lambda each: each["state"] == "closed" and "pull_request" not in each,
        "is:pr": lambda each: "pull_request" in each,
        "is:open is:closed": lambda each: False,
        "label:ONE": lambda each: "one" in {label["name"] for label in each["labels"]},
        "author:bob state:open": lambda each: each["user"]["login"] == "bob" and each["state"] == "open",
        "label:one label:two": lambda each: {"one", "two"} <= {label["name"] for label in each["labels"]},
        "-label:one": lambda each: "one" not in {label["name"] for label in each["labels"]},
        "thing is:open": lambda each: each["state"] == "open" and "thing" in each["title"],
    }.items():
        for sort in ("", "updated"):
            query = {"q": f"repo:alice/sample {words}", "per_page": "100", "sort": sort}
            found = client.get("/search/issues", params=query).json()
            expected = {each["number"] for each in issues if fits(each)}
            assert {each["number"] for each in found["items"]} == expected, words
            assert found["total_count"] == len(expected), words


def act(alice: Any, bob: Any, chance: random.Random, numbers: list[int]) -> None:
    path = f"{ROOT}/issues/{chance.choice(numbers)}"
    match chance.randrange(8):
        case 0:
            alice.patch(path, json={"state": chance.choice(["open", "closed"])})
        case 1:
            alice.put(f"{path}/labels", json={"labels": chance.sample(LABELS, chance.randint(0, 3))})
        case 2:
            alice.patch(path, json={"assignees": chance.sample(["alice", "bob"], chance.randint(0, 2))})
        case 3:
            alice.patch(path, json={"milestone": chance.choice([1, 2, None])})
        case 4:
            bob.post(f"{path}/comments", json={"body": "said"})
        case 5:
            for comment in alice.get(f"{path}/comments").json()[:1]:
                assert alice.delete(f"{ROOT}/issues/comments/{comment['id']}").status_code == 204
        case 6:
            client = chance.choice([alice, bob])
            made = client.post(f"{ROOT}/issues", json={"title": "another thing", "labels": chance.sample(LABELS, 1)})
            numbers.append(made.json()["number"])
        case _:
            if len(numbers) > 4:
                number = numbers.pop(chance.randrange(len(numbers)))
                node = alice.get(f"{ROOT}/issues/{number}").json()["node_id"]
                mutation = f'mutation {{deleteIssue(input: {{issueId: "{node}"}}) {{clientMutationId}}}}'
                assert "errors" not in alice.post("/graphql", json={"query": mutation}).json()


def test_counts_are_those_of_the_lists_whatever_was_done(hub: Any) -> None:
    chance = random.Random(2)
    hub.admin("/limits", {"enforced": False, "search_lag_seconds": 0})
    alice, bob = hub.client("alice"), hub.client("bob")
    for title in ("first", "second"):
        alice.post(f"{ROOT}/milestones", json={"title": title})
    numbers: list[int] = []
    for number in range(8):
        made = (alice, bob)[number % 2].post(f"{ROOT}/issues", json={"title": f"thing {number}", "labels": ["one"]})
        numbers.append(made.json()["number"])
    head = alice.get(f"{ROOT}/git/ref/heads/main").json()["object"]["sha"]
    alice.post(f"{ROOT}/git/refs", json={"ref": "refs/heads/work", "sha": head})
    alice.put(f"{ROOT}/contents/new.txt", json={"message": "m", "content": "eA==", "branch": "work"})
    pull = alice.post(f"{ROOT}/pulls", json={"title": "thing to pull", "head": "work", "base": "main"}).json()["number"]
    searches_agree(alice)
    for _ in range(70):
        act(alice, bob, chance, numbers)
    alice.put(f"{ROOT}/issues/{pull}/labels", json={"labels": ["one", "two"]})
    agrees(alice)
    searches_agree(alice)
    assert alice.delete(f"{ROOT}/labels/two").status_code == 204
    assert alice.delete(f"{ROOT}/milestones/2").status_code == 204
    alice.patch(f"{ROOT}/pulls/{pull}", json={"state": "closed"})
    agrees(alice)
    hub.admin("/transfer", {"repository": "alice/sample", "new_owner": "bob"})
    assert last(bob, "/repos/bob/sample/issues", state="all") == len(numbers) + 1
    assert bob.delete("/repos/bob/sample").status_code == 204
    assert bob.get("/search/issues", params={"q": "is:open thing"}).json()["total_count"] == 0
    assert bob.get("/issues", params={"filter": "created", "state": "all"}).json() == []


@pytest.mark.slow
def test_what_is_not_counted_to_its_end(hub: Any) -> None:
    """1,001 issues of two labels; one filter alone is counted however many there are, and so are events."""
    hub.admin("/limits", {"enforced": False, "search_lag_seconds": 0})
    alice, bob = hub.client("alice"), hub.client("bob")
    assert bob.put(f"{ROOT}/subscription", json={}).status_code == 200
    for number in range(1001):
        title = f"common{' sparse' * (number % 7 == 0)}{' early' * (number < 40)}{' rare' * (number % 300 == 0)}"
        made = alice.post(f"{ROOT}/issues", json={"title": title, "labels": ["one", "two"]})
        assert made.status_code == 201
    assert last(alice, f"{ROOT}/issues") == last(alice, f"{ROOT}/issues", labels="one") == 1001
    both = {"labels": "one,two", "per_page": "100"}
    assert set(alice.get(f"{ROOT}/issues", params=both).links) == {"next"}, "there is a next page, but no last one"
    assert set(alice.get(f"{ROOT}/issues", params={**both, "page": "3"}).links) == {"prev", "next", "first"}
    answer = alice.get(f"{ROOT}/issues", params={**both, "page": "11"})
    assert ([each["number"] for each in answer.json()], set(answer.links)) == ([1], {"prev", "first"})
    answer = alice.get(f"{ROOT}/issues", params={**both, "page": "19"})
    assert (answer.json(), answer.links["last"]["url"][-7:]) == ([], "page=11")
    numbers = [each["number"] for each in everything(alice, f"{ROOT}/issues", labels="one,two", direction="asc")]
    assert numbers == list(range(1, 1002))
    for _ in range(2):  # the second time, most of them were counted before
        assert last(alice, f"{ROOT}/issues/events") == 2002
    assert len(alice.get(f"{ROOT}/issues/events", params={"per_page": "100", "page": "21"}).json()) == 2
    for box, of in ((f"{ROOT}/notifications", {}), ("/notifications", {"all": "true"})):
        query = {**of, "per_page": "50"}
        assert set(bob.get(box, params=query).links) == {"next"}
        threads = [
            each["id"] for page in range(1, 22) for each in bob.get(box, params={**query, "page": str(page)}).json()
        ]
        assert len(set(threads)) == len(threads) == 1001
        assert set(bob.get(box, params={**query, "page": "21"}).links) == {"prev", "first"}
    assert bob.patch(f"/notifications/threads/{threads[0]}").status_code == 205
    assert bob.get("/notifications", params={"per_page": "100"}).links["last"]["url"][-7:] == "page=10"
    assert bob.get("/notifications", params={"per_page": "1"}).json()[0]["id"] == threads[1]
    assert bob.get("/notifications", params={"per_page": "1", "all": "true"}).json()[0]["id"] == threads[0]
    searched(alice)
    for number in range(1, 502):
        alice.delete(f"{ROOT}/issues/{number}/labels/two")
    assert alice.get(f"{ROOT}/issues", params=both).links["last"]["url"][-6:] == "page=5", "now it is counted"
    node = alice.get(f"{ROOT}/issues/7").json()["node_id"]
    alice.post(
        "/graphql", json={"query": f'mutation {{deleteIssue(input: {{issueId: "{node}"}}) {{clientMutationId}}}}'}
    )
    assert last(alice, f"{ROOT}/issues/events") == 2002 + 501 - 3


def searched(alice: Any) -> None:
    """Words that many, some and few of the 1,001 have, and more than a search shows."""
    for words, fits in {
        "early": lambda number: number <= 40,
        "sparse": lambda number: number % 7 == 1,
        "common early": lambda number: number <= 40,
        "common sparse early": lambda number: number % 7 == 1 and number <= 40,
        "rare": lambda number: number % 300 == 1,
        "common": lambda number: True,
        "is:open": lambda number: True,
    }.items():
        for order in ("desc", "asc"):
            for sort in ("", "comments"):
                expected = sorted(filter(fits, range(1, 1002)), reverse=order == "desc")
                for page in (1, 2, 9):
                    query = {"q": words, "sort": sort, "order": order, "per_page": "20", "page": str(page)}
                    found = alice.get("/search/issues", params=query).json()
                    numbers = [each["number"] for each in found["items"]]
                    assert numbers == expected[20 * page - 20 : 20 * page], query
                    total = len(expected) if words == "is:open" else min(len(expected), 1000)
                    assert found["total_count"] == total, query


def test_a_directory_of_before_is_counted_when_it_is_opened(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    now = "2026-01-01T00:00:00Z"
    with closing(sqlite3.connect(data / "localhub.sqlite3")) as db:
        db.execute("CREATE TABLE schema_files (name TEXT PRIMARY KEY)")
        for file in sorted(SCHEMA.glob("0[0-8]*.sql")) + sorted(SCHEMA.glob("09[0-7]*.sql")):
            db.executescript(file.read_text())
            db.execute("INSERT INTO schema_files VALUES (?)", (file.name,))
        db.execute("INSERT INTO accounts (id, login, type, created_at) VALUES (1, 'alice', 'User', ?)", (now,))
        columns = [row[1] for row in db.execute("PRAGMA table_info(repos)") if row[3] and row[4] is None and not row[5]]
        values = {"owner_id": 1, "name": "sample"} | {each: now for each in columns if each.endswith("_at")}
        assert set(columns) <= set(values), "what a repository needs"
        marks = ", ".join("?" for _ in values)
        db.execute(f"INSERT INTO repos (id, {', '.join(values)}) VALUES (9, {marks})", [*values.values()])
        db.execute("INSERT INTO labels (id, repo_id, name, color) VALUES (5, 9, 'one', 'aaaaaa')")
        db.execute("""INSERT INTO milestones (id, repo_id, number, title, creator_id, created_at, updated_at)
                      VALUES (6, 9, 1, 'm', 1, ?, ?)""", (now, now))  # fmt: skip
        for number in range(1, 8):
            state, milestone = "closed" if number < 4 else "open", 6 if number % 2 else None
            row = (number, 9, number, state, milestone, now, now)
            db.execute("""INSERT INTO issues (id, repo_id, number, title, state, author_id, milestone_id, created_at, updated_at, touched)
                          VALUES (?, ?, ?, 'a thing', ?, 1, ?, ?, ?, 1)""", row)  # fmt: skip
            db.execute("INSERT INTO issue_labels VALUES (?, 5)", (number,))
            db.execute("INSERT INTO comments (issue_id, author_id, body, created_at, updated_at, repo_id) VALUES (?, 1, 'x', ?, ?, 9)",
                       (number, now, now))  # fmt: skip
        db.execute("INSERT INTO assignees VALUES (5, 1)")
        db.execute("INSERT INTO threads (id, account_id, issue_id, repo_id, reason, unread, updated_at, created_at) VALUES (3, 1, 5, 9, 'assign', 1, ?, ?)", (now, now))  # fmt: skip
        db.execute("INSERT INTO notices (thread_id, account_id, repo_id, kind, by_id, created_at) VALUES (3, 1, 9, 'assign', 1, ?)", (now,))  # fmt: skip
        db.commit()
    server = Server(Hub(data))
    server.start()
    try:
        with httpx.Client(base_url=f"{server.url}/api/v3", trust_env=False) as client:
            client.post(f"{server.url}/_localhub/seed", json={"users": [{"login": "alice", "token": "ghp_alice"}]})
            client.headers["Authorization"] = "Bearer ghp_alice"
            counts = {
                (("labels", "one"), "open"): 4, (("labels", "one"), "closed"): 3, (("milestone", "1"), "all"): 4,
                (("milestone", "none"), "open"): 2, (("assignee", "alice"), "open"): 1, (("assignee", "none"), "all"): 6,
                (("creator", "alice"), "closed"): 3,
            }  # fmt: skip
            for ((key, value), state), count in counts.items():
                assert last(client, f"{ROOT}/issues", state=state, **{key: value}) == count, (key, value, state)
            agrees(client)
            assert [each["id"] for each in client.get("/notifications").json()] == ["3"]
    finally:
        server.stop()
