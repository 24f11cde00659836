"""GitHub's webhooks as values. No I/O: bytes and payloads in, facts out."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from bot.payloads import (
    Actor,
    Comment,
    HeadSha,
    Installation,
    InstallationFull,
    Issue,
    Label,
    Part,
    Pull,
    Repo,
    Review,
)

__all__ = [
    "KNOWN",
    "Actor",
    "ChecksChanged",
    "Commented",
    "Fact",
    "InstallationFact",
    "IssueEnded",
    "Labeled",
    "Malformed",
    "PullEnded",
    "Repo",
    "ReviewSubmitted",
    "Where",
    "parse",
    "verify",
]

KNOWN = frozenset(
    {
        "issues",
        "issue_comment",
        "sub_issues",
        "issue_dependencies",
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
        "pull_request_review_thread",
        "check_run",
        "check_suite",
        "status",
        "workflow_run",
        "push",
        "repository",
        "merge_group",
        "installation",
        "installation_repositories",
        "ping",
    }
)
"""The events that `app.yml` subscribes to, and those that arrive unasked."""


def verify(secret: str, body: bytes, signature: str | None) -> bool:
    """Whether `X-Hub-Signature-256` is this body's, compared in constant time. No secret verifies nothing."""
    if not secret or not signature:
        return False
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())


class Malformed(ValueError):
    """The payload lacks what every payload of this event has."""


class Where(Part):
    """The installation and repository of a fact."""

    installation: int
    repo: Repo


class Labeled(Part):
    """A label was put on an issue; title and body as they were then."""

    kind: Literal["labeled"] = "labeled"
    where: Where
    sender: Actor
    label: str
    number: int
    issue_id: int
    title: str
    body: str
    at: str


class Commented(Part):
    """A comment was written, or edited (`edited`); `via_app` is the app that wrote it."""

    kind: Literal["commented"] = "commented"
    where: Where
    sender: Actor
    number: int
    on_pull: bool
    comment_id: int
    body: str
    updated_at: str
    author: str
    via_app: int | None
    edited: bool


class ReviewSubmitted(Part):
    """A review as it is now; `author` wrote it, `sender` submitted or dismissed it."""

    kind: Literal["review"] = "review"
    where: Where
    sender: Actor
    author: str
    pull: int
    review_id: int
    state: str
    sha: str
    body: str


class PullEnded(Part):
    """A pull request was closed; `merged` says how."""

    kind: Literal["pull_ended"] = "pull_ended"
    where: Where
    sender: Actor
    pull: int
    merged: bool
    merge_sha: str
    closed_at: str


class IssueEnded(Part):
    kind: Literal["issue_ended"] = "issue_ended"
    where: Where
    sender: Actor
    number: int
    closed_at: str


class ChecksChanged(Part):
    """Something about the checks of this head changed: whoever watches it reads again."""

    kind: Literal["checks"] = "checks"
    where: Where
    sha: str


class InstallationFact(Part):
    kind: Literal["installation"] = "installation"
    installation: int
    state: Literal["active", "suspended", "removed"]
    at: str


Fact = Labeled | Commented | ReviewSubmitted | PullEnded | IssueEnded | ChecksChanged | InstallationFact


def parse(event: str, payload: Mapping[str, Any]) -> Fact | None:
    """The fact that a payload tells, or None for those that we do not act on. Raises `Malformed`."""
    try:
        return _parse(event, str(payload.get("action", "")), payload)
    except (KeyError, TypeError, ValidationError) as error:
        raise Malformed(f"{event}: this is not a payload of GitHub's: {error}") from error


def _parse(event: str, action: str, payload: Mapping[str, Any]) -> Fact | None:
    match event, action:
        case "installation", ("created" | "suspend" | "unsuspend" | "deleted" | "new_permissions_accepted"):
            return _installation(action, payload)
        case "issues", "labeled":
            issue = Issue.model_validate(payload["issue"])
            if issue.pull_request is not None:
                return None
            return Labeled(
                where=_where(payload),
                sender=_sender(payload),
                label=Label.model_validate(payload["label"]).name,
                number=issue.number,
                issue_id=issue.id,
                title=issue.title,
                body=issue.body or "",
                at=issue.updated_at,
            )
        case "issues", "closed":
            issue = Issue.model_validate(payload["issue"])
            return IssueEnded(
                where=_where(payload), sender=_sender(payload), number=issue.number, closed_at=issue.closed_at or ""
            )
        case "issue_comment", ("created" | "edited"):
            return _comment(action, payload)
        case "pull_request_review", ("submitted" | "dismissed"):
            return _review(payload)
        case "pull_request", "closed":
            pull = Pull.model_validate(payload["pull_request"])
            return PullEnded(
                where=_where(payload),
                sender=_sender(payload),
                pull=pull.number,
                merged=pull.merged,
                merge_sha=pull.merge_commit_sha or "",
                closed_at=pull.closed_at or "",
            )
        case (("check_suite" | "workflow_run"), "completed"):  # a check run's end is its suite's, or is polled for
            return ChecksChanged(where=_where(payload), sha=HeadSha.model_validate(payload[event]).head_sha)
        case "status", _:
            return ChecksChanged(where=_where(payload), sha=str(payload["sha"]))
        case _:
            return None


def _where(payload: Mapping[str, Any]) -> Where:
    return Where(
        installation=Installation.model_validate(payload["installation"]).id,
        repo=Repo.model_validate(payload["repository"]),
    )


def _sender(payload: Mapping[str, Any]) -> Actor:
    return Actor.model_validate(payload["sender"])


def _comment(action: str, payload: Mapping[str, Any]) -> Commented:
    issue = Issue.model_validate(payload["issue"])
    comment = Comment.model_validate(payload["comment"])
    return Commented(
        where=_where(payload),
        sender=_sender(payload),
        number=issue.number,
        on_pull=issue.pull_request is not None,
        comment_id=comment.id,
        body=comment.body or "",
        updated_at=comment.updated_at,
        author=comment.user.login if comment.user else "",
        via_app=comment.performed_via_github_app.id if comment.performed_via_github_app else None,
        edited=action == "edited",
    )


def _review(payload: Mapping[str, Any]) -> ReviewSubmitted:
    review = Review.model_validate(payload["review"])
    sender = _sender(payload)
    return ReviewSubmitted(
        where=_where(payload),
        sender=sender,
        author=review.user.login if review.user else sender.login,
        pull=Pull.model_validate(payload["pull_request"]).number,
        review_id=review.id,
        state=review.state.lower(),
        sha=review.commit_id or "",
        body=review.body or "",
    )


def _installation(action: str, payload: Mapping[str, Any]) -> InstallationFact:
    full = InstallationFull.model_validate(payload["installation"])
    state: Literal["active", "suspended", "removed"] = "active"
    if action == "suspend":
        state = "suspended"
    elif action == "deleted":
        state = "removed"
    return InstallationFact(installation=full.id, state=state, at=full.updated_at)
