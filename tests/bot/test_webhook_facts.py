"""Webhooks: signatures, and the facts that payloads tell."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from bot.webhooks import ChecksChanged, Commented, InstallationFact, Labeled, Malformed, PullEnded, parse, verify

REPO = {"id": 5, "full_name": "octo/hello", "default_branch": "main"}
BASE: dict[str, Any] = {"installation": {"id": 9}, "repository": REPO, "sender": {"login": "ada", "id": 1}}


def test_signatures() -> None:
    good = "sha256=" + hmac.new(b"s3", b"body", hashlib.sha256).hexdigest()
    assert verify("s3", b"body", good)
    assert not verify("s3", b"bodY", good)
    assert not verify("s3", b"body", None)
    assert not verify("s3", b"body", "sha256=é")
    assert not verify("", b"body", "sha256=" + hmac.new(b"", b"body", hashlib.sha256).hexdigest())


def test_a_label() -> None:
    payload = BASE | {
        "action": "labeled",
        "label": {"name": "branchwork"},
        "issue": {"id": 7, "number": 3, "title": "T", "body": None},
    }
    fact = parse("issues", payload)
    assert isinstance(fact, Labeled)
    assert (fact.number, fact.issue_id, fact.label, fact.body, fact.where.installation) == (3, 7, "branchwork", "", 9)
    on_a_pull = payload | {"issue": {"id": 7, "number": 3, "pull_request": {"url": "x"}}}
    assert parse("issues", on_a_pull) is None


def test_a_comment_carries_its_app_and_its_author() -> None:
    comment = {"id": 4, "body": "hi", "updated_at": "2026-01-01T00:00:00Z", "user": {"login": "b[bot]", "id": 2},
               "performed_via_github_app": {"id": 77}}  # fmt: skip
    fact = parse("issue_comment", BASE | {"action": "edited", "issue": {"id": 7, "number": 3}, "comment": comment})
    assert isinstance(fact, Commented)
    assert (fact.edited, fact.via_app, fact.author, fact.sender.login) == (True, 77, "b[bot]", "ada")


def test_merges_checks_and_installations() -> None:
    pull = {"number": 8, "merged": True, "merge_commit_sha": "abc", "closed_at": "2026-01-01T00:00:00Z"}
    ended = parse("pull_request", BASE | {"action": "closed", "pull_request": pull})
    assert isinstance(ended, PullEnded)
    assert ended.merged
    changed = parse("check_suite", BASE | {"action": "completed", "check_suite": {"head_sha": "f" * 40}})
    assert isinstance(changed, ChecksChanged)
    gone = parse("installation", {"action": "suspend", "installation": {"id": 9, "updated_at": "t"}})
    assert gone == InstallationFact(installation=9, state="suspended", at="t")


def test_what_is_not_ours_and_what_is_malformed() -> None:
    assert parse("issues", BASE | {"action": "pinned"}) is None
    assert parse("push", BASE) is None
    with pytest.raises(Malformed, match="issue_comment"):
        parse("issue_comment", BASE | {"action": "created"})
