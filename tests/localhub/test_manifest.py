"""The App manifest flow: the form, its page, the way back with a code, and what the code is good for."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

MANIFEST = {
    "name": "Fresh App",
    "url": "http://example.org/about",
    "redirect_url": "http://127.0.0.1:9/back?kept=1",
    "hook_attributes": {"url": "http://127.0.0.1:9/hook"},
    "default_permissions": {"issues": "write", "contents": "read"},
    "default_events": ["issues", "push"],
    "public": True,
}


class Browser:
    """Alice's, which has shown her the page."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self.client = hub.client(prefix="")
        self.client.headers["Accept"] = "text/html"
        self.client.post("/login", data={"login": "alice"})

    def ask(self, manifest: dict[str, Any], place: str = "/settings/apps/new", state: str = "s 1&x") -> httpx.Response:
        answer: httpx.Response = self.client.post(
            place, params={"state": state}, data={"manifest": json.dumps(manifest)}
        )
        return answer

    def press(self, shown: httpx.Response, **changed: str) -> httpx.Response:
        """The page's button."""
        fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', shown.text)}
        answer: httpx.Response = self.client.post("/settings/apps/create", data={"owner": "alice", **fields, **changed})
        return answer

    def code(self, manifest: dict[str, Any], **changed: str) -> str:
        back = self.press(self.ask(manifest), **changed)
        assert back.status_code == 302, back.text
        return parse_qs(urlsplit(back.headers["Location"]).query)["code"][0]


@pytest.fixture
def browser(hub: Any) -> Browser:
    return Browser(hub)


def convert(hub: Any, code: str) -> httpx.Response:
    answer: httpx.Response = hub.client().post(f"/app-manifests/{code}/conversions")
    return answer


def test_the_way_back_has_code_and_state(hub: Any, browser: Browser) -> None:
    shown = browser.ask(MANIFEST)
    assert shown.status_code == 200
    for said in ("Fresh App", "issues", "contents"):
        assert said in shown.text
    back = browser.press(shown)
    place = urlsplit(back.headers["Location"])
    query = parse_qs(place.query)
    assert (place.netloc, place.path, query["kept"], query["state"]) == ("127.0.0.1:9", "/back", ["1"], ["s 1&x"])
    made = convert(hub, query["code"][0])
    assert made.status_code == 201
    app = made.json()
    assert (app["slug"], app["owner"]["login"], app["external_url"]) == ("fresh-app", "alice", MANIFEST["url"])
    assert app["permissions"] == {"issues": "write", "contents": "read", "metadata": "read"}
    assert app["events"] == ["issues", "push"]
    assert {"client_id", "client_secret", "webhook_secret", "pem"} <= set(app)
    assert "RSA PRIVATE KEY" in app["pem"]
    again = hub.client().get("/apps/fresh-app").json()
    assert not {"client_secret", "webhook_secret", "pem"} & set(again), "its secrets are told once"


def test_a_code_works_once_and_for_an_hour(hub: Any, browser: Browser) -> None:
    code = browser.code(MANIFEST)
    assert [convert(hub, code).status_code for _ in range(2)] == [201, 404]
    assert hub.client().get("/rate_limit").json()["resources"]["integration_manifest"]["used"] == 2
    late = browser.code({**MANIFEST, "name": "Late"})
    hub.admin("/clock", {"advance": 3599})
    hub.admin("/clock", {"advance": 2})
    assert convert(hub, late).status_code == 404
    assert convert(hub, "no-such-code").status_code == 404


def test_an_organisations_app(hub: Any, browser: Browser) -> None:
    browser.client.post("/login", data={"login": "octo-owner"})
    shown = browser.ask({**MANIFEST, "name": "Of Acme"}, "/organizations/acme/settings/apps/new")
    assert shown.status_code == 200
    back = browser.press(shown, owner="acme")
    made = convert(hub, parse_qs(urlsplit(back.headers["Location"]).query)["code"][0]).json()
    assert made["owner"]["login"] == "acme"
    assert browser.ask(MANIFEST, "/organizations/nobody/settings/apps/new").status_code == 404


@pytest.mark.parametrize(
    "wrong", [{}, {"name": "x"}, {**MANIFEST, "default_permissions": ["issues"]}, {**MANIFEST, "hook_attributes": "x"}, {**MANIFEST, "url": 7}]
)  # fmt: skip
def test_a_manifest_that_is_not_understood(browser: Browser, wrong: dict[str, Any]) -> None:
    assert browser.ask(wrong).status_code == 422


def test_names_are_taken_once(browser: Browser) -> None:
    browser.code(MANIFEST)
    assert browser.press(browser.ask(MANIFEST)).status_code == 422
    assert browser.press(browser.ask(MANIFEST), name="***").status_code == 422
    assert browser.press(browser.ask(MANIFEST), name="Another").status_code == 302


def test_an_inactive_hook_hears_nothing(hub: Any, browser: Browser) -> None:
    quiet = {**MANIFEST, "name": "Quiet", "hook_attributes": {"url": hub.hooks.url, "active": False}}
    app = convert(hub, browser.code(quiet)).json()
    row = hub.hub.db.get("apps", app["id"])
    assert (row["webhook_url"] is None) or not row["webhook_active"]


def test_what_is_wrong_is_shown_to_a_person(hub: Any, browser: Browser) -> None:
    """A page with words, not JSON; who acts is the owner unless another is chosen."""
    for manifest, says in (
        ({"name": "x"}, "url: field required"),
        (MANIFEST | {"default_events": ["isues"]}, "there is no event &#39;isues&#39;; did you mean &#39;issues&#39;?"),
        (MANIFEST | {"default_permissions": {"issues": "all"}}, "input should be &#39;read&#39;, &#39;write&#39;"),
    ):
        answer = browser.ask(manifest)
        assert answer.status_code == 422
        assert says in answer.text
        assert "<h1>" in answer.text
    shown = browser.ask(MANIFEST)
    assert "<option selected>alice</option>" in shown.text
    assert "has no letter or digit" in browser.press(shown, name="!!!").text
    assert browser.press(shown, name="branchwork").status_code == 422
    plain = hub.client(prefix="").post("/settings/apps/new", data={"manifest": "{"})
    assert plain.json()["message"].startswith("The manifest is not understood: the whole: invalid JSON")
