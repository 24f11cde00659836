"""Two sets of the same things: on one the API acts, on the other a person in Chromium; both must tell the same."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from playwright.sync_api import Page

REPO, HOME = "/repos/alice/sample", "/alice/sample"

WORKFLOW = """on: {workflow_dispatch: {inputs: {who: {description: Whom to greet, default: you}}}}
jobs: {greet: {runs-on: ubuntu-latest, steps: [{run: "echo hello ${{ inputs.who }}; exit 1"}]}}
"""
TEXT = "one\ntwo\nthree\nfour\n"


def ok(answer: Any) -> Any:
    """What was answered, which must be no refusal; anything but an answer is handed back."""
    if not isinstance(answer, httpx.Response):
        return answer
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


@dataclass
class Scene:
    """Three issues, the first with a comment of bob's; a branch with a new file and alice's pull request."""

    hub: Any
    name: str
    issue: int
    child: int
    other: int
    comment: int
    pull: int

    @property
    def issue_url(self) -> str:
        return f"{REPO}/issues/{self.issue}"

    @property
    def pull_url(self) -> str:
        return f"{REPO}/pulls/{self.pull}"

    def id_of(self, number: int) -> int:
        return int(ok(self.hub.client("bob").get(f"{REPO}/issues/{number}"))["id"])

    def node(self) -> str:
        return str(ok(self.hub.client("bob").get(self.pull_url))["node_id"])

    def graphql(self, query: str, **variables: str) -> Any:
        answer = ok(self.hub.client("bob").post("/graphql", json={"query": query, "variables": variables}))
        assert "errors" not in answer, answer
        return answer["data"]

    def thread(self) -> str:
        query = """query($id: ID!) { node(id: $id) { ... on PullRequest {
                   reviewThreads(first: 1) { nodes { id } } } } }"""
        return str(self.graphql(query, id=self.node())["node"]["reviewThreads"]["nodes"][0]["id"])

    def review(self, state: str) -> int:
        rows = ok(self.hub.client("bob").get(f"{self.pull_url}/reviews"))
        return int(next(row["id"] for row in rows if row["state"] == state))

    def state(self) -> dict[str, Any]:
        """What the API says of it, without what must differ: numbers, ids, names of branches and moments."""
        c = self.hub.client("bob")
        issue, pull = ok(c.get(self.issue_url)), ok(c.get(self.pull_url))
        keys = ("title", "body", "state", "state_reason", "locked", "active_lock_reason", "comments", "sub_issues_summary",
                "issue_dependencies_summary")  # fmt: skip
        found: dict[str, Any] = {key: issue[key] for key in keys}
        found["labels"] = [row["name"] for row in issue["labels"]]
        found["assignees"] = [row["login"] for row in issue["assignees"]]
        found["milestone"] = (issue["milestone"] or {}).get("title")
        found["said"] = [(row["body"], row["reactions"]["rocket"]) for row in ok(c.get(f"{self.issue_url}/comments"))]
        found["below"] = [row["title"].replace(self.name, "…") for row in ok(c.get(f"{self.issue_url}/sub_issues"))]
        keys = ("title", "body", "state", "draft", "merged", "commits", "review_comments", "comments")
        found["pull"] = {key: str(pull[key]).replace(self.name, "…") for key in keys}
        found["auto"] = (pull["auto_merge"] or {}).get("merge_method")
        found["asked"] = [row["login"] for row in pull["requested_reviewers"]]
        found["reviews"] = [(row["state"], row["body"]) for row in ok(c.get(f"{self.pull_url}/reviews"))]
        lines = ok(c.get(f"{self.pull_url}/comments"))
        found["lines"] = [(row["body"], row["line"], row["start_line"], row["side"]) for row in lines]
        return found


def scene(hub: Any, name: str) -> Scene:
    alice = hub.client("alice")
    issues = [{"title": f"Issue {n}", "body": "- [ ] box"} for n in range(3)]
    numbers = [ok(alice.post(f"{REPO}/issues", json=each))["number"] for each in issues]
    said = ok(hub.client("bob").post(f"{REPO}/issues/{numbers[0]}/comments", json={"body": "- [ ] Approve\n- [ ] Not"}))
    sha = ok(alice.get(f"{REPO}/git/ref/heads/main"))["object"]["sha"]
    ok(alice.post(f"{REPO}/git/refs", json={"ref": f"refs/heads/{name}", "sha": sha}))
    content = base64.b64encode(TEXT.encode()).decode()
    ok(alice.put(f"{REPO}/contents/{name}.txt", json={"message": "New", "content": content, "branch": name}))
    pull = ok(alice.post(f"{REPO}/pulls", json={"title": f"Bring {name}", "head": name, "base": "main", "body": "x"}))
    return Scene(hub, name, *numbers, said["id"], pull["number"])


class Hand:
    """A person at a browser without scripts, who uses the keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, name: str, within: str = "main") -> None:
        found = self.page.locator(within).get_by_role("button", name=name, exact=True).first
        found.focus()
        with self.page.expect_navigation():
            found.press("Enter")

    def unfold(self, where: str) -> None:
        self.page.locator(f"{where} > summary").press("Enter")

    def issue(self, s: Scene) -> None:
        self.page.goto(f"{HOME}/issues/{s.issue}")

    def pull(self, s: Scene, rest: str = "") -> None:
        self.page.goto(f"{HOME}/pull/{s.pull}{rest}")

    def line(self, s: Scene, line: int, text: str, button: str, start: int = 0) -> None:
        self.pull(s, "/files")
        self.page.get_by_role("link", name=f"Comment on line {line}", exact=True).click()
        self.page.get_by_label(f"On line {line} as bob").fill(text)
        if start:
            self.page.get_by_label("From line").fill(str(start))
        self.press(button)


Do = Callable[[httpx.Client, Scene], Any]
Click = Callable[[Hand, Scene], Any]


def same_as(do: Do) -> Callable[[Click], Callable[..., None]]:
    """Makes a test of what a hand does on one scene: it must tell and leave what `do` does by the API on its twin."""

    def made(click: Click) -> Callable[..., None]:
        def test(twice: Callable[[Do, Click], list[Any]]) -> None:
            twice(do, click)

        test.__name__, test.__doc__ = click.__name__, click.__doc__
        return test

    return made
