"""Apps: what they may ask about themselves, tokens, deliveries, manifests, and the life of an installation."""

from __future__ import annotations

import json
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

from tests.localhub.contract.session import NEW, VERSION, Session, body, scenario
from tests.localhub.world import PERMISSIONS, plain_client

REPO = "/repos/alice/sample"


@scenario
def an_app_and_its_tokens(c: Session) -> None:
    body(c.app.get("/app"))
    body(c.alice.get("/apps/branchwork"))
    body(c.app.get("/app/installations"))
    place = f"/app/installations/{c.world.installation_id}"
    body(c.app.get(place))
    for found in (f"{REPO}/installation", "/users/alice/installation", "/orgs/acme/installation"):
        body(c.app.get(found))
    wanted = {"repositories": ["sample"], "permissions": {"issues": "write", "metadata": "read"}}
    token = body(c.app.post(f"{place}/access_tokens", json=wanted), 201)["token"]
    body(c.app.post(f"{place}/access_tokens", json={"repositories": ["nothing"]}), 422)
    bot = c.judged(c.world.with_token(token))
    body(bot.get("/installation/repositories"))
    assert bot.delete("/installation/token").status_code == 204
    assert bot.get("/installation/repositories").status_code == 401


@scenario
def deliveries(c: Session) -> None:
    body(c.app.get("/app/hook/config"))
    body(c.app.patch("/app/hook/config", json={"content_type": "json", "url": c.world.hooks.url}))
    body(c.alice.post(f"{REPO}/issues", json={"title": "Told"}), 201)
    c.settle()
    newest = body(c.app.get("/app/hook/deliveries"))[0]
    body(c.app.get(f"/app/hook/deliveries/{newest['id']}"))
    body(c.app.post(f"/app/hook/deliveries/{newest['id']}/attempts"), 202)


@scenario
def the_life_of_an_installation(c: Session) -> None:
    place = f"/app/installations/{c.world.installation_id}"
    assert c.app.put(f"{place}/suspended").status_code == 204
    assert c.app.delete(f"{place}/suspended").status_code == 204
    owner = f"/installations/{c.world.installation_id}"
    c.world.admin(owner, {"action": "permissions", "permissions": PERMISSIONS | {"actions": "read"}})
    c.world.admin(owner, {"action": "repositories", "add": ["alice/other"]})
    c.world.admin(owner, {"action": "repositories", "remove": ["alice/other"]})
    assert c.app.delete(place).status_code == 204
    again = {"installations": [{"app": "branchwork", "account": "alice", "repositories": ["alice/sample"]}]}
    made = c.world.admin("/seed", again)["installations"]["branchwork on alice"]
    assert c.app.delete(f"/app/installations/{made}", headers={VERSION: NEW}).status_code == 202


@scenario
def a_manifest(c: Session) -> None:
    manifest = {
        "name": "Fresh App", "url": "http://example.org", "redirect_url": "http://127.0.0.1:9/back",
        "hook_attributes": {"url": c.world.hooks.url}, "default_permissions": {"issues": "write"}, "default_events": ["issues"],
    }  # fmt: skip
    with plain_client(base_url=c.world.url, headers={"Accept": "text/html"}) as browser:
        shown = browser.post("/settings/apps/new", data={"manifest": json.dumps(manifest)})
        fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', shown.text)}
        back = browser.post("/settings/apps/create", data={**fields, "owner": "alice"})
    (code,) = parse_qs(urlsplit(back.headers["Location"]).query)["code"]
    nobody = c.judged(c.world.client(None))
    body(nobody.post(f"/app-manifests/{code}/conversions"), 201)
    assert nobody.post(f"/app-manifests/{code}/conversions").status_code == 404
