"""Apps: their JWT, installations, tokens, hook deliveries, and the life of an installation."""

from __future__ import annotations

import json
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import jwt

REPO = "/repos/alice/sample"


def test_an_app_finds_its_installations(hub, validate):
    app = hub.app()
    shown = validate(app.get("/app"), "Integration")
    assert (shown["slug"], shown["installations_count"]) == ("branchwork", 2)
    assert len(validate(app.get("/app/installations"), "list[Installation]")) == 2
    one = validate(app.get(f"/app/installations/{hub.installation_id}"), "Installation")
    assert one["account"]["login"] == "alice"
    assert validate(app.get(f"{REPO}/installation"), "Installation")["id"] == one["id"]
    assert validate(app.get("/users/alice/installation"), "Installation")["id"] == one["id"]
    assert validate(app.get("/orgs/acme/installation"), "Installation")["target_type"] == "Organization"
    assert app.get("/repos/alice/other/installation").status_code == 404
    assert app.get("/app/installations/1").status_code == 404
    validate(hub.client().get("/apps/branchwork"), "Integration")


def test_what_is_wrong_with_a_jwt_is_told(hub, key_pem):
    now = int(hub.hub.clock.timestamp())

    def message(token: str) -> str:
        answer = hub.with_token(token).get("/app")
        assert answer.status_code == 401
        return str(answer.json()["message"])

    assert message(hub.app_jwt(exp=now + 3600)) == "'Expiration time' claim ('exp') is too far in the future"
    assert message(hub.app_jwt(exp=now - 5)).startswith("'Expiration time' claim ('exp') must be")
    assert message(hub.app_jwt(iat=now + 300)).startswith("'Issued at' claim ('iat')")
    assert message(hub.app_jwt(iss="99")) == "Integration not found"
    assert message("a.b.c") == "A JSON web token could not be decoded"
    forged = jwt.encode({"iat": now, "exp": now + 60, "iss": "4242"}, "x" * 40, "HS256")
    assert message(forged) == "A JSON web token could not be decoded"
    assert hub.client("alice").get("/app").status_code == 401
    assert hub.with_token("ghp_wrong").get("/user").json()["message"] == "Bad credentials"


def test_a_token_has_what_was_granted_or_less(hub, validate):
    app, url = hub.app(), f"/app/installations/{hub.installation_id}/access_tokens"
    everything = validate(app.post(url, json={"permissions": {}}), "InstallationToken", 201)
    assert everything["permissions"]["issues"] == "write"
    assert "repositories" not in everything
    validate(app.post(url), "InstallationToken", 201)
    narrow = validate(
        app.post(url, json={"repositories": ["sample"], "permissions": {"issues": "read"}}), "InstallationToken", 201
    )
    assert narrow["permissions"] == {"issues": "read", "metadata": "read"}
    assert [each["name"] for each in narrow["repositories"]] == ["sample"]
    client = hub.with_token(narrow["token"])
    assert client.get(f"{REPO}/issues").status_code == 200
    assert client.post(f"{REPO}/issues", json={"title": "x"}).status_code == 403
    for body in ({"permissions": {"administration": "write"}}, {"repositories": ["other"]}, {"repository_ids": [1]}):
        assert app.post(url, json=body).status_code == 422
    listed = validate(client.get("/installation/repositories"), "InstallationRepositoriesGetResponse200")
    assert listed["total_count"] == 1
    assert client.delete("/installation/token").status_code == 204
    assert client.get(REPO).status_code == 401


def test_a_token_lives_an_hour(hub):
    bot = hub.bot()
    assert bot.get(REPO).status_code == 200
    hub.admin("/clock", {"advance": 3580})
    assert bot.get(REPO).status_code == 200
    hub.admin("/clock", {"advance": 30})
    answer = bot.get(REPO)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_a_token_reaches_only_its_repositories(hub):
    bot = hub.bot()
    assert bot.get("/repos/alice/other").status_code == 404
    assert bot.get("/repos/acme/tools").status_code == 404
    assert bot.get("/repos/alice/open").status_code == 200, "public: anyone reads"
    refused = bot.post("/repos/alice/open/issues", json={"title": "x"})
    assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")


