"""A person with write access, played from a small script: everything by GitHub's REST API, as anybody could."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from bot.demo.hub import Hub, Json
from bot.demo.stage import SLUG

BOX = re.compile(r"^(\s*[-*]\s+)\[ \](\s+Approve this plan\b)", re.MULTILINE)
LABEL = "branchwork"


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RedirectAct(Frozen):
    """A comment on a planner's issue, once it has filed its tasks."""

    issue: str
    """part of the issue's title"""
    words: str


class ReviewAct(Frozen):
    """A request for changes on the first pull request that shows this line in this file."""

    path: str
    line: str
    words: str


class Acts(Frozen):
    """What the person does besides approving."""

    redirect: RedirectAct | None = None
    review: ReviewAct | None = None
    merge: bool = False
    """click merge after approving: where the configuration leaves merging to people"""


def load(path: Path) -> Acts:
    """The acts of a YAML file."""
    return Acts.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})


def hints(acts: Acts) -> list[str]:
    """What a person who plays by hand must say, as the script would: nobody else sees what is wrong."""
    found = []
    if acts.redirect is not None:
        found.append(
            f"the plan has a mistake: when “{acts.redirect.issue}” has filed its tasks, comment on that issue:"
            f" @{SLUG} {acts.redirect.words}"
        )
    if acts.review is not None:
        found.append(f"and ask for changes on a line of {acts.review.path}, if you like: {acts.review.words}")
    return found


class Person:
    """Looks at what waits for a person, and does it."""

    def __init__(self, hub: Hub, login: str, acts: Acts, tell: Callable[[str], None]) -> None:
        self.hub, self.login, self.acts, self.tell = hub, login, acts, tell
        self.roots: list[int] = []
        self._asked: set[int] = set()
        self._redirected = acts.redirect is None
        self._reviewed = acts.review is None
        self._approved: dict[int, str] = {}
        self._ticked: set[int] = set()

    def open(self, title: str, body: str) -> int:
        """File an issue and label it."""
        number = int(self.hub.post("/issues", {"title": title, "body": body})["number"])
        self.roots.append(number)
        self.hub.post(f"/issues/{number}/labels", {"labels": [LABEL]})
        self.tell(f"{self.login} files #{number} and labels it: {title}")
        return number

    def step(self) -> None:
        """One look around."""
        for number in self.roots:
            self._approve_plans(number)
        for pull in self.hub.pulls("open"):
            if not pull["draft"] and pull["base"]["ref"] == "main":
                self._review(pull)
        if not self._redirected:
            self._redirect()

    def finished(self) -> bool:
        """Whether all root issues are closed."""
        return all(self.hub.get(f"/issues/{number}")["state"] == "closed" for number in self.roots)

    def _approve_plans(self, number: int) -> None:
        if number in self._ticked:
            return
        for comment in self.hub.comments(number):
            if BOX.search(comment["body"]):
                ticked = BOX.sub(r"\1[x]\2", comment["body"])
                self.hub.patch(f"/issues/comments/{comment['id']}", {"body": ticked})
                self._ticked.add(number)
                self.tell(f"{self.login} ticks the box of #{number}'s preview")

    def _review(self, pull: Json) -> None:
        number, sha = pull["number"], pull["head"]["sha"]
        asked = any(one["login"] == self.login for one in pull["requested_reviewers"])
        if not asked:
            self._merge(number, sha)
            return
        if not self._reviewed and self._ask_for_changes(number, sha):
            self._reviewed = True
            return
        self.hub.post(f"/pulls/{number}/reviews", {"commit_id": sha, "event": "APPROVE", "body": "Thank you."})
        self._approved[number] = sha
        self.tell(f"{self.login} approves #{number} at {sha[:8]}: {pull['title']}")

    def _merge(self, number: int, sha: str) -> None:
        """Merge what was approved at this very head; GitHub refuses while checks are missing, and we look again."""
        if self.acts.merge and self._approved.get(number) == sha and self.hub.merge(number, sha):
            self.tell(f"{self.login} merges #{number}")

    def _ask_for_changes(self, number: int, sha: str) -> bool:
        act = self.acts.review
        if act is None or act.path not in {f["filename"] for f in self.hub.pages(f"/pulls/{number}/files")}:
            return False
        lines = self.hub.text(act.path, sha).split("\n")
        at = next((n for n, line in enumerate(lines, 1) if act.line in line), None)
        if at is None:
            return False
        comment = {"path": act.path, "line": at, "side": "RIGHT", "body": act.words}
        self.hub.post(
            f"/pulls/{number}/reviews",
            {"commit_id": sha, "event": "REQUEST_CHANGES", "body": "One thing before it goes in.",
             "comments": [comment]},
        )  # fmt: skip
        self.tell(f"{self.login} asks for a change on #{number}, {act.path}:{at}")
        return True

    def _redirect(self) -> None:
        act = self.acts.redirect
        if act is None:
            return
        for issue in self.hub.issues():
            if act.issue not in issue["title"] or issue["number"] in self.roots or issue["state"] != "open":
                continue
            if self.hub.get(f"/issues/{issue['number']}/sub_issues"):
                self.hub.post(f"/issues/{issue['number']}/comments", {"body": f"@{SLUG} {act.words}"})
                self._redirected = True
                self.tell(f"{self.login} redirects #{issue['number']}: {act.words}")
                return
