"""Each of GitHub's limits: whose bucket, how much, what it answers, what resets it, and that a restart forgets none."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from localhub.auth import Actor
from localhub.hub import Hub

REPO = "/repos/alice/sample"
OPEN = "/repos/alice/open"


def left(answer: httpx.Response) -> tuple[int, int, int]:
    headers = answer.headers
    return tuple(int(headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Used"))  # type: ignore[return-value]


def test_nobody_is_counted_by_address(hub: Any) -> None:
    hub.admin("/limits", {"anonymous": 3})
    nobody = hub.client()
    assert left(nobody.get(OPEN)) == (3, 2, 1)
    assert [nobody.get(f"{OPEN}/labels").status_code for _ in range(4)] == [200, 200, 403, 403]
    refused = nobody.get(OPEN)
    assert refused.json()["message"].startswith("API rate limit exceeded for 127.0.0.1. (But here's the good news")
    assert (left(refused), "Retry-After" in refused.headers) == ((3, 0, 3), False)
    elsewhere = nobody.get(OPEN, headers={"X-Forwarded-For": "192.0.2.7"})
    assert (elsewhere.status_code, left(elsewhere)) == (200, (3, 2, 1))
    assert hub.client("bob").get(OPEN).status_code == 200


def test_each_has_a_bucket(hub: Any) -> None:
    """A person has one for all tokens; each installation has its own, whatever token it uses; so has the app itself."""
    bob = hub.client("bob")
    assert left(bob.get(REPO)) == (5000, 4999, 1)
    assert left(hub.client("bob", prefix="").get(f"{REPO}/labels"))[2] == 2
    one, other = hub.bot(), hub.bot({"issues": "read"})
    assert left(one.get(REPO))[2] == 1
    assert left(other.get(f"{REPO}/labels"))[2] == 2
    assert left(hub.app().get("/app"))[2] > 0
    jobs = hub.hub.access.mint("actions", hub.hub.db.value("SELECT bot_id FROM apps WHERE id = 15368"), permissions={"contents": "read"},
                               repositories=[hub.ids["repositories"]["alice/sample"]], seconds=60)  # fmt: skip
    assert left(hub.with_token(jobs).get(REPO)) == (1000, 999, 1)


def test_what_large_installations_get(hub: Any) -> None:
    """+50 for each repository and each organisation user above 20, at most 12,500; GraphQL's points too."""
    acme = hub.ids["installations"]["branchwork on acme"]
    actor = Actor("installation", installation_id=acme)
    limits = hub.hub.limits
    assert limits.maximum(actor, "core") == 5000
    org = hub.ids["accounts"]["acme"]
    with hub.hub.tx():
        for number in range(24):
            hub.hub.db.insert("repos", owner_id=org, name=f"r{number}", created_at="", updated_at="", pushed_at="")
            member = hub.hub.db.insert("accounts", login=f"m{number}", type="User", created_at="")
            hub.hub.db.execute("INSERT INTO org_members VALUES (?, ?, 'member')", org, member)
    assert limits.maximum(actor, "core") == 5000 + 50 * (25 - 20) + 50 * (26 - 20)
    assert limits.maximum(actor, "graphql") == limits.maximum(actor, "core")
    hub.admin("/limits", {"primary_per_repository": 5000})
    assert limits.maximum(actor, "core") == 12_500
    assert limits.maximum(Actor("user", 1), "graphql") == 5000


def test_searches(hub: Any) -> None:
    hub.admin("/limits", {"search": 2, "search_anonymous": 1})
    bob = hub.client("bob")
    answers = [bob.get("/search/issues", params={"q": "x"}) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 403]
    assert answers[-1].headers["X-RateLimit-Resource"] == "search"
    assert bob.get(REPO).status_code == 200, "the core limit is another"
    nobody = hub.client()
    assert [nobody.get("/search/issues", params={"q": "x"}).status_code for _ in range(2)] == [200, 403]
    hub.admin("/clock", {"advance": 61})
    assert bob.get("/search/issues", params={"q": "x"}).status_code == 200


