"""Who is mailed of what, and why; and a person's notifications over REST."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

REPO = "/repos/alice/sample"


def mails(hub: Any) -> dict[str, dict[str, int]]:
    return dict(httpx.get(f"{hub.url}/_localhub/stats", trust_env=False).json()["notifications"])


def reasons(hub: Any, login: str, **query: Any) -> list[str]:
    return [each["reason"] for each in hub.client(login).get("/notifications", params=query).json()]


@pytest.fixture
def issue(hub: Any) -> str:
    """Bob's issue, which nobody watches."""
    hub.client("bob").post(f"{REPO}/issues", json={"title": "x"})
    return f"{REPO}/issues/1"


def test_why_one_hears_of_it(hub: Any, issue: str) -> None:
    """The reason is one's own part in it, not what happened: author, comment, assign, mention, state_change, subscribed."""
    alice, carol, bot = hub.client("alice"), hub.client("carol"), hub.bot()
    alice.put(f"{REPO}/subscription")
    carol.post(f"{issue}/comments", json={"body": "me too"})
    bot.post(f"{issue}/comments", json={"body": "news"})
    assert (reasons(hub, "bob"), reasons(hub, "carol"), reasons(hub, "alice")) == (
        ["author"],
        ["comment"],
        ["subscribed"],
    )
    alice.post(f"{issue}/assignees", json={"assignees": ["bob"]})
    assert reasons(hub, "bob") == ["assign"]
    bot.post(f"{issue}/comments", json={"body": "@bob?"})
    assert reasons(hub, "bob") == ["mention"]
    alice.patch(issue, json={"state": "closed"})
    hub.client("alice").delete(f"{REPO}/subscription")
    bot.post(f"{issue}/comments", json={"body": "still"})
    assert mails(hub)["alice"]["comment"] == 4, "who closes follows from then on"
    assert reasons(hub, "mallory") == []