def test_suspended_narrowed_and_removed(hub, validate, validate_hook):
    bot, url = hub.bot(), f"/installations/{hub.installation_id}"
    hub.admin(url, {"action": "suspend"})
    validate_hook(hub.hooks.delivery("installation", "suspend"))
    assert bot.get(REPO).status_code == 403
    assert hub.app().post(f"/app{url}/access_tokens").status_code == 403
    hub.client("bob").post(f"{REPO}/issues", json={"title": "unheard"})
    hub.settle()
    assert hub.hooks.find("issues") == []
    hub.admin(url, {"action": "unsuspend"})
    validate_hook(hub.hooks.delivery("installation", "unsuspend"))
    assert bot.get(REPO).status_code == 200

    hub.admin(url, {"action": "permissions", "permissions": {"issues": "read", "metadata": "read"}})
    validate_hook(hub.hooks.delivery("installation", "new_permissions_accepted"))
    assert bot.post(f"{REPO}/issues", json={"title": "x"}).status_code == 403, "tokens made before lose it too"

    hub.admin(url, {"action": "repositories", "add": ["alice/other"], "remove": ["alice/sample"]})
    added = validate_hook(hub.hooks.delivery("installation_repositories", "added"))
    assert [each["full_name"] for each in added["repositories_added"]] == ["alice/other"]
    removed = validate_hook(hub.hooks.delivery("installation_repositories", "removed"))
    assert [each["full_name"] for each in removed["repositories_removed"]] == ["alice/sample"]
    assert bot.get(REPO).status_code == 404
    hub.admin(url, {"action": "uninstall"})
    gone = validate_hook(hub.hooks.delivery("installation", "deleted"))
    assert gone["installation"]["id"] == hub.installation_id
    assert bot.get("/repos/alice/other").status_code == 401
    assert hub.app().get(f"/app{url}").status_code == 404


def test_deliveries_are_kept_and_sent_again(hub, validate):
    app, bob = hub.app(), hub.client("bob")
    hub.hooks.status = 500
    bob.post(f"{REPO}/issues", json={"title": "x"})
    first = hub.hooks.delivery("issues", "opened")
    hub.settle()
    items = validate(app.get("/app/hook/deliveries"), "list[HookDeliveryItem]")
    assert (items[0]["guid"], items[0]["status_code"], items[0]["redelivery"]) == (first.guid, 500, False)
    full = validate(app.get(f"/app/hook/deliveries/{items[0]['id']}"), "HookDelivery")
    assert full["request"]["payload"]["issue"]["title"] == "x"
    assert full["request"]["headers"]["X-Hub-Signature-256"] == first.headers["X-Hub-Signature-256"]
    assert full["response"]["payload"] == "ok"
    hub.hooks.status = 202
    assert app.post(f"/app/hook/deliveries/{items[0]['id']}/attempts").status_code == 202
    again = hub.hooks.delivery("issues", "opened", 2)
    assert (again.guid, again.body) == (first.guid, first.body)
    hub.settle()
    items = app.get("/app/hook/deliveries").json()
    assert (items[0]["redelivery"], items[0]["status"]) == (True, "Accepted")
    failed = app.get("/app/hook/deliveries", params={"status": "failure"}).json()
    assert [each["status_code"] for each in failed] == [500]
    bob.post(f"{REPO}/issues", json={"title": "y"})
    hub.settle()
    page = app.get("/app/hook/deliveries", params={"per_page": 1})
    rest = app.get(page.links["next"]["url"])
    assert page.json()[0]["id"] > rest.json()[0]["id"]
    hub.admin("/clock", {"advance": 4 * 86_400})
    assert hub.app().post(f"/app/hook/deliveries/{items[0]['id']}/attempts").status_code == 422
    validate(hub.app().get("/app/hook/config"), "WebhookConfig")
    moved = validate(hub.app().patch("/app/hook/config", json={"url": "http://127.0.0.1:1/"}), "WebhookConfig")
    assert moved["url"] == "http://127.0.0.1:1/"


def test_a_hook_that_nobody_answers_is_recorded(hub):
    hub.app().patch("/app/hook/config", json={"url": "http://127.0.0.1:1/"})
    hub.client("bob").post(f"{REPO}/issues", json={"title": "x"})
    hub.settle()
    item = hub.app().get("/app/hook/deliveries").json()[0]
    assert (item["status_code"], item["status"].startswith("failed to connect")) == (0, True)


def test_the_manifest_flow(hub, validate):
    manifest = {
        "name": "Fresh App", "url": "http://example.org", "redirect_url": "http://127.0.0.1:9/back?x=1",
        "hook_attributes": {"url": hub.hooks.url}, "default_permissions": {"issues": "write"}, "default_events": ["issues"],
    }  # fmt: skip
    browser = hub.client(prefix="")
    browser.headers["Accept"] = "text/html"
    shown = browser.post("/settings/apps/new", params={"state": "s1"}, data={"manifest": json.dumps(manifest)})
    assert shown.status_code == 200
    fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', shown.text)}
    assert (fields["state"], fields["name"]) == ("s1", "Fresh App")
    back = browser.post("/settings/apps/create", data={**fields, "owner": "alice"})
    assert back.status_code == 302
    query = parse_qs(urlsplit(back.headers["Location"]).query)
    assert (query["state"], query["x"]) == (["s1"], ["1"])
    url = f"/app-manifests/{query['code'][0]}/conversions"
    made = validate(hub.client().post(url), "AppManifestsCodeConversionsPostResponse201", 201)
    assert hub.client().post(url).status_code == 404, "a code works once"
    now = int(hub.hub.clock.timestamp())
    token = jwt.encode({"iat": now - 60, "exp": now + 60, "iss": made["client_id"]}, made["pem"], "RS256")
    assert hub.with_token(token).get("/app").json()["slug"] == "fresh-app"
    bad = browser.post("/settings/apps/new", data={"manifest": "{}"})
    assert bad.status_code == 422
