"""What is true of every answer: prefixes, headers, paging, conditional requests, media types, and what is malformed."""

from __future__ import annotations

import http.client
import json
import re
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from localhub.clock import parse_iso

REPO = "/repos/alice/sample"


def raw(
    hub: Any, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, dict[str, str], bytes]:
    """A request with exactly these headers, which no client library of a person would send."""
    connection = http.client.HTTPConnection(urlsplit(hub.url).netloc, timeout=10)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


def test_urls_in_answers_lead_back(hub: Any) -> None:
    """As on an Enterprise Server, the API's own URLs have /api/v3, whichever prefix the client used."""
    for prefix in ("", "/api/v3"):
        bob = hub.client("bob", prefix=prefix)
        issue = bob.post(f"{REPO}/issues", json={"title": "x"}).json()
        assert issue["url"].startswith(f"{hub.url}/api/v3/repos/alice/sample/issues/")
        assert issue["html_url"].startswith(f"{hub.url}/alice/sample/issues/")
        assert bob.get(issue["url"]).json()["id"] == issue["id"]
        page = bob.get(f"{REPO}/issues?per_page=1&state=all&labels=")
        if "next" in page.links:
            assert page.links["next"]["url"].startswith(f"{hub.url}{prefix}/repos/")
            assert bob.get(page.links["next"]["url"]).status_code == 200


def test_paging(hub: Any) -> None:
    bob = hub.client("bob")
    for number in range(7):
        bob.post(f"{REPO}/issues", json={"title": str(number)})

    def links(answer: Any) -> dict[str, str]:
        return {rel: re.search(r"[?&]page=(\d+)", link["url"])[1] for rel, link in answer.links.items()}  # type: ignore[index]

    def get(query: str) -> Any:
        answer = bob.get(f"{REPO}/issues?{query}")
        assert answer.status_code == 200, answer.text
        return answer

    assert links(get("")) == {}
    assert links(get("per_page=3")) == {"next": "2", "last": "3"}
    assert links(get("per_page=3&page=2")) == {"prev": "1", "next": "3", "last": "3", "first": "1"}
    assert links(get("per_page=3&page=3")) == {"prev": "2", "first": "1"}
    beyond = get("per_page=3&page=9")
    assert beyond.json() == []
    assert links(beyond)["first"] == "1"
    assert (links(beyond)["prev"], links(beyond)["last"]) == ("3", "3")
    assert len(get("per_page=1000").json()) == 7
    for nonsense in (
        "per_page=0",
        "per_page=-1",
        "per_page=x",
        "page=0",
        "page=-3",
        f"page={'9' * 40}",
        "per_page=%C2%B2",
    ):
        assert isinstance(get(nonsense).json(), list)
    kept = get("per_page=3&state=all&sort=created&direction=asc").links["next"]["url"]
    assert {"state=all", "sort=created", "direction=asc", "per_page=3"} <= set(urlsplit(kept).query.split("&"))
    assert [each["title"] for each in bob.get(kept).json()] == ["3", "4", "5"]


