"""The API's own resources, people, and who is told of what."""

from __future__ import annotations

from tests.localhub.contract.session import Session, body, scenario

REPO = "/repos/alice/sample"


@scenario
def the_api_tells_of_itself(c: Session) -> None:
    body(c.alice.get("/"))
    body(c.alice.get("/rate_limit"))
    body(c.alice.get("/meta"))
    assert body(c.alice.get("/versions")) == ["2022-11-28", "2026-03-10"]
    assert c.alice.get("/zen").text


@scenario
def people_and_organizations(c: Session) -> None:
    assert body(c.alice.get("/user"))["login"] == "alice"
    bob = body(c.alice.get("/users/bob"))
    assert body(c.alice.get(f"/user/{bob['id']}"))["login"] == "bob"
    assert body(c.owner.get("/orgs/acme/members"))
    c.owner.get("/orgs/acme/members/bob")
    body(c.alice.get("/users/alice/repos"))
    body(c.owner.get("/orgs/acme"))
    assert body(c.owner.get("/user/orgs"))
    body(c.owner.get("/orgs/acme/repos"))
    body(c.alice.get("/user/repos"))
    assert body(c.alice.get("/search/users", params={"q": "bob"}))["items"]
    assert c.alice.get("/users/nobody-here").status_code == 404


@scenario
def inbox(c: Session) -> None:
    issue = body(c.alice.post(f"{REPO}/issues", json={"title": "For bob", "body": "@bob look"}))
    body(c.alice.post(f"{REPO}/issues", json={"title": "For bob too", "body": "@bob look"}))
    c.settle()
    _, thread = body(c.bob.get("/notifications"))
    place = f"/notifications/threads/{thread['id']}"
    body(c.bob.get(f"{REPO}/notifications"))
    body(c.bob.get(place))
    body(c.bob.put(f"{place}/subscription", json={"ignored": False}))
    body(c.bob.get(f"{place}/subscription"))
    assert c.bob.patch(place).status_code == 205
    body(c.alice.post(f"{REPO}/issues/{issue['number']}/comments", json={"body": "@bob again"}))
    c.settle()
    assert c.bob.put("/notifications", json={"last_read_at": "2100-01-01T00:00:00Z"}).status_code in (202, 205)
    body(c.bob.put(f"{REPO}/subscription", json={"subscribed": True}))
    body(c.bob.get(f"{REPO}/subscription"))
    body(c.bob.get(f"{REPO}/subscribers"))
    body(c.bob.get("/user/subscriptions"))
    assert c.bob.put(f"{REPO}/notifications", json={}).status_code in (202, 205)
    assert c.bob.delete(f"{place}/subscription").status_code == 204
    assert c.bob.delete(place).status_code == 204
    assert c.bob.delete(f"{REPO}/subscription").status_code == 204
