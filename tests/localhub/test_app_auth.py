"""What proves who an app is: every way in which a JWT or a token can be wrong, and what narrowing leaves."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

APP = "4242"
REPO = "/repos/alice/sample"
EXPIRED = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
FAR = "'Expiration time' claim ('exp') is too far in the future"
ISSUED = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
ISSUER = "'Issuer' claim ('iss') must be an Integer"
UNKNOWN = "Integration not found"
UNREADABLE = "A JSON web token could not be decoded"
BAD = "Bad credentials"


@pytest.fixture
def frozen(hub: Any) -> int:
    """Now, at which the hub's clock stands still."""
    hub.admin("/clock", {"set": "2030-01-01T00:00:00Z", "freeze": True})
    return int(hub.hub.clock.timestamp())


def ask(hub: Any, token: str, scheme: str = "Bearer") -> tuple[int, str]:
    answer = hub.client().get("/app", headers={"Authorization": f"{scheme} {token}"})
    return answer.status_code, answer.json().get("message", "")


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({}, ""),
        ({"iat": 0, "exp": 1}, ""),
        ({"iat": -3600, "exp": 600}, ""),
        ({"exp": 601}, FAR),
        ({"exp": 3600}, FAR),
        ({"exp": 0}, EXPIRED),
        ({"exp": -1}, EXPIRED),
        ({"exp": None}, EXPIRED),
        ({"iat": 1}, ISSUED),
        ({"iat": 3600}, ISSUED),
        ({"iat": None}, ISSUED),
        ({"iat": 0.5}, ISSUED),
    ],
)
def test_times_of_a_jwt(hub: Any, frozen: int, claims: dict[str, Any], says: str) -> None:
    moments = {"iat": -60, "exp": 300, **claims}
    body = {name: frozen + value for name, value in moments.items() if value is not None} | {"iss": APP}
    status, message = ask(hub, jwt.encode(body, hub.key_pem, "RS256"))
    assert (status, message) == ((401, says) if says else (200, ""))


def test_odd_values_in_a_jwt(hub: Any, frozen: int) -> None:
    def sign(**claims: Any) -> str:
        return jwt.encode({"iat": frozen - 60, "exp": frozen + 60, "iss": APP, **claims}, hub.key_pem, "RS256")

    client_id = hub.app().get("/app").json()["client_id"]
    for good in (sign(iss=client_id), sign(sub="x", aud="y")):
        assert ask(hub, good)[0] == 200
    assert ask(hub, sign(iss="0")) == (401, UNKNOWN)
    assert ask(hub, sign(iss="Iv1.unknown")) == (401, UNKNOWN)
    without = jwt.encode({"iat": frozen, "exp": frozen + 60}, hub.key_pem, "RS256")
    assert ask(hub, without) == (401, ISSUER)
    assert ask(hub, sign(exp=True)) == (401, EXPIRED)
    for wild in ("NaN", "Infinity", '"soon"', "[]", "1e400"):
        raw = json.dumps({"iat": frozen, "exp": 0, "iss": APP}).replace('"exp": 0', f'"exp": {wild}')
        assert ask(hub, signed_by_hand(hub.key_pem, raw))[0] == 401, wild


def signed_by_hand(pem: str, payload: str) -> str:
    """A JWT whose payload no library would write."""
    key = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    parts = [base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in ('{"alg":"RS256","typ":"JWT"}', payload)]
    signature = key.sign(b".".join(parts), key.prepare_key(pem))
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def test_who_signed_a_jwt(hub: Any, frozen: int) -> None:
    claims = {"iat": frozen, "exp": frozen + 60, "iss": APP}
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = hub.hub.db.value("SELECT public_key FROM apps WHERE id = 4242")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    forged = [
        jwt.encode(claims, pem, "RS256"),
        jwt.encode(claims, hub.key_pem, "RS512"),
        jwt.encode(claims, "x" * 40, "HS256"),
        f"{none}.{body}.",
        jwt.encode(claims, hub.key_pem, "RS256")[:-4] + "AAAA",
        "a.b.c",
        "..",
    ]
    assert public.startswith("-----BEGIN PUBLIC KEY-----")
    for token in forged:
        assert ask(hub, token) == (401, UNREADABLE), token
    assert ask(hub, jwt.encode(claims, hub.key_pem, "RS256"), "token") == (401, BAD), "a JWT is a bearer's"
    assert ask(hub, "ghp_alice") == (401, UNREADABLE)
    assert ask(hub, hub.bot_token()) == (401, UNREADABLE)
    for header in ("Bearer", "Basic !!!", "Digest x", "ghp_alice"):
        answer = hub.client().get(REPO, headers={"Authorization": header})
        assert (answer.status_code, answer.json()["message"]) == (401, BAD), header


def test_every_way_to_send_a_token(hub: Any) -> None:
    def status(header: str) -> int:
        return int(hub.client().get(REPO, headers={"Authorization": header}).status_code)

    def basic(pair: str) -> str:
        return "Basic " + base64.b64encode(pair.encode()).decode()

    token = hub.bot_token()
    for header in ("Bearer ghp_bob", "bearer ghp_bob", "token ghp_bob", "Token ghp_bob", basic("bob:ghp_bob"), basic("ghp_bob:"),
                   basic("ghp_bob:x-oauth-basic"), f"token {token}", basic(f"x-access-token:{token}")):  # fmt: skip
        assert status(header) == 200, header
    assert status(basic("bob:password")) == 401


