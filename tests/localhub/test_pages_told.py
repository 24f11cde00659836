"""What pages tell of issues and pull requests, as GitHub's pages tell it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.localhub.repository import SAMPLE, put
from tests.localhub.runs import WORKFLOW

Read = Callable[..., str]


@pytest.fixture
def read(hub: Any) -> Read:
    """The words of a page, as this user sees it."""

    def words(path: str, login: str = "alice", home: str = "/alice/sample", **headers: str) -> str:
        with httpx.Client(base_url=hub.url, headers={"Accept": "text/html"}, timeout=30, trust_env=False) as client:
            assert client.post("/login", data={"login": login}).status_code == 303
            answer = client.get(home + path, headers=headers)
        assert answer.status_code == 200
        text = re.sub(r"<svg.*?</svg>|<(option|title)>.*?</\1>", "", answer.text, flags=re.DOTALL)
        return re.sub(r" ([.,])", r"\1", " ".join(re.sub(r"<[^>]*>", " ", text).split()))

    return words


def test_commits_stand_in_the_conversation(hub: Any, pull: dict[str, Any], read: Read) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        bob.post(f"{SAMPLE}/issues/{pull['number']}/comments", json={"body": "Look at line 4."})
        hub.admin("/clock", {"advance": 5})
        for number in (4, 5):
            put(alice, "a.txt", f"LINE {number}\n", "topic")
        text = read(f"/pull/{pull['number']}")
    assert re.search(r"alice added 1 commit .*Look at line 4\..*alice added 2 commits ", text), text


def test_a_private_repositorys_mention_is_not_told(hub: Any, read: Read) -> None:
    with hub.client("alice") as alice:
        number = alice.post("/repos/alice/open/issues", json={"title": "Seen"}).json()["number"]
        alice.post(f"{SAMPLE}/issues", json={"title": "Secret", "body": f"See alice/open#{number}."})
    assert "mentioned this" in read(f"/issues/{number}", home="/alice/open")
    assert "mentioned this" not in read(f"/issues/{number}", "mallory", "/alice/open")


def test_a_check_says_which_workflow_and_event_it_is_of(hub: Any, read: Read) -> None:
    """Or the same job, run for the push and for the pull request, stands there twice under one name."""
    with hub.client("alice") as alice:
        put(alice, ".github/workflows/ci.yml", WORKFLOW)
        sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        alice.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
        put(alice, "b.txt", "b\n", "topic")
        number = alice.post(f"{SAMPLE}/pulls", json={"title": "T", "head": "topic", "base": "main"}).json()["number"]
        hub.settle()
    for path in (f"/pull/{number}", f"/pull/{number}/checks"):
        text = read(path)
        assert "CI / test (push) success" in text
        assert "CI / test (pull_request) success" in text


def test_who_asks_for_changes_is_told_where_it_is_merged(hub: Any, pull: dict[str, Any], read: Read) -> None:
    with hub.client("bob") as bob:
        url = f"{SAMPLE}/pulls/{pull['number']}/reviews"
        bob.post(url, json={"event": "REQUEST_CHANGES", "body": "No"})
        assert "Changes requested by bob." in read(f"/pull/{pull['number']}")
        bob.post(url, json={"event": "APPROVE"})
        assert "Changes requested" not in read(f"/pull/{pull['number']}")


def test_a_duplicate_is_called_one(hub: Any, read: Read) -> None:
    with hub.client("alice") as alice:
        number = alice.post(f"{SAMPLE}/issues", json={"title": "Again"}).json()["number"]
        assert "Close as duplicate" in read(f"/issues/{number}")
        alice.patch(f"{SAMPLE}/issues/{number}", json={"state": "closed", "state_reason": "duplicate"})
    text = read(f"/issues/{number}")
    assert "Closed as duplicate" in text
    assert "closed this as duplicate" in text


def test_short_codes_are_emoji(hub: Any, read: Read) -> None:
    with hub.client("alice") as alice:
        body = "Done :tada: :+1: at 10:30:15, `:bug:` :nothing: :white_check_mark:"
        number = alice.post(f"{SAMPLE}/issues", json={"title": "Emoji", "body": body}).json()["number"]
    assert "Done 🎉 👍 at 10:30:15, :bug: :nothing: ✅" in read(f"/issues/{number}")


def test_what_one_opens_is_read(hub: Any, pull: dict[str, Any], read: Read) -> None:
    """Not when an open page only looks whether there is something new."""
    with hub.client("alice") as alice, hub.client("bob") as bob:
        number = alice.post(f"{SAMPLE}/issues", json={"title": "Look", "body": "@bob"}).json()["number"]
        alice.post(f"{SAMPLE}/issues/{pull['number']}/comments", json={"body": "@bob"})
        for path in (f"/issues/{number}", f"/pull/{pull['number']}"):
            before = len(bob.get("/notifications").json())
            read(path, "bob", **{"X-Refresh": "1"})
            read(path, "carol")
            assert len(bob.get("/notifications").json()) == before
            read(path, "bob")
            assert len(bob.get("/notifications").json()) == before - 1
        assert bob.get("/notifications").json() == []
        assert len(bob.get("/notifications?all=true").json()) == 2


def test_commits_are_compared_oldest_first(hub: Any, read: Read) -> None:
    with hub.client("alice") as alice:
        sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        alice.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
        for name in ("one", "two"):
            put(alice, f"{name}.txt", "x\n", "topic")
        messages = [each["commit"]["message"] for each in alice.get(f"{SAMPLE}/compare/main...topic").json()["commits"]]
    text = read("/compare/main...topic")
    assert text.index(messages[0]) < text.index(messages[1])


def test_the_front_page_leads_to_a_new_repository(read: Read) -> None:
    assert read("/", home="").count("New repository") == 2  # the bar's is not shown on a telephone


def test_a_form_that_names_what_is_not_there_is_told_so(hub: Any, pull: dict[str, Any]) -> None:
    with (
        hub.client("alice") as alice,
        httpx.Client(base_url=hub.url, headers={"Accept": "text/html"}, trust_env=False) as client,
    ):
        number = alice.post(f"{SAMPLE}/issues", json={"title": "One"}).json()["number"]
        client.post("/login", data={"login": "alice"})
        proof = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/login").text)
        assert proof
        for path, fields, says in (
            (f"/issues/{number}/relations", {"do": "add", "what": "sub_issue", "other": "#99"}, "There is no issue #99 in alice/sample."),
            ("/branches", {"do": "create", "name": "new", "from": "nowhere"}, "There is no branch, tag or commit nowhere."),
            ("/issues/99/comments", {"body": "x"}, "What this is about is not there"),
            (f"/pull/{pull['number']}/reviews", {"event": "REQUEST_CHANGES"}, "Write what you think"),
        ):  # fmt: skip
            answer = client.post(f"/alice/sample{path}", data={"csrf": proof[1], **fields})
            assert answer.status_code in (404, 422)
            assert says in answer.text
            assert "Nothing was changed." in answer.text


def test_a_run_says_how_long_it_took_and_what_was_skipped(hub: Any, read: Read) -> None:
    jobs = """
  one: {runs-on: ubuntu-latest, steps: [{run: echo hello}]}
  two: {if: false, runs-on: ubuntu-latest, steps: [{run: echo hello}]}
"""
    with hub.client("alice") as alice:
        put(alice, ".github/workflows/ci.yml", f"name: CI\non: push\njobs:{jobs}")
        hub.settle()
        (run,) = alice.get(f"{SAMPLE}/actions/runs").json()["workflow_runs"]
    text = read(f"/actions/runs/{run['id']}")
    assert re.search(r"just now · took \d+ s", text), text
    assert re.search(r"one success · \d+ s", text)
    assert "two skipped · Re-run This job was skipped." in text


def test_without_issues_there_is_no_tab_of_them(hub: Any, read: Read) -> None:
    assert "Code Issues" in read("")
    with hub.client("alice") as alice:
        alice.patch(SAMPLE, json={"has_issues": False})
    assert "Code Pull requests" in read("")
