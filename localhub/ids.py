"""Node ids: a prefix per type and the database id, as opaque as GitHub's but decodable by us."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

PREFIXES = {
    "User": "U", "Bot": "BOT", "Organization": "O", "Repository": "R", "Issue": "I", "PullRequest": "PR",
    "IssueComment": "IC", "Label": "LA", "Milestone": "MI", "Reaction": "REA", "App": "A", "Installation": "MDIzOklu",
    "PullRequestReview": "PRR", "PullRequestReviewComment": "PRRC", "PullRequestReviewThread": "PRRT", "Ref": "REF",
    "Commit": "C", "CheckRun": "CR", "CheckSuite": "CS", "WorkflowRun": "WFR", "Workflow": "W", "StatusContext": "SC",
    "Event": "EV", "Ruleset": "RRS", "BranchProtectionRule": "BPR", "Tag": "TAG", "Release": "RE", "Team": "T",
    "IssueType": "IT", "Deployment": "DE", "Artifact": "AR", "PullRequestCommit": "PRC",
    "RepositoryRule": "RRU", "Comparison": "CMP", "RepositoryTopic": "RT", "Topic": "TO", "PinnedIssue": "PI",
    "LinkedBranch": "LB",
}  # fmt: skip
_BY_PREFIX = {prefix: kind for kind, prefix in PREFIXES.items()}


@lru_cache(maxsize=16_384)
def node_id(kind: str, id_: int) -> str:
    return f"{PREFIXES[kind]}_kwDO{base64.urlsafe_b64encode(id_.to_bytes(6, 'big')).decode()}"


def parse_node_id(text: str) -> tuple[str, int] | None:
    """(type, database id), or None when the text is not one of our node ids."""
    prefix, separator, rest = text.partition("_kwDO")
    if not separator or prefix not in _BY_PREFIX:
        return None
    try:
        return _BY_PREFIX[prefix], int.from_bytes(base64.urlsafe_b64decode(rest), "big")
    except (binascii.Error, ValueError):
        return None


def text_node_id(kind: str, repo_id: int, text: str) -> str:
    """The node id of what has a name or SHA in a repository instead of a database id; `parse_text_node_id` reads it."""
    prefix = {"Blob": "B"}.get(kind) or PREFIXES[kind]
    return f"{prefix}_lADO{base64.urlsafe_b64encode(f'{repo_id}:{text}'.encode()).decode()}"


def parse_text_node_id(node: str) -> tuple[str, int, str] | None:
    """(type, repository id, name or SHA), or None when it is not such an id."""
    prefix, separator, rest = node.partition("_lADO")
    kind = "Blob" if prefix == "B" else _BY_PREFIX.get(prefix)
    if not separator or kind is None:
        return None
    try:
        repo_id, _, text = base64.urlsafe_b64decode(rest).decode().partition(":")
        return kind, int(repo_id), text
    except (binascii.Error, ValueError):
        return None