def test_what_an_app_alone_may_ask(hub: Any) -> None:
    """An app's own calls take its JWT and nothing else; a JWT opens no repository."""
    paths = ["/app", "/app/installations", f"/app/installations/{hub.installation_id}", "/app/hook/config", "/app/hook/deliveries",
             f"{REPO}/installation", "/users/alice/installation", "/orgs/acme/installation"]  # fmt: skip
    for path in paths:
        assert hub.app().get(path).status_code == 200, path
        for client in (hub.client(), hub.client("alice"), hub.bot()):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["message"]) == (401, UNREADABLE), path
    app = hub.app()
    assert app.get(REPO).status_code == 404
    assert app.get("/installation/repositories").status_code == 403
    assert app.get("/user").status_code in (401, 403)
    assert app.post("/graphql", json={"query": "{ viewer { login } }"}).status_code == 401


def test_narrowing(hub: Any) -> None:
    app, url = hub.app(), f"/app/installations/{hub.installation_id}/access_tokens"
    hub.admin(f"/installations/{hub.installation_id}", {"action": "repositories", "add": ["alice/other"]})
    sample, other = (hub.ids["repositories"][f"alice/{name}"] for name in ("sample", "other"))

    def made(**body: Any) -> dict[str, Any]:
        answer = app.post(url, json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    for body in ({}, {"permissions": {}}, {"permissions": None, "repositories": None}):
        whole = made(**body)
        assert (whole["repository_selection"], "repositories" in whole) == ("selected", False)
        assert whole["permissions"]["contents"] == "write"
    by_id = made(repository_ids=[other], permissions={"contents": "read"})
    assert [each["id"] for each in by_id["repositories"]] == [other]
    both = made(repository_ids=[other], repositories=["SAMPLE"])
    assert [each["id"] for each in both["repositories"]] == sorted([sample, other])
    client = hub.with_token(by_id["token"])
    assert client.get(REPO).status_code == 404, "granted to the installation, not to this token"
    assert client.get("/repos/alice/other").status_code == 200
    assert client.get("/repos/alice/other/issues").status_code == 403
    assert client.get("/installation/repositories").json()["total_count"] == 1
    for wrong in (
        {"repositories": ["none"]}, {"repositories": ["tools"]}, {"repository_ids": [1]}, {"repository_ids": [sample, 10**25]},
        {"permissions": {"administration": "read"}}, {"permissions": {"issues": "admin"}}, {"permissions": {"issues": "everything"}},
        {"permissions": {"metadata": "write"}}, {"repositories": [f"r{number}" for number in range(501)]}, {"repositories": "sample"},
        {"permissions": ["issues"]},
    ):  # fmt: skip
        answer = app.post(url, json=wrong)
        assert (answer.status_code, bool(answer.json()["message"])) == (422, True), wrong
    assert app.post("/app/installations/1/access_tokens").status_code == 404
    elsewhere = hub.ids["installations"]["branchwork on acme"]
    tools = hub.with_token(app.post(f"/app/installations/{elsewhere}/access_tokens").json()["token"])
    assert tools.get("/repos/acme/tools").status_code == 200
    assert tools.get(REPO).status_code == 404


def test_a_repository_that_leaves_the_account_leaves_the_tokens(hub: Any) -> None:
    bot = hub.bot()
    assert bot.get(REPO).status_code == 200
    hub.admin("/transfer", {"repository": "alice/sample", "new_owner": "bob"})
    assert bot.get("/repos/bob/sample").status_code == 404
    assert bot.get(REPO).status_code == 404


def test_events_go_with_their_permissions(hub: Any) -> None:
    url = f"/installations/{hub.installation_id}"
    hub.admin(url, {"action": "permissions", "permissions": {"metadata": "read", "pull_requests": "write"}})
    told = hub.hooks.wait("installation", "new_permissions_accepted")["installation"]
    assert "pull_request" in told["events"]
    assert {"issues", "push", "check_run", "status", "workflow_run"}.isdisjoint(told["events"])
    bob = hub.client("bob")
    bob.post(f"{REPO}/issues", json={"title": "x"})
    bob.put(f"{REPO}/contents/x", json={"message": "x", "content": "eA=="})
    hub.client("alice").patch(REPO, json={"description": "x"})
    hub.settle()
    assert [each.event for each in hub.hooks.deliveries] == ["installation", "repository"]


def test_an_app_suspends_and_ends_itself(hub: Any) -> None:
    app, url = hub.app(), f"/app/installations/{hub.installation_id}"
    bot = hub.bot()
    assert app.put(f"{url}/suspended").status_code == 204
    assert app.get(url).json()["suspended_at"] is not None
    assert bot.get(REPO).json()["message"] == "This installation has been suspended"
    assert app.put(f"{url}/suspended").status_code == 204, "once more changes nothing"
    assert app.delete(f"{url}/suspended").status_code == 204
    assert (app.get(url).json()["suspended_at"], bot.get(REPO).status_code) == (None, 200)
    hub.settle()
    assert [each.action for each in hub.hooks.find("installation")] == ["suspend", "unsuspend"]
    assert app.delete(url).status_code == 204
    assert (app.get(url).status_code, bot.get(REPO).status_code) == (404, 401)
    hub.settle()
    assert hub.hooks.find("installation")[-1].action == "deleted"
