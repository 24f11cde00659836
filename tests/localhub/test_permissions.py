"""Every call on a repository, asked by everyone: who may not see gets 404, who may not do gets 403.

TABLE is GitHub's "Permissions required for GitHub Apps" for the calls that localhub has, with the role that a person needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from localhub.app import ROUTERS

BOTH = "issues pull_requests"
ALL = (
    "actions",
    "administration",
    "checks",
    "contents",
    "issues",
    "pull_requests",
    "repository_hooks",
    "statuses",
    "workflows",
)
WHO = {"message": "m", "content": "eA=="}
TABLE = """
GET    .                                             | metadata        | read
GET    /assignees                                    | BOTH            | read
GET    /assignees/bob                                | BOTH            | read
GET    /branches                                     | contents        | read
GET    /branches/main                                | contents        | read
GET    /branches/main/protection                     | administration  | admin
GET    /branches/main/protection/required_status_checks | administration | admin
GET    /branches/main/protection/enforce_admins      | administration  | admin
GET    /branches/main/protection/required_pull_request_reviews | administration | admin
GET    /branches/main/protection/required_status_checks/contexts | administration | admin
GET    /check-runs/1                                 | checks          | read
GET    /check-runs/1/annotations                     | checks          | read
GET    /check-suites/1                               | checks          | read
GET    /check-suites/1/check-runs                    | checks          | read
GET    /collaborators                                | metadata        | write
GET    /collaborators/bob                            | metadata        | write
GET    /collaborators/bob/permission                 | metadata        | write
GET    /commits                                      | contents        | read
GET    /commits/main                                 | contents        | read
GET    /commits/main/check-runs                      | checks          | read
GET    /commits/main/check-suites                    | checks          | read
GET    /commits/main/pulls                           | pull_requests   | read
GET    /commits/main/status                          | statuses        | read
GET    /commits/main/statuses                        | statuses        | read
GET    /compare/main...main                          | contents        | read
GET    /contents                                     | contents        | read
GET    /contents/README.md                           | contents        | read
GET    /subscribers                                  | metadata        | read
GET    /tarball                                      | contents        | read
GET    /tarball/main                                 | contents        | read
GET    /zipball                                      | contents        | read
GET    /zipball/main                                 | contents        | read
GET    /git/blobs/SHA                                | contents        | read
GET    /git/commits/SHA                              | contents        | read
GET    /git/matching-refs/heads                      | contents        | read
GET    /git/ref/heads/main                           | contents        | read
GET    /git/refs                                     | contents        | read
GET    /git/refs/heads/main                          | contents        | read
GET    /git/tags/SHA                                 | contents        | read
GET    /git/trees/main                               | contents        | read
GET    /issues                                       | BOTH            | read
GET    /issues/1                                     | BOTH            | read
GET    /issues/1/comments                            | BOTH            | read
GET    /issues/1/dependencies/blocked_by             | issues          | read
GET    /issues/1/dependencies/blocking               | issues          | read
GET    /issues/1/events                              | BOTH            | read
GET    /issues/1/labels                              | BOTH            | read
GET    /issues/1/parent                              | issues          | read
GET    /issues/1/reactions                           | BOTH            | read
GET    /issues/1/sub_issues                          | issues          | read
GET    /issues/1/timeline                            | BOTH            | read
GET    /issues/comments                              | BOTH            | read
GET    /issues/comments/1                            | BOTH            | read
GET    /issues/comments/1/reactions                  | BOTH            | read
GET    /issues/events                                | BOTH            | read
GET    /issues/events/1                              | BOTH            | read
GET    /forks                                        | metadata        | read
GET    /labels                                       | BOTH            | read
GET    /labels/bug                                   | BOTH            | read
GET    /milestones                                   | BOTH            | read
GET    /milestones/1                                 | BOTH            | read
GET    /milestones/1/labels                          | BOTH            | read
GET    /issues/1/assignees/bob                       | BOTH            | read
GET    /pulls                                        | pull_requests   | read
GET    /pulls/2                                      | pull_requests   | read
GET    /pulls/2/comments                             | pull_requests   | read
GET    /pulls/2/commits                              | pull_requests   | read
GET    /pulls/2/files                                | pull_requests   | read
GET    /pulls/2/merge                                | pull_requests   | read
GET    /pulls/2/requested_reviewers                  | pull_requests   | read
GET    /pulls/2/reviews                              | pull_requests   | read
GET    /pulls/2/reviews/1                            | pull_requests   | read
GET    /pulls/2/reviews/1/comments                   | pull_requests   | read
GET    /pulls/comments                               | pull_requests   | read
GET    /pulls/comments/1                             | pull_requests   | read
GET    /pulls/comments/1/reactions                   | pull_requests   | read
GET    /readme                                       | contents        | read
GET    /rules/branches/main                          | metadata        | read
GET    /rulesets                                     | metadata        | read
GET    /rulesets/1                                   | metadata        | read
GET    /statuses/main                                | statuses        | read
GET    /actions/jobs/1                               | actions         | read
GET    /actions/jobs/1/logs                          | actions         | read
GET    /actions/runs                                 | actions         | read
GET    /actions/runs/1                               | actions         | read
GET    /actions/runs/1/artifacts                     | actions         | read
GET    /actions/runs/1/attempts/1/jobs               | actions         | read
GET    /actions/runs/1/jobs                          | actions         | read
GET    /actions/runs/1/logs                          | actions         | read
GET    /actions/workflows                            | actions         | read
GET    /actions/workflows/ci.yml                     | actions         | read
GET    /actions/workflows/ci.yml/runs                | actions         | read
GET    /actions/runs/1/attempts/1                    | actions         | read
GET    /actions/runs/1/attempts/1/logs               | actions         | read
GET    /actions/runs/1/timing                        | actions         | read
GET    /actions/workflows/ci.yml/timing              | actions         | read
DELETE /actions/runs/1                               | actions         | write
DELETE /actions/runs/1/logs                          | actions         | write
POST   /actions/jobs/1/rerun                         | actions         | write
POST   /dispatches                                   | contents        | write     | {"event_type": "x"}
GET    /tags                                         | metadata        | read
POST   /actions/runs/1/cancel                        | actions         | write
POST   /actions/runs/1/force-cancel                  | actions         | write
POST   /actions/runs/1/rerun                         | actions         | write
POST   /actions/runs/1/rerun-failed-jobs             | actions         | write
POST   /actions/workflows/ci.yml/dispatches          | actions         | write     | {"ref": "main"}
PUT    /actions/workflows/ci.yml/disable             | actions         | write
PUT    /actions/workflows/ci.yml/enable              | actions         | write
GET    /topics                                       | metadata        | read
PUT    /topics                                       | administration  | maintain     | {"names": ["x"]}
POST   /check-runs                                   | checks          | app       | {"name": "x", "head_sha": "SHA"}
POST   /check-runs/1/rerequest                       | checks          | write
POST   /check-suites                                 | checks          | app       | {"head_sha": "SHA"}
POST   /check-suites/1/rerequest                     | checks          | write
PATCH  /check-runs/1                                 | checks          | app       | {"name": "x"}
POST   /git/blobs                                    | contents        | write     | {"content": "x"}
POST   /git/commits                                  | contents        | write     | {"message": "x", "tree": "SHA"}
POST   /git/refs                                     | contents        | write     | {"ref": "refs/heads/fresh", "sha": "ZERO"}
POST   /git/tags                                     | contents        | write     | {"tag": "t", "message": "m", "object": "ZERO", "type": "commit"}
POST   /git/trees                                    | contents        | write     | {"tree": []}
PATCH  /git/refs/heads/none                          | contents        | write     | {"sha": "SHA"}
DELETE /git/refs/heads/none                          | contents        | write
PUT    /contents/new.txt                             | contents        | write     | {"message": "m", "content": "eA==", "branch": "none"}
DELETE /contents/new.txt                             | contents        | write     | {"message": "m", "sha": "ZERO", "branch": "none"}
POST   /merges                                       | contents        | write     | {"base": "main", "head": "none"}
POST   /issues                                       | issues          | read      | {"title": "x"}
PATCH  /issues/1                                     | BOTH            | triage    | {"body": "x"}
PUT    /issues/1/lock                                | BOTH            | write
DELETE /issues/1/lock                                | BOTH            | write
POST   /issues/1/assignees                           | BOTH            | read      | {"assignees": ["bob"]}
DELETE /issues/1/assignees                           | BOTH            | read      | {"assignees": ["bob"]}
POST   /issues/1/comments                            | BOTH            | read      | {"body": "x"}
PATCH  /issues/comments/COMMENT                      | BOTH            | write     | {"body": "x"}
DELETE /issues/comments/1                            | BOTH            | -
POST   /issues/1/labels                              | BOTH            | triage    | {"labels": ["bug"]}
PUT    /issues/1/labels                              | BOTH            | triage    | {"labels": ["bug"]}
DELETE /issues/1/labels                              | BOTH            | triage
DELETE /issues/1/labels/bug                          | BOTH            | triage
POST   /issues/1/reactions                           | BOTH            | read      | {"content": "+1"}
DELETE /issues/1/reactions/1                         | BOTH            | -
POST   /issues/comments/COMMENT/reactions            | BOTH            | read      | {"content": "+1"}
DELETE /issues/comments/COMMENT/reactions/1          | BOTH            | -
POST   /issues/1/sub_issues                          | issues          | triage    | {"sub_issue_id": 1}
DELETE /issues/1/sub_issue                           | issues          | triage    | {"sub_issue_id": 1}
PATCH  /issues/1/sub_issues/priority                 | issues          | triage    | {"sub_issue_id": 1, "after_id": 2}
POST   /issues/1/dependencies/blocked_by             | issues          | triage    | {"issue_id": 1}
DELETE /issues/1/dependencies/blocked_by/1           | issues          | triage
POST   /labels                                       | BOTH            | write     | {"name": "bug"}
PATCH  /labels/none                                  | BOTH            | write     | {"color": "ff0000"}
DELETE /labels/none                                  | BOTH            | write
POST   /milestones                                   | BOTH            | triage    | {"title": "x"}
PATCH  /milestones/99                                | BOTH            | triage    | {"title": "x"}
DELETE /milestones/99                                | BOTH            | triage
POST   /pulls                                        | pull_requests   | read      | {"title": "x", "head": "none", "base": "main"}
PATCH  /pulls/2                                      | pull_requests   | triage    | {"body": "x"}
PUT    /pulls/2/merge                                | contents        | write     | {"sha": "ZERO"}
PUT    /pulls/2/update-branch                        | pull_requests+contents | write | {"expected_head_sha": "ZERO"}
POST   /pulls/2/comments                             | pull_requests   | read      | {"body": "x", "path": "none", "commit_id": "SHA", "line": 1}
POST   /pulls/2/comments/1/replies                   | pull_requests   | read      | {"body": "x"}
POST   /pulls/comments/1/reactions                   | pull_requests   | -         | {"content": "+1"}
DELETE /pulls/comments/1/reactions/1                 | pull_requests   | -
PATCH  /pulls/comments/1                             | pull_requests   | -         | {"body": "x"}
DELETE /pulls/comments/1                             | pull_requests   | -
POST   /pulls/2/requested_reviewers                  | pull_requests   | triage    | {"reviewers": ["bob"]}
DELETE /pulls/2/requested_reviewers                  | pull_requests   | triage    | {"reviewers": ["bob"]}
POST   /pulls/2/reviews                              | pull_requests   | read      | {"event": "COMMENT", "body": "x"}
PUT    /pulls/2/reviews/1                            | pull_requests   | -         | {"body": "x"}
DELETE /pulls/2/reviews/1                            | pull_requests   | -
POST   /pulls/2/reviews/1/events                     | pull_requests   | -         | {"event": "COMMENT"}
PUT    /pulls/2/reviews/1/dismissals                 | pull_requests   | write     | {"message": "x"}
POST   /statuses/SHA                                 | statuses        | write     | {"state": "success"}
GET    /hooks                                        | repository_hooks | hidden
GET    /hooks/1                                      | repository_hooks | hidden
GET    /hooks/1/config                               | repository_hooks | hidden
GET    /hooks/1/deliveries                           | repository_hooks | hidden
GET    /hooks/1/deliveries/1                         | repository_hooks | hidden
POST   /hooks                                        | repository_hooks | hidden   | {"config": {"url": "http://127.0.0.1:1/"}, "active": false}
PATCH  /hooks/1                                      | repository_hooks | hidden   | {"active": true}
PATCH  /hooks/1/config                               | repository_hooks | hidden   | {"content_type": "json"}
DELETE /hooks/1                                      | repository_hooks | hidden
POST   /hooks/1/pings                                | repository_hooks:read | hidden
POST   /hooks/1/test                                 | repository_hooks:read | hidden
POST   /hooks/1/tests                                | repository_hooks:read | hidden
POST   /hooks/1/deliveries/1/attempts                | repository_hooks | hidden
POST   /rulesets                                     | administration  | admin     | {"name": "x", "enforcement": "disabled"}
PUT    /rulesets/1                                   | administration  | admin     | {"name": "x"}
DELETE /rulesets/1                                   | administration  | admin
POST   /branches/none/protection/enforce_admins      | administration  | admin
DELETE /branches/none/protection/enforce_admins      | administration  | admin
PATCH  /branches/none/protection/required_pull_request_reviews | administration | admin | {}
DELETE /branches/none/protection/required_pull_request_reviews | administration | admin
PATCH  /branches/none/protection/required_status_checks | administration | admin | {}
DELETE /branches/none/protection/required_status_checks | administration | admin
POST   /branches/none/protection/required_status_checks/contexts | administration | admin | {"contexts": ["x"]}
PUT    /branches/none/protection/required_status_checks/contexts | administration | admin | {"contexts": ["x"]}
DELETE /branches/none/protection/required_status_checks/contexts | administration | admin | {"contexts": ["x"]}
PATCH  /check-suites/preferences                     | checks          | admin     | {"auto_trigger_checks": []}
PUT    /branches/none/protection                     | administration  | admin     | {"required_status_checks": null, "enforce_admins": null, "required_pull_request_reviews": null, "restrictions": null}
DELETE /branches/none/protection                     | administration  | admin
PUT    /collaborators/bob                            | administration  | admin     | {"permission": "push"}
DELETE /collaborators/nobody                         | administration  | admin
PATCH  .                                             | administration  | admin     | {"description": "x"}
"""
PEOPLE_ONLY = {
    ("GET", "/notifications"),
    ("POST", "/forks"),
    ("PUT", "/notifications"),
    ("GET", "/subscription"),
    ("PUT", "/subscription"),
    ("DELETE", "/subscription"),
}
OWN = {("DELETE", "."), ("GET", "/installation")}  # tested where they belong


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    any_of: tuple[str, ...]
    every: bool
    role: str
    level: str
    body: str | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def table() -> Iterator[Call]:
    for line in TABLE.strip().splitlines():
        ask, permissions, role, *body = (part.strip() for part in line.split(" |", 3))
        method, path = ask.split()
        permissions, _, level = permissions.partition(":")
        level = level or ("read" if method == "GET" else "write")
        names = permissions.replace("BOTH", BOTH).replace("+", " ").split()
        yield Call(method, path, tuple(names), "+" in permissions, role, level, body[0].lstrip("| ") if body else None)


CALLS = list(table())


class Asker:
    """The repository with an issue (1), a pull request (2), a comment and a label."""

    def __init__(self, hub: Any, name: str = "/repos/alice/sample") -> None:
        self.hub, self.name = hub, name
        hub.admin("/limits", {"enforced": False})
        granted = dict.fromkeys(ALL, "write") | {"metadata": "read", "members": "read"}
        hub.admin(f"/installations/{hub.installation_id}", {"action": "permissions", "permissions": granted})
        alice = hub.client("alice")
        root = "/repos/alice/sample"
        self.sha = alice.get(f"{root}/git/ref/heads/main").json()["object"]["sha"]
        alice.post(f"{root}/issues", json={"title": "One"})
        alice.put(f"{root}/contents/a.txt", json={"message": "a", "content": "eA==", "branch": "main"})
        alice.post(f"{root}/git/refs", json={"ref": "refs/heads/old", "sha": self.sha})
        alice.post(f"{root}/pulls", json={"title": "Two", "head": "main", "base": "old"})
        self.comment = alice.post(f"{root}/issues/1/comments", json={"body": "x"}).json()["id"]
        self._tokens: dict[Any, Any] = {}

    def token(self, permissions: dict[str, str]) -> Any:
        key = tuple(sorted(permissions.items()))
        if key not in self._tokens:
            self._tokens[key] = self.hub.bot(permissions, ["sample"])
        return self._tokens[key]

    def ask(self, client: Any, call: Call) -> Any:
        def put(text: str) -> str:
            return text.replace("SHA", self.sha).replace("ZERO", "0" * 40).replace("COMMENT", str(self.comment))

        path = self.name + ("" if call.path == "." else put(call.path))
        content = put(call.body) if call.body else None
        return client.request(call.method, path, content=content)


@pytest.fixture
def asker(hub: Any) -> Asker:
    return Asker(hub)


def refusal(answer: Any) -> str:
    """What is wrong with a refusal that should be a 403 of GitHub's form; "" when it is right."""
    body = answer.json()
    if answer.status_code != 403 or not body.get("documentation_url", "").startswith("https://docs.github.com"):
        return f"{answer.status_code} {answer.text[:120]}"
    return ""


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
            pull = replace(call, path=call.path.replace("/issues/1", "/issues/2"))
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


def test_a_permission_for_pull_requests_opens_no_issue(asker: Asker) -> None:
    """Labels, comments and edits are the same calls for both kinds; the permission is not the same."""
    bot = asker.token({"pull_requests": "write", "issues": "read"})
    for path, body in (
        ("labels", {"labels": ["bug"]}),
        ("comments", {"body": "x"}),
        ("assignees", {"assignees": ["bob"]}),
    ):
        assert not refusal(bot.post(f"{asker.name}/issues/1/{path}", json=body))
        assert bot.post(f"{asker.name}/issues/2/{path}", json=body).is_success
    assert not refusal(bot.patch(f"{asker.name}/issues/1", json={"title": "y"}))
    assert bot.get(f"{asker.name}/issues/1").status_code == 200
    assert not refusal(asker.token({"pull_requests": "write"}).get(f"{asker.name}/issues/1"))


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