def test_the_primary_answer(hub: Any) -> None:
    hub.admin("/limits", {"primary": 1})
    bot = hub.bot()
    first = bot.get(REPO)
    refused = bot.get(f"{REPO}/labels")
    assert refused.status_code == 403
    assert refused.json()["message"].startswith(f"API rate limit exceeded for installation ID {hub.installation_id}. ")
    assert refused.json()["documentation_url"].endswith("rate-limits-for-the-rest-api")
    assert refused.headers["X-RateLimit-Reset"] == first.headers["X-RateLimit-Reset"]
    state = bot.get("/rate_limit").json()["resources"]
    assert (state["core"]["remaining"], state["graphql"]["remaining"], state["search"]["limit"]) == (0, 5000, 30)
    hub.admin("/clock", {"advance": 3601})
    assert left(hub.bot().get(REPO))[2] == 1


def test_asking_for_the_state_costs_nothing(hub: Any) -> None:
    bob = hub.client("bob")
    before = bob.get("/rate_limit").json()["resources"]["core"]
    for _ in range(3):
        assert bob.get("/rate_limit").json()["resources"]["core"]["used"] == before["used"] == 0
    assert hub.client().get("/rate_limit").json()["resources"]["core"]["limit"] == 60


def test_a_304_is_free_of_the_hour_and_not_of_the_minute(hub: Any) -> None:
    hub.admin("/limits", {"points": 5})
    bob = hub.client("bob")
    etag = bob.get(REPO).headers["ETag"]
    answers = [bob.get(REPO, headers={"If-None-Match": etag}) for _ in range(5)]
    assert [each.status_code for each in answers] == [304, 304, 304, 304, 403]
    assert {left(each)[2] for each in answers[:4]} == {1}
    assert "secondary rate limit" in answers[-1].json()["message"]
    assert int(answers[-1].headers["Retry-After"]) <= 61
    assert answers[-1].headers["X-RateLimit-Remaining"] != "0", "which is how a client tells the two apart"


def test_points_of_graphql(hub: Any) -> None:
    hub.admin("/limits", {"graphql_points": 7})
    bob = hub.client("bob")
    bob.post(f"{REPO}/issues", json={"title": "x"})
    node = bob.get(f"{REPO}/issues/1").json()["node_id"]
    mutation = f'mutation {{ addComment(input: {{subjectId: "{node}", body: "x"}}) {{ clientMutationId }} }}'

    def ask(query: str) -> httpx.Response:
        return bob.post(f"{hub.url}/graphql", json={"query": query})

    assert [ask(mutation).status_code, ask("{ viewer { login } }").status_code] == [200, 200]
    refused = ask(mutation)
    assert (refused.status_code, "Retry-After" in refused.headers) == (403, True)
    assert refused.headers["X-RateLimit-Resource"] == "graphql"
    assert bob.get(REPO).status_code == 200, "REST has points of its own"
    hub.admin("/limits", {"graphql": 1, "graphql_points": 2000})
    hub.admin("/clock", {"advance": 3601})
    assert "errors" not in ask("{ viewer { login } }").json()
    spent = ask("{ viewer { login } }")
    assert (spent.status_code, spent.headers["X-RateLimit-Remaining"]) == (200, "0")
    assert "rate limit exceeded" in spent.json()["errors"][0]["message"]


def test_so_many_at_once(hub: Any) -> None:
    """Slow requests hold their places, over REST and GraphQL together; the others' places are their own."""
    hub.admin("/limits", {"concurrency": 2})
    hub.admin("/faults", {"rules": [{"kind": "latency", "seconds": 0.5, "path": "/labels$|graphql"}]})
    bob, seen = hub.client("bob"), []
    entered = threading.Barrier(3)

    def slow(path: str) -> int:
        entered.wait(5)
        client = hub.with_token(hub.pat("bob"), "")
        if path == "/graphql":
            return int(client.post(path, json={"query": "{ viewer { login } }"}).status_code)
        return int(client.get(path).status_code)

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(slow, path) for path in (f"{REPO}/labels", "/graphql")]
        entered.wait(5)
        end = time.monotonic() + 5
        while not all(each.done() for each in both) and time.monotonic() < end:
            seen.append(bob.get(REPO))
            assert hub.client("carol").get(REPO).status_code == 200
        assert [each.result() for each in both] == [200, 200]
    refused = [each for each in seen if each.status_code == 403]
    assert refused, "none was refused while two were under way"
    assert refused[0].json()["message"].startswith("You have exceeded a secondary rate limit.")
    assert refused[0].headers["Retry-After"] == "60"
    assert bob.get(REPO).status_code == 200, "and the places are free again"


