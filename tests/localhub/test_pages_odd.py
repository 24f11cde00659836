"""What is out of the ordinary: long conversations, forks, foreign names, other people's things, addresses that lie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

REPO, HOME = "/repos/alice/sample", "/alice/sample"


def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


@pytest.fixture
def bob(hub: Any) -> Iterator[httpx.Client]:
    """Bob's browser, without a window."""
    headers = {"Accept": "text/html"}
    with httpx.Client(base_url=hub.url, headers=headers, follow_redirects=True, timeout=30, trust_env=False) as client:
        client.post("/login", data={"login": "bob"})
        yield client


def proof(client: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/login").text)
    assert found
    return found[1]


def test_a_long_conversation_shows_its_ends_until_all_is_asked_for(hub: Any, bob: httpx.Client) -> None:
    hub.admin("/limits", {"enforced": False})
    alice = hub.client("alice")
    number = ok(alice.post(f"{REPO}/issues", json={"title": "Long"}))["number"]
    for count in range(150):
        ok(alice.post(f"{REPO}/issues/{number}/comments", json={"body": f"Remark {count}."}))
    page = bob.get(f"{HOME}/issues/{number}").text
    shown = [int(each) for each in re.findall(r"<p>Remark (\d+)\.", page)]
    assert shown == [*range(40), *range(90, 150)]
    assert "50 items not shown" in page
    whole = bob.get(f"{HOME}/issues/{number}?all=1").text
    assert whole.count("<p>Remark ") == 150


def test_forms_under_a_foreign_name_are_refused(hub: Any) -> None:
    """A site may point its own name at this address, and its page may send forms to it: same origin, another's."""
    evil = {"Host": "evil.example", "Origin": "http://evil.example", "Accept": "text/html"}
    refused = httpx.post(f"{hub.url}/login", data={"login": "alice"}, headers=evil, trust_env=False)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    wanted = {"manifest": "{}", "name": "x", "owner": "alice"}
    for origin in ("http://evil.example", "null"):
        headers = {"Origin": origin}
        made = httpx.post(f"{hub.url}/settings/apps/create", data=wanted, headers=headers, trust_env=False)
        assert made.status_code == 403


def test_relations_to_what_one_may_not_see_are_not_shown(hub: Any, bob: httpx.Client) -> None:
    alice = hub.client("alice")
    here = ok(alice.post(f"{REPO}/issues", json={"title": "Here"}))
    secret = ok(alice.post("/repos/alice/other/issues", json={"title": "Hush"}))
    ok(alice.post(f"{REPO}/issues/{here['number']}/sub_issues", json={"sub_issue_id": secret["id"]}))
    blocked = f"{REPO}/issues/{here['number']}/dependencies/blocked_by"
    ok(alice.post(blocked, json={"issue_id": secret["id"]}))
    assert "Hush" not in bob.get(f"{HOME}/issues/{here['number']}").text
    page = f"{HOME}/issues/{here['number']}/relations"
    data = {"csrf": proof(bob), "do": f"remove:sub_issue:{secret['id']}"}
    assert bob.post(page, data=data).status_code == 404


def test_a_pull_request_of_a_fork_leads_to_the_fork(hub: Any, bob: httpx.Client) -> None:
    ok(hub.client("alice").patch(REPO, json={"private": False}))
    mallory = hub.client("mallory")
    ok(mallory.post(f"{REPO}/forks", json={}))
    hub.settle()
    body = {"message": "New", "content": "bmV3Cg==", "branch": "main"}
    ok(mallory.put("/repos/mallory/sample/contents/new.txt", json=body))
    pull = ok(mallory.post(f"{REPO}/pulls", json={"title": "From afar", "head": "mallory:main", "base": "main"}))
    hub.settle()
    page = bob.get(f"{HOME}/pull/{pull['number']}").text
    assert 'href="/mallory/sample/tree/main">mallory:main</a>' in page
    assert 'forked from <a href="/alice/sample">' in bob.get("/mallory/sample").text
    data = {"csrf": proof(bob), "method": "squash", "sha": pull["head"]["sha"]}
    merged = bob.post(f"{HOME}/pull/{pull['number']}/merge", data=data)
    assert "Merged" in merged.text
    assert "Delete branch" not in merged.text


def test_what_is_asked_wrongly_is_answered_in_words(hub: Any, bob: httpx.Client) -> None:
    ok(hub.client("alice").post(f"{REPO}/issues", json={"title": "One"}))
    token = proof(bob)
    for path, data, status in (
        ("/issues/1/relations", {"do": "add", "what": "blocker", "other": "seven"}, 422),
        ("/issues/1/relations", {"do": "add", "what": "blocker", "other": "#1"}, 422),
        ("/issues/1/relations", {"do": "up:sub_issue:9"}, 404),
        ("/issues/1/milestone", {"milestone": "77"}, 422),
        ("/issues/1/house", {"do": "delete"}, 403),
        ("/react/issue/1", {"content": "heart"}, 404),
        ("/branches", {"do": "create", "name": "a..b"}, 422),
        ("/branches", {"do": "delete", "name": "none"}, 422),
        ("/settings", {"do": "delete", "confirm": "alice/sample"}, 403),
        ("/settings/access", {"login": "bob", "role": "admin"}, 403),
        ("/actions/workflows/none.yml", {"do": "run"}, 404),
        ("/edit/main/README.md", {"do": "save", "path": "README.md", "sha": "0" * 40, "text": "x"}, 409),
        ("/milestones", {"title": " "}, 422),
    ):
        answer = bob.post(f"{HOME}{path}", data={"csrf": token, **data})
        assert answer.status_code == status, (path, data, answer.status_code, answer.text[-300:])
        assert "<h1>" in answer.text, path
    for path in (
        "/issues?q=milestone:none+nonsense:x+%22open",
        "/issues?page=99999",
        "/search?q=%27%22%25",
        "/compare/main...main",
    ):
        assert bob.get(f"{HOME}{path}" if path[1] in "ic" else path).status_code == 200, path
