"""The pages as plain HTTP: who may, what a form proves, what is sanitised, and that the API's paths stay the API's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

Browse = Callable[[str | None], httpx.Client]
REPO = "/repos/alice/sample"


@pytest.fixture
def browse(hub: Any) -> Iterator[Browse]:
    """A browser without a window: keeps cookies, follows redirects, acts as this user."""
    opened: list[httpx.Client] = []

    def open_(login: str | None) -> httpx.Client:
        client = httpx.Client(
            base_url=hub.url, headers={"Accept": "text/html"}, follow_redirects=True, timeout=30, trust_env=False
        )
        opened.append(client)
        if login is not None:
            answer = client.post("/login", data={"login": login, "next": "/"})
            assert answer.status_code == 200
            assert f"<b>{login}</b>" in answer.text
        return client

    yield open_
    for client in opened:
        client.close()


def csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return found[1]


def issue(hub: Any, body: str = "text", title: str = "A thing") -> int:
    answer = hub.bot().post(f"{REPO}/issues", json={"title": title, "body": body})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["number"])


def test_front_page_hides_what_may_not_be_seen_and_says_so(browse: Browse) -> None:
    anonymous = browse(None).get("/").text
    assert "alice/open" in anonymous
    assert "alice/sample" not in anonymous
    assert "3 private repositories not shown" in anonymous
    assert "alice/sample" in browse("bob").get("/").text


def test_unknown_and_unseen_look_the_same(browse: Browse) -> None:
    for path in ("/alice/sample", "/alice/nothing", "/nobody", "/a/b/c/d", "/alice/open/issues/77"):
        answer = browse("mallory").get(path)
        assert answer.status_code == 404
        assert "This is not the web page you are looking for." in answer.text
    assert "act as someone who may see it" in browse(None).get("/alice/sample").text


def test_the_api_keeps_its_paths_and_answers(hub: Any) -> None:
    for path in ("/alice/sample", "/nothing", "/login", "/notifications/x/y"):
        answer = hub.client("alice").get(path)
        assert answer.status_code == 404
        assert answer.json()["message"] == "Not Found"
    plain = hub.client("alice", prefix="")
    assert plain.get("/notifications").json() == []
    assert "repository_url" in plain.get("/").json()
    assert hub.client("alice", prefix="").get("/repos/alice/none").json()["status"] == "404"


def test_a_form_needs_its_sessions_proof(hub: Any, browse: Browse) -> None:
    number = issue(hub)
    bob = browse("bob")
    page = f"/alice/sample/issues/{number}"
    for proof in ({}, {"csrf": "0" * 64}, {"csrf": csrf(browse("alice").get(page))}):
        answer = bob.post(f"{page}/comments", data={"body": "forged", **proof})
        assert answer.status_code == 403
        assert "out of date" in answer.text
    proof = csrf(bob.get(page))
    elsewhere = bob.post(
        f"{page}/comments", data={"body": "forged", "csrf": proof}, headers={"Origin": "http://evil.example"}
    )
    assert elsewhere.status_code == 403
    assert hub.client("bob").get(f"{REPO}/issues/{number}/comments").json() == []
    assert bob.post(f"{page}/comments", data={"body": "mine", "csrf": proof}).status_code == 200
    (said,) = hub.client("bob").get(f"{REPO}/issues/{number}/comments").json()
    assert (said["user"]["login"], said["body"]) == ("bob", "mine")


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(hub: Any, browse: Browse) -> None:
    client = browse(None)
    answer = client.post("/login", data={"login": "bob"}, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "script-src 'self'" in client.get("/").headers["content-security-policy"]
    # A session is for pages alone.
    token = client.cookies["localhub_session"]
    assert hub.with_token(token).get("/user").status_code == 401
    assert client.post("/logout", data={"csrf": csrf(client.get("/login"))}).status_code == 200
    client.cookies.set("localhub_session", token)
    assert client.get("/alice/sample").status_code == 404


def test_anonymous_people_are_asked_whom_they_act_as(hub: Any, browse: Browse) -> None:
    answer = browse(None).post("/alice/open/issues", data={"title": "x"})
    assert answer.status_code == 401
    assert "Choose whom you act as first" in answer.text
    assert "anyone who can open this page may act as any user" in browse(None).get("/login").text


def test_a_ticked_box_edits_the_comment_and_tells_who_did_it(hub: Any, browse: Browse, validate_hook: Any) -> None:
    number = issue(hub)
    body = "Please approve.\n\n- [ ] Approve this plan (`abc`)\n- [ ] Other\n\n```\n- [ ] in code\n```\n\n<!-- mark -->"
    made = hub.bot().post(f"{REPO}/issues/{number}/comments", json={"body": body}).json()
    bob = browse("bob")
    page = bob.get(f"/alice/sample/issues/{number}").text
    boxes = re.findall(rf'form="tick-{made["id"]}" name="box" value="([^"]+)"', page)
    assert len(boxes) == 2
    assert "mark" not in page.split("<main")[1].replace("Markdown", "").split("Edit</summary>")[0]
    answer = bob.post(f"/alice/sample/comments/{made['id']}/tick", data={"csrf": csrf_of(page), "box": boxes[0]})
    assert answer.status_code == 200
    hub.settle()
    delivery = hub.hooks.delivery("issue_comment", "edited")
    validate_hook(delivery)
    assert delivery.payload["comment"]["body"] == body.replace("- [ ] Approve", "- [x] Approve")
    assert delivery.payload["changes"]["body"]["from"] == body
    assert delivery.payload["sender"]["login"] == "bob"
    hub.hooks.clear()
    # A click on a page that shows an older text changes nothing.
    hub.bot().patch(f"{REPO}/issues/comments/{made['id']}", json={"body": "- [ ] Approve another plan"})
    late = bob.post(f"/alice/sample/comments/{made['id']}/tick", data={"csrf": csrf_of(page), "box": boxes[0]})
    assert late.status_code == 409
    assert "changed meanwhile" in late.text


def test_who_may_not_edit_sees_boxes_that_do_nothing(hub: Any, browse: Browse) -> None:
    number = issue(hub)
    made = hub.bot().post(f"{REPO}/issues/{number}/comments", json={"body": "- [ ] Approve"}).json()
    carol = browse("carol")
    page = carol.get(f"/alice/sample/issues/{number}").text
    assert 'aria-disabled="true"' in page
    assert 'name="box"' not in page
    answer = carol.post(f"/alice/sample/comments/{made['id']}/tick", data={"csrf": csrf_of(page), "box": "x:1"})
    assert answer.status_code == 403


def csrf_of(text: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', text)
    assert found
    return found[1]


def test_an_issue_shows_its_tree_and_what_it_waits_for(hub: Any, browse: Browse) -> None:
    bot = hub.bot()
    root, child, leaf, other = (issue(hub, title=title) for title in ("Root", "Child", "Leaf", "Other"))
    ids = {each: bot.get(f"{REPO}/issues/{each}").json()["id"] for each in (root, child, leaf, other)}
    bot.post(f"{REPO}/issues/{root}/sub_issues", json={"sub_issue_id": ids[child]})
    bot.post(f"{REPO}/issues/{child}/sub_issues", json={"sub_issue_id": ids[leaf]})
    bot.post(f"{REPO}/issues/{leaf}/dependencies/blocked_by", json={"issue_id": ids[other]})
    bob = browse("bob")
    page = bob.get(f"/alice/sample/issues/{root}").text
    tree = page.split('id="sub-issues"')[1].split("</section>")[0]
    assert tree.index("Child") < tree.index("Leaf")
    assert f"blocked by #{other}" in tree
    below = bob.get(f"/alice/sample/issues/{leaf}").text
    assert "Above this issue" in below
    assert "<h2>Blocked by</h2>" in below
    assert "<h2>Blocking</h2>" in bob.get(f"/alice/sample/issues/{other}").text


def test_references_lead_where_they_should(hub: Any, browse: Browse) -> None:
    first = issue(hub, title="The first")
    second = issue(hub, body=f"See #{first}, alice/sample#{first}, #999, @bob, @nobody, https://example.org/x. `#1`")
    page = browse("bob").get(f"/alice/sample/issues/{second}").text
    assert page.count(f'href="/alice/sample/issues/{first}"') >= 2
    assert 'title="The first"' in page
    assert 'href="/alice/sample/issues/999"' not in page
    assert '<a href="/bob"' in page
    assert 'href="/nobody"' not in page
    assert 'href="https://example.org/x"' in page


def test_deliveries_are_shown_to_the_apps_owner_and_sent_again(hub: Any, browse: Browse) -> None:
    issue(hub)
    hub.settle()
    assert browse("bob").get("/settings/apps/branchwork").status_code == 403
    alice = browse("alice")
    listed = alice.get("/settings/apps/branchwork?event=issues").text
    found = re.search(r"/settings/apps/branchwork/deliveries/(\d+)", listed)
    assert found
    page = alice.get(found[0])
    assert "X-Hub-Signature-256" in page.text
    guid = hub.hooks.delivery("issues", "opened").guid
    hub.hooks.clear()
    assert alice.post(found[0], data={"csrf": csrf(page)}).status_code == 200
    assert hub.hooks.delivery("issues", "opened").guid == guid


def test_notifications_of_a_person(hub: Any, browse: Browse) -> None:
    number = issue(hub, body="@bob please look", title="Look here")
    bob = browse("bob")
    page = bob.get("/notifications")
    assert "Look here" in page.text
    assert "1 × mention" in page.text
    bob.post("/notifications/read", data={"csrf": csrf(page)})
    assert "Look here" not in bob.get("/notifications").text
    assert "Look here" in bob.get("/notifications?all=1").text
    assert hub.client("bob").get("/notifications").json() == []
    assert number


def test_labels_issues_and_states_by_forms(hub: Any, browse: Browse) -> None:
    bob = browse("bob")
    proof = csrf(bob.get("/alice/sample/labels"))
    bob.post("/alice/sample/labels", data={"csrf": proof, "name": "later", "color": "#0e8a16", "description": "d"})
    answer = bob.post("/alice/sample/issues", data={"csrf": proof, "title": "New", "body": "b", "labels": "later"})
    assert "later" in answer.text
    number = int(str(answer.url).rsplit("/", 1)[1])
    page = f"/alice/sample/issues/{number}"
    bob.post(f"{page}/labels", data={"csrf": proof, "remove": "later"})
    bob.post(f"{page}/assignees", data={"csrf": proof, "add": "bob"})
    bob.post(f"{page}/comments", data={"csrf": proof, "body": "", "state": "not_planned"})
    now = hub.client("bob").get(f"{REPO}/issues/{number}").json()
    assert (now["state"], now["state_reason"], now["labels"]) == ("closed", "not_planned", [])
    assert [each["login"] for each in now["assignees"]] == ["bob"]
    refused = bob.post("/alice/sample/issues", data={"csrf": proof, "title": " "})
    assert refused.status_code == 422
    assert "Nothing was changed." in refused.text
    carol = browse("carol")
    carols = csrf(carol.get(page))
    assert carol.post(f"{page}/comments", data={"csrf": carols, "state": "open"}).status_code == 403
    assert hub.client("bob").get(f"{REPO}/issues/{number}").json()["state"] == "closed"


def test_code_pages(hub: Any, browse: Browse) -> None:
    bob = browse("bob")
    home = bob.get("/alice/sample")
    assert "README.md" in home.text
    sha = hub.client("bob").get(f"{REPO}/branches/main").json()["commit"]["sha"]
    for path in (
        "/tree/main", "/blob/main/README.md", "/blob/main/README.md?plain=1", "/commits/main", "/commits",
        f"/commit/{sha}", "/branches", f"/tree/{sha[:10]}", "/issues", "/pulls", "/actions", "/labels",
    ):  # fmt: skip
        answer = bob.get(f"/alice/sample{path}")
        assert answer.status_code == 200, path
    assert "is empty" in browse("alice").get("/alice/other").text
    for path in ("/blob/main/nothing", "/tree/none", "/commit/0123456789", "/actions/runs/1", "/pull/1", "/runs/1"):
        assert bob.get(f"/alice/sample{path}").status_code == 404, path


def test_what_happens_within_one_second_keeps_its_order(hub: Any, browse: Browse) -> None:
    bot = hub.bot()
    sha = bot.get(f"{REPO}/git/ref/heads/main").json()["object"]["sha"]
    bot.post(f"{REPO}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
    bot.put(f"{REPO}/contents/new.txt", json={"message": "New", "content": "bmV3Cg==", "branch": "topic"})
    number = bot.post(f"{REPO}/pulls", json={"title": "New", "head": "topic", "base": "main"}).json()["number"]
    hub.settle()
    hub.admin("/clock", {"freeze": True})
    bob = browse("bob")
    page = f"/alice/sample/pull/{number}"
    proof = csrf(bob.get(page))
    line = {"path": "new.txt", "side": "RIGHT", "line": "1"}
    bob.post(f"{page}/lines", data={"csrf": proof, "body": "First words", **line})
    bob.post(f"{page}/reviews", data={"csrf": proof, "event": "APPROVE", "body": "Second words"})
    merged = bob.post(f"{page}/merge", data={"csrf": proof, "method": "squash"})
    assert merged.status_code == 200, merged.text
    shown = bob.get(page).text
    assert shown.index("Second words") < shown.index("merged this")
    assert "First words" in shown
    again = bob.post(f"{page}/merge", data={"csrf": proof})
    assert again.status_code == 405
    assert "not mergeable" in again.text


def test_branches_become_pull_requests_and_tasks_show_theirs(hub: Any, browse: Browse) -> None:
    bot = hub.bot()
    root, task = issue(hub, title="Root"), issue(hub, title="Task")
    child = bot.get(f"{REPO}/issues/{task}").json()["id"]
    bot.post(f"{REPO}/issues/{root}/sub_issues", json={"sub_issue_id": child})
    sha = bot.get(f"{REPO}/git/ref/heads/main").json()["object"]["sha"]
    bot.post(f"{REPO}/git/refs", json={"ref": "refs/heads/a/b", "sha": sha})
    bot.put(f"{REPO}/contents/new.txt", json={"message": "New", "content": "bmV3Cg==", "branch": "a/b"})
    bob = browse("bob")
    compare = bob.get("/alice/sample/compare/main...a/b")
    assert "Open a pull request" in compare.text
    data = {"csrf": csrf(compare), "base": "main", "head": "a/b", "title": "Bring it", "body": f"Part of #{task}."}
    made = bob.post("/alice/sample/pulls", data={**data, "draft": "1"})
    assert "Draft" in made.text
    number = int(str(made.url).rsplit("/", 1)[1])
    tree = bob.get(f"/alice/sample/issues/{root}").text.split('id="sub-issues"')[1].split("</section>")[0]
    assert f'href="/alice/sample/pull/{number}"' in tree
    assert bob.get("/alice/sample/tree/a/b/new.txt").status_code == 200
