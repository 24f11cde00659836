"""localhub through its front door: what actors ask over REST and GraphQL, and the webhooks that come of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.localhub.machine.model import ZERO, Told, told
from tests.localhub.machine.people import ALICE, Person

REPO = "/repos/alice/sample"
_STATUS = {"NOT_FOUND": 404, "FORBIDDEN": 403}


@dataclass(frozen=True)
class Answer:
    status: int
    data: Any
    graphql: bool = False

    def agrees(self, status: int) -> bool:
        """GraphQL knows one word for all that is no lack of rights."""
        return self.status == status or (self.graphql and self.status == 422 and status in (405, 409))


class Door:
    """One running localhub; `names` are what the model calls commits, by SHA, and `shas` the other way."""

    def __init__(self, world: Any, folder: Path) -> None:
        self.world = world
        self._clone = folder / "clone.git"
        self._clients: dict[str, httpx.Client] = {}
        self.names: dict[str, str] = {"0" * 40: ZERO}
        self.shas: dict[str, str] = {ZERO: "0" * 40}
        self._read = 0

    def name(self, sha: str, name: str) -> None:
        assert sha not in self.names, f"{name} is {self.names.get(sha)} already"
        self.names[sha], self.shas[name] = name, sha

    def client(self, actor: Person) -> httpx.Client:
        if actor.name not in self._clients:
            made = self.world.bot(dict(actor.permissions)) if actor.permissions else self.world.client(actor.login)
            self._clients[actor.name] = made
        return self._clients[actor.name]

    def rest(self, actor: Person, method: str, path: str, /, **body: Any) -> Answer:
        """A call below the repository."""
        answer = self.client(actor).request(method, REPO + path, json=body or None)
        assert answer.status_code < 500, f"{method} {path} {body}: {answer.status_code} {answer.text}"
        return Answer(answer.status_code, answer.json() if answer.content else None)

    def mutate(self, actor: Person, mutation: str, answer: str, **fields: Any) -> Answer:
        """One GraphQL mutation; `answer` is what of its payload is asked for."""
        document = f"mutation($input: {mutation[0].upper()}{mutation[1:]}Input!) {{ {mutation}(input: $input) {{ {answer} }} }}"
        response = self.client(actor).post("/graphql", json={"query": document, "variables": {"input": fields}})
        assert response.status_code == 200, response.text
        found = response.json()
        errors = found.get("errors", [])
        assert not any("Something went wrong" in each["message"] for each in errors), found
        status = _STATUS.get(errors[0].get("type", ""), 422) if errors else 200
        return Answer(status, (found.get("data") or {}).get(mutation), graphql=True)

    def push(self, actor: Person, moves: Sequence[tuple[str, str]], *, force: bool) -> Answer:
        """`git push` from a clone that has every commit; refused is 422, or 403 and 404 for who may not."""
        token = self.client(actor).headers["Authorization"].removeprefix("Bearer ")
        url = self.world.git_url("alice/sample", token)
        if not self._clone.exists():
            self._git("init", "--quiet", "--bare", str(self._clone))
        wanted = [self.shas[sha] for _, sha in moves if sha != ZERO]
        self._git("fetch", "--quiet", self.world.git_url("alice/sample", self.world.pat("alice")), *wanted)
        specs = [f"{'' if sha == ZERO else self.shas[sha]}:refs/heads/{branch}" for branch, sha in moves]
        options = ["--atomic", *(["--force"] if force else [])]
        code, said = self._git("push", *options, url, *specs, fine=(0, 1, 128))
        if code == 0:
            return Answer(200, said)
        denied = {"403": 403, "not found": 404, "404": 404}
        return Answer(next((status for word, status in denied.items() if code == 128 and word in said), 422), said)

    def _git(self, *args: str, fine: tuple[int, ...] = (0,)) -> tuple[int, str]:
        env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        where = ["-C", str(self._clone)] if self._clone.exists() else []
        done = subprocess.run(["git", *where, *args], capture_output=True, text=True, timeout=60, env=env)
        assert done.returncode in fine, f"git {args}: {done.stderr}"
        return done.returncode, done.stderr

    def read(self, path: str, actor: Person = ALICE, **query: Any) -> Any:
        """What a reader sees; it must be there."""
        answer = self.client(actor).get(REPO + path, params=query)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def read_pages(self, path: str, per_page: int, **query: Any) -> list[Any]:
        """A whole list, page by page as `Link` says."""
        items: list[Any] = []
        answer = self.client(ALICE).get(REPO + path, params={**query, "per_page": per_page})
        while True:
            assert answer.status_code == 200, answer.text
            assert len(answer.json()) <= per_page
            items += answer.json()
            if "next" not in answer.links:
                return items
            answer = self.client(ALICE).get(answer.links["next"]["url"])

    def query(self, document: str) -> Any:
        answer = self.client(ALICE).post("/graphql", json={"query": document}).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def threads(self, pull: str) -> list[Any]:
        """The review threads that Alice sees in a pull request, oldest first."""
        asked = "reviewThreads(first: 100) { nodes { id isResolved path comments(first: 100) { nodes { fullDatabaseId } } } }"
        found = self.query(f'{{ node(id: "{pull}") {{ ... on PullRequest {{ {asked} }} }} }}')
        return list(found["node"]["reviewThreads"]["nodes"])

    # -- webhooks

    def told(self) -> list[Told]:
        """What came since the last time, when nothing is pending any more."""
        self.world.settle()
        fresh = self.world.hooks.deliveries[self._read :]
        self._read += len(fresh)
        return [self._told(each.event, each.payload) for each in fresh]

    def _told(self, event: str, payload: dict[str, Any]) -> Told:
        facts = {"sender": payload["sender"]["login"]}
        action = payload.get("action")
        match event:
            case "issues":
                issue = payload["issue"]
                facts |= {key: issue[key] for key in ("number", "state", "title")} | {"reason": issue["state_reason"]}
            case "pull_request":
                pull = payload["pull_request"]
                facts |= {key: pull[key] for key in ("number", "state", "title", "merged", "draft")}
                facts |= {"head": self.names[pull["head"]["sha"]], "base": pull["base"]["ref"]}
            case "milestone":
                facts |= {key: payload["milestone"][key] for key in ("number", "title", "state")}
            case "pull_request_review_comment":
                facts |= {"number": payload["pull_request"]["number"], "text": payload["comment"]["body"]}
                facts["author"] = payload["comment"]["user"]["login"]
            case "pull_request_review_thread":
                facts["number"] = payload["pull_request"]["number"]
                facts["comments"] = tuple(each["id"] for each in payload["thread"]["comments"])
            case "issue_comment":
                facts |= {"number": payload["issue"]["number"], "text": payload["comment"]["body"]}
            case "pull_request_review":
                review = payload["review"]
                facts |= {"number": payload["pull_request"]["number"], "state": review["state"]}
                facts["author"] = review["user"]["login"]
            case "sub_issues":
                facts |= {"parent": payload["parent_issue"]["number"], "child": payload["sub_issue"]["number"]}
            case "issue_dependencies":
                facts |= {which: payload[f"{which}_issue"]["number"] for which in ("blocked", "blocking")}
            case "push":
                facts |= {"ref": payload["ref"].removeprefix("refs/heads/"), "forced": payload["forced"]}
                facts |= {key: self.names[payload[key]] for key in ("before", "after")}
                brought = [self.names[each["id"]] for each in payload["commits"]]
                facts["commits"] = tuple(sorted(brought, key=lambda name: int(name[1:])))
            case "create" | "delete":
                facts["ref"] = payload["ref"]
            case "check_suite":
                facts["sha"] = self.names[payload["check_suite"]["head_sha"]]
            case "status":
                facts |= {key: payload[key] for key in ("context", "state")} | {"sha": self.names[payload["sha"]]}
        return told(event, action, **facts, **self._more(event, payload))

    def _more(self, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """What only some actions of `issues` and `pull_request` have."""
        if event not in ("issues", "pull_request"):
            return {}
        more: dict[str, Any] = {}
        for key, inside, name in (
            ("label", "name", "label"), ("assignee", "login", "assignee"), ("requested_reviewer", "login", "reviewer"),
            ("milestone", "title", "milestone"),
        ):  # fmt: skip
            if key in payload:
                more[name] = payload[key][inside]
        if "changes" in payload:
            more["changes"] = tuple(sorted(payload["changes"]))
        if payload["action"] == "synchronize":
            more |= {key: self.names[payload[key]] for key in ("before", "after")}
        return more


def in_order(events: list[Told]) -> list[Told]:
    """As they came, but issues that one push closes have no order among themselves."""
    ordered: list[Told] = []
    run: list[Told] = []
    for each in [*events, None]:
        if each is not None and (each.event, each.action) == ("issues", "closed"):
            run.append(each)
            continue
        ordered += sorted(run, key=repr)
        run = []
        if each is not None:
            ordered.append(each)
    return ordered
