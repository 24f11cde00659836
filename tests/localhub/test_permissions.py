"""Every call on a repository, asked by everyone: who may not see gets 404, who may not do gets 403.

permissions.txt is GitHub's "Permissions required for GitHub Apps" for the calls that localhub has, with the role that a
person needs (`app`: no person may, `hidden`: 404 unless an administrator, `-`: it depends) and a body.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from localhub.app import ROUTERS
from tests.localhub.asker import ALL, CALLS, Asker, refusal

PEOPLE_ONLY = {
    ("GET", "/notifications"),
    ("POST", "/forks"),
    ("PUT", "/notifications"),
    ("GET", "/subscription"),
    ("PUT", "/subscription"),
    ("DELETE", "/subscription"),
}
OWN = {("DELETE", "."), ("GET", "/installation")}  # tested where they belong


def test_an_apps_permissions(asker: Asker) -> None:
    """Nothing granted, everything else granted, read instead of write: 403. What is needed: not refused."""
    wrong: list[str] = []
    for call in CALLS:
        if call.any_of == ("metadata",):
            assert asker.ask(asker.token({"metadata": "read"}), call).status_code not in (401, 403), str(call)
            continue
        others = {name: "write" for name in ALL if name not in call.any_of}
        lacking: list[dict[str, str]] = [{"metadata": "read"}, others]
        enough = [{name: call.level} for name in call.any_of]
        if call.level == "write":
            lacking += [{name: "read"} for name in call.any_of]
        if call.every:
            lacking += enough
            enough = [dict.fromkeys(call.any_of, "write")]
        for permissions in lacking:
            answer = asker.ask(asker.token(permissions), call)
            if refusal(answer) or answer.json()["message"] != "Resource not accessible by integration":
                wrong.append(f"{call} with {sorted(permissions)}: {answer.status_code} {answer.text[:90]}")
        for permissions in enough:
            pull = replace(call, path=call.path.replace("/issues/1", "/issues/2").replace("COMMENT", "REMARK"))
            answer = asker.ask(asker.token(permissions), pull if "pull_requests" in permissions else call)
            message = answer.json().get("message", "") if answer.content and answer.status_code >= 400 else ""
            if answer.status_code == 401 or "integration" in message or answer.status_code >= 500:
                wrong.append(f"{call} with {permissions}: {answer.status_code} {answer.text[:90]}")
            said = answer.headers.get("X-Accepted-GitHub-Permissions", "")
            wanted = "; ".join(f"{name}={call.level}" for name in call.any_of)
            if not call.every and answer.status_code != 404 and said != wanted:
                wrong.append(f"{call}: accepted {said!r} for {wanted!r}")
    assert not wrong, "\n".join(wrong)


def test_peoples_roles(asker: Asker) -> None:
    order = ["none", "read", "triage", "write", "maintain", "admin"]
    people = {"mallory": "none", "carol": "read", "bob": "write", "alice": "admin"}
    wrong: list[str] = []
    clients = {login: asker.hub.client(login) for login in people}
    for call in CALLS:
        for login, role in people.items():
            answer = asker.ask(clients[login], call)
            told = f"{call} by {login}: {answer.status_code} {answer.text[:100]}"
            if role == "none":
                fine = answer.status_code == 404 and answer.json()["message"] == "Not Found"
            elif call.role == "hidden" and role != "admin":
                fine = answer.status_code == 404
            elif call.role == "hidden":
                fine = answer.status_code < 400 or answer.status_code == 404
            elif call.role == "-":
                fine = answer.status_code in (403, 404)
            elif call.role == "app":
                fine = not refusal(answer)
            elif order.index(role) < order.index(call.role):
                wanted = "Must have admin rights to Repository." if call.role == "admin" else "Must have"
                fine = not refusal(answer) and answer.json()["message"].startswith(wanted)
            else:
                fine = answer.status_code not in (401, 403) and answer.status_code < 500
            if not fine:
                wrong.append(told)
    assert not wrong, "\n".join(wrong)


def test_nobody_and_dead_tokens(asker: Asker) -> None:
    """A private repository is 404 for nobody; a public one is read, and writing asks for credentials."""
    hub = asker.hub
    everything = dict.fromkeys(ALL, "write")
    revoked = hub.bot(everything, ["sample"])
    assert revoked.delete("/installation/token").status_code == 204
    elsewhere = hub.bot(everything, ["sample"])
    suspended = hub.bot(everything, ["sample"])
    nobody, app, wrong = hub.client(), hub.app(), []
    public = Asker(hub, "/repos/alice/open")
    for call in CALLS:
        asked = [
            (asker.ask(nobody, call), (404,)),
            (asker.ask(revoked, call), (401,)),
            (asker.ask(app, call), (401, 403, 404)),
        ]
        if call.level == "write":
            asked.append((public.ask(nobody, call), (401, 404) if call.role == "hidden" else (401,)))
            asked.append((public.ask(elsewhere, call), (403,)))
        elif call.role == "read":
            asked.append((public.ask(nobody, call), (200, 202, 204, 302, 404, 409, 422)))
            asked.append((public.ask(elsewhere, call), (200, 202, 204, 302, 404, 409, 422)))
        wrong += [
            f"{call}: {answer.status_code} {answer.text[:90]}"
            for answer, fine in asked
            if answer.status_code not in fine
        ]
    hub.admin(f"/installations/{hub.installation_id}", {"action": "suspend"})
    for call in CALLS:
        answer = asker.ask(suspended, call)
        if refusal(answer) or answer.json()["message"] != "This installation has been suspended":
            wrong.append(f"{call} suspended: {answer.status_code} {answer.text[:90]}")
    assert not wrong, "\n".join(wrong)


def test_no_call_is_missing_here(hub: Any) -> None:
    """A route that nobody put into the table is a route that nobody asks for its permission."""

    known = {(call.method, call.path) for call in CALLS} | PEOPLE_ONLY | OWN
    missing = []
    for make in ROUTERS:
        for route in make(hub.hub).routes:
            path = str(getattr(route, "path", ""))
            if not path.startswith("/repos/{owner}/{name}"):
                continue
            rest = path.removeprefix("/repos/{owner}/{name}") or "."
            anything = re.sub(r"\{\w+:path\}", ".+", re.sub(r"\{\w+(:int)?\}", "[^/]+", rest.replace(".", r"\.")))
            pattern = re.compile(anything + r"\Z")
            for method in getattr(route, "methods", None) or ():
                if method != "HEAD" and not any(method == each and pattern.match(path) for each, path in known):
                    missing.append(f"{method} {rest}")
    assert not missing, "\n".join(missing)
