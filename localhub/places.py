"""Where in a diff a review comment sits, and where it goes when the head moves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localhub.errors import check_length, field, invalid
from localhub.gitdiff import FileChange, changes
from localhub.refs import git_of

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
Draft = Mapping[str, Any]
"""A comment as a request has it: path, body, and line/side/start_line/start_side or position."""


def find(hub: Hub, repo: Row, pull: Row, commit: str, draft: Draft) -> dict[str, Any]:
    """The columns that say where in the diff a comment is, or 422 when that is no part of it."""
    if not str(draft.get("body") or "").strip():
        raise invalid("Validation Failed", field("PullRequestReviewComment", "body", "missing_field"))
    check_length("PullRequestReviewComment", "body", str(draft["body"]))
    git = git_of(hub, repo)
    if git.kinds([f"{commit}^{{commit}}"])[0][1] != "commit":
        raise invalid("Validation Failed", field("PullRequestReviewComment", "commit_id", "invalid"))
    fork = git.merge_base(pull["base_sha"], commit)
    change = next((c for c in changes(git, fork, commit) if c.path == draft.get("path")), None)
    if change is None:
        raise invalid("Validation Failed", field("PullRequestReviewComment", "path", "invalid"))
    if draft.get("subject_type") == "file":
        return _at(change, "RIGHT", None, 1, change.patch or "", "file")
    rows = positions(change)
    side = str(draft.get("side") or "RIGHT")
    if draft.get("line") is not None:
        which = 1 if side == "RIGHT" else 0
        wanted = next((number for number, pair in rows.items() if pair[which] == draft["line"]), None)
        if wanted is None:
            raise invalid("Validation Failed", field("PullRequestReviewComment", "line", "invalid",
                          "line must be part of the diff"))  # fmt: skip
        line = int(draft["line"])
    else:
        wanted = draft.get("position")
        if wanted not in rows:
            raise invalid("Validation Failed", field("PullRequestReviewComment", "position", "invalid"))
        left, right = rows[wanted]
        side, line = ("RIGHT", right) if right is not None else ("LEFT", left or 1)
    place = _at(change, side, line, int(wanted), _hunk(change.patch or "", int(wanted)), "line")
    start = draft.get("start_line")
    if start is not None:
        place |= {"start_line": start, "original_start_line": start, "start_side": draft.get("start_side") or side}
    return place


def _at(change: FileChange, side: str, line: int | None, position: int, hunk: str, subject: str) -> dict[str, Any]:
    return {
        "path": change.path,
        "side": side,
        "line": line,
        "original_line": line,
        "position": position,
        "original_position": position,
        "diff_hunk": hunk,
        "subject_type": subject,
    }


def positions(change: FileChange) -> dict[int, tuple[int | None, int | None]]:
    """For each position below the first hunk's heading, its line in the old and the new file."""
    rows: dict[int, tuple[int | None, int | None]] = {}
    left = right = 0
    for number, text in enumerate((change.patch or "").split("\n")):
        match = _HUNK.match(text)
        if match:
            left, right = int(match[1]), int(match[3])
        elif text.startswith("+"):
            rows[number] = (None, right)
            right += 1
        elif text.startswith("-"):
            rows[number] = (left, None)
            left += 1
        elif text.startswith(" "):
            rows[number] = (left, right)
            left, right = left + 1, right + 1
    return rows


def _hunk(patch: str, position: int) -> str:
    """The hunk up to a position, as GitHub quotes it above the comment."""
    lines = patch.split("\n")[: position + 1]
    start = max(index for index, line in enumerate(lines) if _HUNK.match(line))
    return "\n".join(lines[start:])


def outdate(hub: Hub, git: GitRepo, pull_id: int, before: str, after: str) -> None:
    """Move comments along with a new head: lines shift, and what changed under a comment makes it outdated."""
    rows = hub.db.rows(
        "SELECT * FROM review_comments WHERE pull_id = ? AND line IS NOT NULL AND side = 'RIGHT'", pull_id
    )
    if not rows:
        return
    moved = {change.previous or change.path: change for change in changes(git, before, after)}
    for row in rows:
        change = moved.get(row["path"])
        line = row["line"] if change is None else _shifted(change, row["line"])
        same = {"position": row["position"]} if change is None else {}
        if line is None:
            hub.db.update("review_comments", row["id"], line=None, position=None)
        else:
            hub.db.update("review_comments", row["id"], line=line, commit_id=after, **same)


def _shifted(change: FileChange, line: int) -> int | None:
    """Where a line of the old file is in the new one; None when it was changed or removed."""
    if change.patch is None:
        return None if change.status != "renamed" else line
    shift = 0
    for left, right in positions(change).values():
        if left == line:
            return right
        if left is not None and left > line:
            break
        shift += int(left is None) - int(right is None)
    return line + shift
