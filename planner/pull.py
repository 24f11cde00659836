"""A pull request as its owner sees it, and the one question about it: what now?"""

from __future__ import annotations

from typing import Literal

from planner.facts import CheckFailure, CommandResult
from planner.model import Value
from planner.policy import Merge


class Approval(Value):
    login: str
    sha: str


class Pull(Value):
    number: int
    head: str
    base: str
    sha: str
    checks: Literal["waiting", "green", "red", "absent"] = "waiting"
    failures: tuple[CheckFailure, ...] = ()
    verified: bool | None = None
    results: tuple[CommandResult, ...] = ()
    ready: bool = False
    """left draft"""
    queued: bool = False
    """handed to a train"""
    told: str = ""
    """the head whose proof the pull request's text has"""
    approvals: tuple[Approval, ...] = ()
    same: tuple[str, ...] = ()
    """earlier heads that differ from `sha` only by clean merges of the base: an approval of them still holds"""

    def at(self, sha: str) -> Pull:
        """The same pull request at a new head: nothing is known of it yet."""
        return self.model_copy(
            update={
                "sha": sha,
                "checks": "waiting",
                "failures": (),
                "verified": None,
                "results": (),
                "queued": False,
                "same": (),
            }
        )

    def merged_base(self, sha: str) -> Pull:
        """The bot merged the base into it, cleanly."""
        return self.at(sha).model_copy(
            update={"same": (*self.same, self.sha), "verified": self.verified, "results": self.results, "queued": True}
        )

    @property
    def proven(self) -> bool:
        return self.checks in ("green", "absent") and self.verified is True

    def approved_by(self) -> set[str]:
        """Logins whose approval is of this head."""
        return {a.login for a in self.approvals if a.sha == self.sha or a.sha in self.same}

    def approve(self, login: str, sha: str) -> Pull:
        rest = tuple(a for a in self.approvals if a.login != login)
        return self.model_copy(update={"approvals": (*rest, Approval(login=login, sha=sha))})

    def disapprove(self, login: str) -> Pull:
        return self.model_copy(update={"approvals": tuple(a for a in self.approvals if a.login != login)})


Next = Literal["wait_for_proof", "leave_draft", "wait_for_people", "land", "landing"]


def decide(pull: Pull, merge: Merge, files: tuple[str, ...] = ()) -> Next:
    """What a pull request towards the target branch needs next, by the repository's `merge` policy."""
    if not pull.proven:
        return "wait_for_proof"
    if not pull.ready:
        return "leave_draft"
    if pull.queued:
        return "landing"
    who = merge.who
    if who != "people" and matches_any(files, merge.people_for):
        who = "people"
    match who:
        case "people":
            return "wait_for_people"
        case "when_approved":
            return "land" if len(pull.approved_by()) >= max(1, merge.approvals) else "wait_for_people"
        case "when_green":
            return "land"


def matches_any(files: tuple[str, ...], globs: tuple[str, ...]) -> bool:
    """Whether any path matches any glob; `**` crosses folders."""
    import re

    def pattern(glob: str) -> str:
        out = ""
        i = 0
        while i < len(glob):
            if glob.startswith("**", i):
                out, i = out + ".*", i + 2
            elif glob[i] == "*":
                out, i = out + "[^/]*", i + 1
            else:
                out, i = out + re.escape(glob[i]), i + 1
        return out

    return any(re.fullmatch(pattern(g), f) for g in globs for f in files)
