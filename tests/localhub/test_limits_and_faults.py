"""GitHub's limits, by default and adjustable, and the faults that one can ask for."""

from __future__ import annotations

import httpx
import pytest

REPO = "/repos/alice/sample"


def test_the_primary_limit(hub, validate):
    hub.admin("/limits", {"primary": 3})
    bob = hub.client("bob")
    first = bob.get(REPO)
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("3", "2")
    assert first.headers["X-RateLimit-Resource"] == "core"
    unchanged = bob.get(REPO, headers={"If-None-Match": first.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["X-RateLimit-Remaining"] == "2", "a 304 is free"
    assert [bob.get(REPO).status_code for _ in range(3)] == [200, 200, 403]
    denied = bob.get(REPO)
    assert denied.json()["message"].startswith("API rate limit exceeded for user ID")
    assert denied.headers["X-RateLimit-Remaining"] == "0"
    state = validate(bob.get("/rate_limit"), "RateLimitOverview")
    assert state["resources"]["core"]["remaining"] == 0
    assert hub.client("alice").get(REPO).status_code == 200, "each has a bucket of their own"
    hub.admin("/clock", {"advance": 3601})
    assert bob.get(REPO).status_code == 200


def test_content_creation(hub):
    hub.admin("/limits", {"creations_minute": 3, "creations_hour": 5})
    bot = hub.bot()

    def create() -> httpx.Response:
        return bot.post(f"{REPO}/issues", json={"title": "x"})

    assert [create().status_code for _ in range(4)] == [201, 201, 201, 403]
    denied = create()
    assert "blocked from content creation" in denied.json()["message"]
    assert denied.headers["Retry-After"] == "60"
    assert bot.post(f"{REPO}/issues/1/comments", json={"body": "x"}).status_code == 403
    assert bot.patch(f"{REPO}/issues/1", json={"body": "edits are no creations"}).status_code == 200
    hub.admin("/clock", {"advance": 61})
    assert [create().status_code for _ in range(3)] == [201, 201, 403], "five an hour"
    hub.admin("/limits", {"enforced": False})
    assert create().status_code == 201


def test_points_a_minute(hub):
    hub.admin("/limits", {"points": 12})
    bob = hub.client("bob")
    answers = [bob.post(f"{REPO}/issues", json={"title": "x"}).status_code for _ in range(3)]
    assert answers == [201, 201, 403], "a write is five points"
    assert bob.get(REPO).status_code == 200
    hub.admin("/clock", {"advance": 61})
    assert bob.get(REPO).status_code == 200


def test_concurrency(hub):
    hub.admin("/limits", {"concurrency": 0})
    denied = hub.client("bob").get(REPO)
    assert denied.status_code == 403
    assert "secondary rate limit" in denied.json()["message"]


def test_the_defaults_are_githubs(hub):
    settings = httpx.get(f"{hub.url}/_localhub/limits", trust_env=False).json()
    wanted = {"primary": 5000, "concurrency": 100, "points": 900, "graphql_points": 2000, "creations_minute": 80,
              "creations_hour": 500, "cpu_seconds": 90, "graphql_cpu_seconds": 60}  # fmt: skip
    assert {key: settings[key] for key in wanted} == wanted
    assert httpx.post(f"{hub.url}/_localhub/limits", json={"primry": 1}, trust_env=False).status_code == 422


def test_every_answer_has_githubs_headers(hub):
    answer = hub.client("bob", prefix="").get(REPO)
    assert {"x-github-request-id", "x-ratelimit-reset", "x-github-media-type", "etag"} <= set(answer.headers)
    assert answer.json()["url"] == f"{hub.url}/api/v3{REPO}"
    assert hub.client("bob").get(REPO, headers={"X-GitHub-Api-Version": "1999-01-01"}).status_code == 400
    assert hub.client("bob").get("/nonsense").status_code == 404
    assert hub.client("bob").put(f"{REPO}/issues").status_code == 404
    head = hub.client("bob").head(REPO)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == hub.client("bob").get(REPO).headers["ETag"]


def test_errors_before_and_after_the_effect(hub):
    bob = hub.client("bob")

    def post(kind: str) -> int:
        rule = {"kind": kind, "times": 1, "method": "POST", "path": "/issues$", "status": 502}
        hub.admin("/faults", {"seed": 1, "rules": [rule]})
        return int(bob.post(f"{REPO}/issues", json={"title": kind}).status_code)

    assert post("error_before") == 502
    assert bob.get(f"{REPO}/issues").json() == []
    assert post("error_after") == 502
    assert [each["title"] for each in bob.get(f"{REPO}/issues").json()] == ["error_after"]


def test_cut_connections(hub):
    bob = hub.client("bob")
    for kind in ("reset_before", "reset_after"):
        hub.admin("/faults", {"rules": [{"kind": kind, "times": 1, "method": "POST"}]})
        with pytest.raises(httpx.TransportError):
            bob.post(f"{REPO}/issues", json={"title": kind})
    assert [each["title"] for each in bob.get(f"{REPO}/issues").json()] == ["reset_after"]


def test_dropped_repeated_and_reordered_webhooks(hub):
    bob = hub.client("bob")

    def titles() -> list[str]:
        hub.settle()
        found = [each.payload["issue"]["title"] for each in hub.hooks.find("issues", "opened")]
        hub.hooks.clear()
        return found

    def create(title: str) -> None:
        bob.post(f"{REPO}/issues", json={"title": title})

    hub.admin("/faults", {"rules": [{"kind": "webhook_drop", "times": 1}]})
    create("dropped")
    create("heard")
    assert titles() == ["heard"]
    item = [each for each in hub.app().get("/app/hook/deliveries").json() if each["status"] == "dropped"]
    assert len(item) == 1, "and it can be redelivered"
    hub.admin("/faults", {"rules": [{"kind": "webhook_repeat", "times": 1}]})
    create("twice")
    assert titles() == ["twice", "twice"]
    hub.admin("/faults", {"rules": [{"kind": "webhook_reorder", "times": 1}]})
    create("first")
    create("second")
    assert titles() == ["second", "first"]
    hub.admin("/faults", {"rules": [{"kind": "webhook_late", "times": 1, "seconds": 0.2}]})
    create("late")
    create("soon")
    assert titles() == ["soon", "late"]
    hub.admin("/faults", {"rules": []})
    for number in range(20):
        create(str(number))
    assert titles() == [str(number) for number in range(20)], "in order when no fault is asked for"


def test_an_unknown_fault_is_refused(hub):
    answer = httpx.post(f"{hub.url}/_localhub/faults", json={"rules": [{"kind": "gremlins"}]}, trust_env=False)
    assert answer.status_code == 422