def test_what_has_not_changed_is_not_sent_again(hub: Any) -> None:
    bob = hub.client("bob")
    first = bob.get(REPO)
    etag = first.headers["ETag"]
    assert etag.startswith('W/"')
    used = int(first.headers["X-RateLimit-Used"])
    for condition in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        again = bob.get(REPO, headers={"If-None-Match": condition})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert int(bob.get(REPO).headers["X-RateLimit-Used"]) == used + 1, "a 304 is free"
    updated = parse_iso(first.json()["updated_at"])
    assert first.headers["Last-Modified"] == format_datetime(updated, usegmt=True)
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert bob.get(REPO, headers=since).status_code == 304
    assert bob.get(REPO, headers={**since, "If-None-Match": '"old"'}).status_code == 200, "the ETag counts first"
    assert bob.get(REPO, headers={"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}).status_code == 200
    assert bob.get(REPO, headers={"If-Modified-Since": "yesterday"}).status_code == 200
    hub.client("alice").patch(REPO, json={"description": "New"})
    assert bob.get(REPO, headers={"If-None-Match": etag}).status_code == 200
    assert hub.client("carol").get(REPO, headers={"If-None-Match": etag}).status_code == 200, (
        "carol's answer is another"
    )


def test_headers_of_every_answer(hub: Any) -> None:
    seen = set()
    for client, path, status in ((hub.client("bob"), REPO, 200), (hub.client("bob"), "/repos/alice/none", 404), (hub.client(), REPO, 404),
                                 (hub.with_token("ghp_no"), REPO, 401)):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == status
        headers = answer.headers
        assert re.fullmatch(r"[0-9A-F]{4}:[0-9A-F]{20}", headers["X-GitHub-Request-Id"])
        seen.add(headers["X-GitHub-Request-Id"])
        assert headers["X-GitHub-Media-Type"] == "github.v3; format=json"
        assert headers["Content-Type"] == "application/json; charset=utf-8"
        assert headers["X-RateLimit-Resource"] == "core"
        assert int(headers["X-RateLimit-Limit"]) == int(headers["X-RateLimit-Remaining"]) + int(
            headers["X-RateLimit-Used"]
        )
        assert int(headers["X-RateLimit-Reset"]) > hub.hub.clock.timestamp()
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "ETag" in headers["Access-Control-Expose-Headers"]
        if status != 200:
            assert set(answer.json()) == {"message", "documentation_url", "status"}
            assert answer.json()["status"] == str(status)
    assert len(seen) == 4


def test_the_version_header(hub: Any) -> None:
    bob = hub.client("bob")
    for version in ("2022-11-28", "2026-03-10"):
        answer = bob.get(REPO, headers={"X-GitHub-Api-Version": version})
        assert answer.headers["X-GitHub-Api-Version-Selected"] == version
    assert bob.get("/versions").json() == ["2022-11-28", "2026-03-10"]
    refused = bob.get(REPO, headers={"X-GitHub-Api-Version": "2021-01-01"})
    assert (refused.status_code, "2021-01-01" in refused.json()["message"]) == (400, True)


def test_a_client_must_say_its_name(hub: Any) -> None:
    status, _, content = raw(hub, "GET", f"/api/v3{REPO}", {"Host": "x", "Authorization": "Bearer ghp_bob"})
    assert (status, b"User-Agent" in content) == (403, True)
    assert raw(hub, "GET", "/alice/open", {"Host": "x", "Accept": "text/html"})[0] == 200, "pages ask for none"


def test_a_browser_on_another_site_may_ask(hub: Any) -> None:
    answer = hub.client().options(
        REPO, headers={"Origin": "http://example.org", "Access-Control-Request-Method": "PATCH"}
    )
    assert (answer.status_code, answer.headers["Access-Control-Allow-Methods"]) == (
        204,
        "GET, POST, PATCH, PUT, DELETE",
    )
    assert "X-GitHub-Api-Version" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(
    "body", [b"{", b'{"title": ', b"title=x", b"\xff\xfe", b'{"title": "\\ud800"}', b"[" * 100_000]
)
def test_what_is_no_json_is_told(hub: Any, body: bytes) -> None:
    answer = hub.client("bob").post(f"{REPO}/issues", content=body)
    assert (answer.status_code, answer.json()["message"]) == (400, "Problems parsing JSON")


def test_errors_point_to_the_page_of_their_operation(hub: Any) -> None:
    docs = "https://docs.github.com/rest"
    bob, nobody, slashes = hub.client("bob"), hub.client(), f"{REPO}/branches/feature/x"
    for answer, status, page in (
        (bob.get(f"{REPO}/issues/99"), 404, "/issues/issues#get-an-issue"),
        (hub.client("bob", prefix="").get(f"{REPO}/issues/99"), 404, "/issues/issues#get-an-issue"),
        (bob.get("/repos/bob/none"), 404, "/repos/repos#get-a-repository"),
        (bob.post(f"{REPO}/issues", json={}), 422, "/issues/issues#create-an-issue"),
        (bob.post(f"{REPO}/issues", json={"title": " "}), 422, "/issues/issues#create-an-issue"),
        (bob.post(f"{REPO}/issues", json=[]), 400, "/issues/issues#create-an-issue"),
        (hub.client("carol").post(f"{REPO}/labels", json={"name": "x"}), 403, "/issues/labels#create-a-label"),
        (nobody.get("/user"), 401, "/users/users#get-the-authenticated-user"),
        (bob.get(f"{REPO}/contents/a/b/c"), 404, "/repos/contents#get-repository-content"),
        (bob.get(f"{REPO}/git/ref/heads/a/b"), 404, "/git/refs#get-a-reference"),
        (bob.get(slashes), 404, "/branches/branches#get-a-branch"),
        (bob.get(f"{slashes}/protection"), 403, "/branches/branch-protection#get-branch-protection"),
        (bob.get("/no/such/path"), 404, ""),
        (bob.delete(f"{REPO}/issues/1"), 404, ""),
        (hub.with_token("ghp_wrong").get("/user"), 401, ""),
        (bob.get("/app"), 401, ""),
    ):
        told = answer.json()
        assert (answer.status_code, told["documentation_url"], told["status"]) == (status, docs + page, str(status))


def test_bodies_of_the_wrong_shape(hub: Any) -> None:
    bob = hub.client("bob")
    for body in ("[]", "1", "null", '"x"', '["a"]'):
        answer = bob.post(f"{REPO}/issues", content=body)
        assert (answer.status_code, answer.json()["message"]) == (400, "Body should be a JSON object"), body
    for wrong in ({}, {"title": None}, {"title": ["x"]}, {"title": "x", "labels": 7}, {"title": "x", "body": {}}):
        answer = bob.post(f"{REPO}/issues", json=wrong)
        assert answer.status_code == 422, (wrong, answer.text)
        assert set(answer.json()) >= {"message", "documentation_url"}
    assert bob.get(f"{REPO}/issues").json() == []
    form = bob.post(
        f"{REPO}/issues", content=b'{"title": "x"}', headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert form.status_code == 201, "curl -d calls everything a form"
    assert hub.client("mallory").post(f"{REPO}/issues", json={}).status_code == 404, "who may not see is told nothing"
    assert hub.client().post("/repos/alice/open/issues", json={}).status_code == 401


def test_numbers_and_names_that_nothing_can_have(hub: Any) -> None:
    bob = hub.client("bob")
    for path in (
        f"{REPO}/issues/{10**30}",
        f"/repositories/{2**64}",
        f"/app/installations/{2**63}",
        f"{REPO}/issues/comments/{2**63}",
    ):
        assert bob.get(path).status_code in (401, 404)
    for path in (f"{REPO}/contents/a%00b", "/users/%FF%FE", f"{REPO}/issues?labels=%00", f"{REPO}/issues?labels=%FF"):
        assert (
            raw(hub, "GET", f"/api/v3{path}", {"Host": "x", "User-Agent": "x", "Authorization": "Bearer ghp_bob"})[0]
            == 400
        )
    assert bob.get(f"{REPO}/issues", params={"labels": "x" * 20_000}).status_code in (200, 414, 422)
    assert bob.get(f"{REPO}/contents/--all").status_code == 404, "a path is no option of git's"
    assert bob.post(f"{REPO}/issues/1/sub_issues", json={"sub_issue_id": 10**40}).status_code == 404


def test_a_body_that_is_too_big(hub: Any) -> None:
    hub.admin("/limits", {"body_bytes": 1000})
    refused = hub.client("bob").post(f"{REPO}/issues", json={"title": "x", "body": "y" * 1000})
    assert refused.status_code == 413
    status, _, _ = raw(
        hub,
        "POST",
        f"/api/v3{REPO}/issues",
        {"Host": "x", "User-Agent": "x", "Authorization": "Bearer ghp_bob"},
        b"{}" + b" " * 2000,
    )
    assert status == 413
    assert hub.client("bob").get(f"{REPO}/issues").json() == []


def test_methods_that_are_not_there(hub: Any) -> None:
    bob = hub.client("bob")
    assert bob.put(f"{REPO}/issues").status_code == 404
    assert bob.delete("/rate_limit").status_code == 404
    head = bob.head(f"{REPO}/issues")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == bob.get(f"{REPO}/issues").headers["ETag"]
    assert bob.head("/repos/alice/none").status_code == 404


def test_bodies_as_text_and_html(hub: Any) -> None:
    bob = hub.client("bob")
    bob.post(f"{REPO}/issues", json={"title": "x", "body": "Some *words* <script>alert(1)</script>"})
    for form, names in (
        ("raw", {"body"}),
        ("text", {"body_text"}),
        ("html", {"body_html"}),
        ("full", {"body", "body_text", "body_html"}),
    ):
        headers = {"Accept": f"application/vnd.github.{form}+json"}
        answer = bob.get(f"{REPO}/issues/1", headers=headers)
        assert {name for name in answer.json() if name.startswith("body")} == names
        assert answer.headers["X-GitHub-Media-Type"] == f"github.v3; param={form}; format=json"
        assert {
            name for name in bob.get(f"{REPO}/issues", headers=headers).json()[0] if name.startswith("body")
        } == names
    full = bob.get(f"{REPO}/issues/1", headers={"Accept": "application/vnd.github.v3.full+json"}).json()
    assert full["body_html"].strip() == "<p>Some <em>words</em> </p>"
    assert full["body_text"] == "Some words"


def test_dates_are_githubs(hub: Any) -> None:
    bob = hub.client("bob")
    bob.post(f"{REPO}/issues", json={"title": "x"})
    dates = re.findall(
        r'"\w+_at":"([^"]*)"',
        json.dumps([bob.get(REPO).json(), bob.get(f"{REPO}/issues/1").json()], separators=(",", ":")),
    )
    assert len(dates) >= 5
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", date) for date in dates)