def test_the_work_of_a_minute(hub: Any) -> None:
    """CPU time is an estimate (of the process, shared), so only that it is counted and answered is certain."""
    hub.admin("/limits", {"cpu_seconds": 0.0})
    bob = hub.client("bob")
    assert bob.get(REPO).status_code == 200
    refused = bob.get(f"{REPO}/labels")
    assert (refused.status_code, refused.headers["Retry-After"]) == (403, "60")
    hub.admin("/clock", {"advance": 61})
    assert bob.get(f"{REPO}/labels").status_code == 200


@pytest.mark.parametrize("way", ["issue", "comment", "pull", "review", "graphql"])
def test_every_way_to_create_is_counted(hub: Any, way: str) -> None:
    bob = hub.client("bob")
    bob.post(f"{REPO}/issues", json={"title": "first"})
    sha = bob.get(f"{REPO}/git/ref/heads/main").json()["object"]["sha"]
    for name in ("a", "b", "c", "d"):
        bob.put(f"{REPO}/contents/{name}", json={"message": name, "content": "eA==", "branch": "main"})
        bob.post(f"{REPO}/git/refs", json={"ref": f"refs/heads/{name}", "sha": sha})
    bob.post(f"{REPO}/pulls", json={"title": "p", "head": "main", "base": "a"})
    repository = bob.get(REPO).json()["node_id"]
    alice = hub.client("alice")

    def create(number: int) -> httpx.Response:
        match way:
            case "issue":
                return alice.post(f"{REPO}/issues", json={"title": "x"})
            case "comment":
                return alice.post(f"{REPO}/issues/1/comments", json={"body": "x"})
            case "pull":
                return alice.post(f"{REPO}/pulls", json={"title": "x", "head": "main", "base": "bcd"[number]})
            case "review":
                return alice.post(f"{REPO}/pulls/2/reviews", json={"event": "COMMENT", "body": "x"})
            case _:
                made = 'createIssue(input: {repositoryId: "%s", title: "x"}) { clientMutationId }' % repository  # noqa: UP031
                return alice.post(f"{hub.url}/graphql", json={"query": f"mutation {{ a: {made} b: {made} }}"})

    count = 1 if way == "graphql" else 2
    hub.admin("/limits", {"creations_minute": 2})
    answers = [create(number) for number in range(count)]
    assert all(each.is_success and "errors" not in each.json() for each in answers), [each.text for each in answers]
    refused = create(2)
    assert "blocked from content creation" in refused.text
    if way != "graphql":
        assert (refused.status_code, refused.headers["Retry-After"]) == (403, "60")
    assert alice.patch(f"{REPO}/issues/1", json={"body": "an edit"}).status_code == 200


def test_limits_are_shown_and_changed(hub: Any) -> None:
    for wrong in ({"primry": 1}, {"primary": -1}, {"primary": "many"}):
        answer = httpx.post(f"{hub.url}/_localhub/limits", json=wrong, trust_env=False)
        assert answer.status_code == 422
        assert next(iter(wrong)) in answer.json()["message"]
    hub.admin("/limits", {"primary": 7})
    assert httpx.get(f"{hub.url}/_localhub/limits", trust_env=False).json()["primary"] == 7
    hub.client("bob").get(REPO)
    assert httpx.delete(f"{hub.url}/_localhub/limits/counts", trust_env=False).status_code == 204
    assert left(hub.client("bob").get(f"{REPO}/labels")) == (7, 6, 1)


def test_a_restart_forgets_nothing_that_counts(tmp_path: Path) -> None:
    actor = Actor("user", 1)
    hub = Hub(tmp_path)
    hub.limits.change({"creations_hour": 3, "creations_minute": 3})
    hub.start()
    for _ in range(3):
        hub.limits.begin(actor, "core", 1)
        hub.limits.end(actor, "core", 0)
        hub.limits.created(actor)
    before = hub.limits.state(actor, "core")
    hub.close()
    again = Hub(tmp_path)
    assert again.limits.state(actor, "core") == before
    assert again.limits.settings.creations_hour == 3
    with pytest.raises(Exception, match="blocked from content creation"):
        again.limits.created(actor)
    again.close()
    (tmp_path / "limits.json").write_text("{")
    fresh = Hub(tmp_path)
    assert fresh.limits.state(actor, "core")["used"] == 0
    fresh.close()