def test_a_review_that_is_asked_for(hub: Any) -> None:
    alice, bob = hub.client("alice"), hub.client("bob")
    sha = alice.get(f"{REPO}/git/ref/heads/main").json()["object"]["sha"]
    alice.post(f"{REPO}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
    alice.put(f"{REPO}/contents/x", json={"message": "x", "content": "eA==", "branch": "topic"})
    alice.post(f"{REPO}/pulls", json={"title": "p", "head": "topic", "base": "main"})
    alice.post(f"{REPO}/pulls/1/requested_reviewers", json={"reviewers": ["bob"]})
    (thread,) = bob.get("/notifications").json()
    assert (thread["reason"], thread["subject"]["type"]) == ("review_requested", "PullRequest")
    assert thread["subject"]["url"].endswith("/pulls/1")
    bob.post(f"{REPO}/pulls/1/reviews", json={"event": "APPROVE", "body": "fine"})
    assert reasons(hub, "alice") == ["author"]
    alice.put(f"{REPO}/pulls/1/merge")
    assert mails(hub)["bob"] == {"review_requested": 1, "merged": 1}


def test_who_hears_nothing(hub: Any, issue: str) -> None:
    """Oneself, bots, those who may not see it, and all of an edit."""
    alice, bob = hub.client("alice"), hub.client("bob")
    for login in ("alice", "bob"):
        hub.client(login).put(f"{REPO}/subscription")
    comment = (
        hub.bot()
        .post(f"{issue}/comments", json={"body": "`@carol` @mallory @branchwork[bot] mail@carol.example"})
        .json()
    )
    before = mails(hub)
    assert set(before) == {"alice", "bob"}
    hub.bot().patch(f"{REPO}/issues/comments/{comment['id']}", json={"body": "@carol now"})
    bob.patch(issue, json={"title": "renamed", "body": "@carol", "labels": ["bug"]})
    alice.post(f"{issue}/labels", json={"labels": ["bug"]})
    alice.post(f"{issue}/reactions", json={"content": "+1"})
    assert mails(hub) == before
    alice.post(f"{issue}/comments", json={"body": "mine"})
    assert mails(hub)["alice"] == before["alice"]
    assert mails(hub)["bob"]["comment"] == before["bob"]["comment"] + 1


def test_leaving_ignoring_and_coming_back(hub: Any, issue: str) -> None:
    bob, bot = hub.client("bob"), hub.bot()

    def news(text: str = "news") -> int:
        bot.post(f"{issue}/comments", json={"body": text})
        return sum(mails(hub).get("bob", {}).values())

    assert news() == 1
    url = f"/notifications/threads/{bob.get('/notifications').json()[0]['id']}/subscription"
    assert bob.get(url).json()["subscribed"] is True
    assert bob.delete(url).status_code == 204
    assert bob.get(url).status_code == 404
    assert news() == 1
    assert news("@bob, please") == 2, "a mention brings one back"
    assert news() == 3
    assert bob.put(url, json={"ignored": True}).json()["ignored"] is True
    assert news("@bob, please") == 3
    bob.put(url, json={"ignored": False})
    assert news() == 4
    watching = bob.put(f"{REPO}/subscription", json={"ignored": True}).json()
    assert (watching["subscribed"], watching["ignored"]) == (False, True)
    assert news("@bob, please") == 4, "nothing at all of an ignored repository"
    assert bob.delete(f"{REPO}/subscription").status_code == 204
    assert news() == 5


def test_watching(hub: Any, validate: Any) -> None:
    alice, bob = hub.client("alice"), hub.client("bob")
    assert bob.get(f"{REPO}/subscription").status_code == 404
    validate(bob.put(f"{REPO}/subscription", json={"subscribed": True}), "RepositorySubscription")
    assert bob.get(f"{REPO}/subscription").json()["subscribed"] is True
    assert [each["login"] for each in validate(alice.get(f"{REPO}/subscribers"), "list[SimpleUser]")] == ["bob"]
    assert [each["full_name"] for each in validate(bob.get("/user/subscriptions"), "list[MinimalRepository]")] == [
        "alice/sample"
    ]
    assert hub.client("mallory").put(f"{REPO}/subscription").status_code == 404
    assert hub.bot().put(f"{REPO}/subscription").status_code == 403
    assert bob.delete(f"{REPO}/subscription").status_code == 204
    assert bob.get("/user/subscriptions").json() == []


def test_listing(hub: Any, validate: Any) -> None:
    alice = hub.client("alice")
    alice.put(f"{REPO}/subscription")
    hub.admin("/clock", {"set": "2030-01-01T00:00:00Z", "freeze": True})
    for number in range(3):
        hub.bot().post(f"{REPO}/issues", json={"title": str(number), "body": "@alice" if number == 1 else ""})
        hub.admin("/clock", {"advance": 3600})

    def titles(path: str = "/notifications", **query: Any) -> list[str]:
        answer = hub.client("alice").get(path, params=query)
        validate(answer, "list[Thread]")
        return [each["subject"]["title"] for each in answer.json()]

    assert titles() == ["2", "1", "0"]
    assert titles(participating=True) == ["1"]
    assert titles(since="2030-01-01T01:00:00Z") == ["2", "1"]
    assert titles(before="2030-01-01T01:00:00Z") == ["0"]
    assert titles(f"{REPO}/notifications", per_page=1, page=2) == ["1"]
    assert titles("/repos/alice/other/notifications") == []
    for wrong in ({"since": "soon"}, {"before": "2030-13-01"}, {"all": "perhaps"}):
        assert alice.get("/notifications", params=wrong).status_code == 422
    first = alice.get("/notifications")
    assert (first.headers["X-Poll-Interval"], first.headers["Last-Modified"]) == ("60", "Tue, 01 Jan 2030 02:00:00 GMT")
    unchanged = alice.get("/notifications", headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert unchanged.status_code == 304
    bot = hub.bot()
    bot.post(f"{REPO}/issues/1/comments", json={"body": "again"})
    assert alice.get("/notifications", headers={"If-Modified-Since": first.headers["Last-Modified"]}).status_code == 200
    (top, *_) = alice.get("/notifications").json()
    assert top["subject"]["latest_comment_url"].endswith(
        "/issues/comments/" + str(bot.get(f"{REPO}/issues/1/comments").json()[0]["id"])
    )


def test_reading(hub: Any) -> None:
    hub.admin("/clock", {"set": "2030-01-01T00:00:00Z", "freeze": True})
    alice, bot = hub.client("alice"), hub.bot()
    alice.put(f"{REPO}/subscription")
    for number in range(3):
        bot.post(f"{REPO}/issues", json={"title": str(number)})
        hub.admin("/clock", {"advance": 60})

    def unread() -> list[str]:
        return [each["subject"]["title"] for each in alice.get("/notifications").json()]

    assert alice.put("/notifications", json={"last_read_at": "2030-01-01T00:00:30Z"}).status_code == 205
    assert unread() == ["2", "1"]
    assert alice.put("/notifications", json={"last_read_at": "whenever"}).status_code == 422
    thread = alice.get("/notifications").json()[0]
    assert alice.patch(thread["url"]).status_code == 205
    assert alice.get(thread["url"]).json()["unread"] is False
    assert unread() == ["1"]
    assert alice.delete(thread["url"]).status_code == 204
    assert len(alice.get("/notifications", params={"all": True}).json()) == 2, "what is done is out of every list"
    bot.post(f"{REPO}/issues/3/comments", json={"body": "more"})
    assert unread() == ["2", "1"], "until something happens"
    assert hub.client("bob").get(thread["url"]).status_code == 404
    assert alice.put("/repos/alice/other/notifications").status_code == 205
    assert len(unread()) == 2
    assert alice.put(f"{REPO}/notifications").status_code == 205
    assert unread() == []
    for client in (bot, hub.app()):
        assert client.get("/notifications").status_code in (401, 403)
    assert hub.client().get("/notifications").status_code == 401
