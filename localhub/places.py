"""Where in a diff a review comment sits, and where it goes when the head moves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localhub.errors import GitHubError, check_length, field, invalid
from localhub.gitdiff import FileChange, changes
from localhub.refs import git_of

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
KIND = "PullRequestReviewComment"
Positions = dict[int, tuple[int | None, int | None]]
"""Lines in the old and the new file, by their position in the diff."""
Draft = Mapping[str, Any]
"""A comment as a request has it: path, body, and line/side/start_line/start_side or position."""


@dataclass(frozen=True)
class Misplaced:
    """What is wrong with a draft's place; GitHub words it differently for a comment and for a review with comments."""

    name: str
    words: str | None
    of_reviews: str

    def of_comment(self) -> GitHubError:
        named = f"pull_request_review_thread.{self.name}" if self.name != "commit_id" else self.name
        words = None if self.words is None else f"{named} {self.words}"
        wrong = field(KIND, named, "custom" if words else "invalid", words)
        blank = field(KIND, "pull_request_review_thread.diff_hunk", "missing_field")
        return invalid("Validation Failed", *([wrong] if self.name == "commit_id" else [wrong, blank]))

    def of_review(self) -> GitHubError:
        return GitHubError(422, "Unprocessable Entity", errors=[self.of_reviews])


_COMMIT = Misplaced("commit_id", "is not part of the pull request", "The commitOID is not part of the pull request")
_PATH = Misplaced("path", None, "Path could not be resolved")
_LINE = Misplaced("line", "must be part of the diff", "Line could not be resolved")
_POSITION = Misplaced("position", None, "Pull request review thread position is invalid and "
                      "Pull request review thread diff hunk can't be blank")  # fmt: skip
_ORDER = Misplaced("start_line", "must precede the end line.",
                   "Pull request review thread start line must precede the end line.")  # fmt: skip
_HUNKS = Misplaced("start_line", "must be part of the same hunk as the line.",
                   "Pull request review thread start line must be part of the same hunk as the line.")  # fmt: skip


def belongs(hub: Hub, repo: Row, pull: Row, commit: str) -> bool:
    """Whether a commit is one of the pull request's."""
    git = git_of(hub, repo)
    if commit == pull["head_sha"]:
        return True
    if git.kinds([f"{commit}^{{commit}}"])[0][1] != "commit":
        return False
    fork = git.merge_base(pull["base_sha"], pull["head_sha"])
    return git.is_ancestor(commit, pull["head_sha"]) and not (fork and git.is_ancestor(commit, fork))


def find(hub: Hub, repo: Row, pull: Row, commit: str, draft: Draft) -> dict[str, Any] | Misplaced:
    """The columns that say where in the diff a comment is, or why it is nowhere."""
    if not str(draft.get("body") or "").strip():
        raise invalid("Validation Failed", field(KIND, "body", "missing_field"))
    check_length(KIND, "body", str(draft["body"]))
    git = git_of(hub, repo)
    if not belongs(hub, repo, pull, commit):
        return _COMMIT
    fork = git.merge_base(pull["base_sha"], commit)
    change = next((c for c in changes(git, fork, commit) if c.path == draft.get("path")), None)
    if change is None:
        return _PATH
    if draft.get("subject_type") == "file":
        return _at(change, "RIGHT", None, 1, change.patch or "", "file") | {"original_line": 1}
    return _on_lines(change, draft)


def _on_lines(change: FileChange, draft: Draft) -> dict[str, Any] | Misplaced:
    rows = positions(change)
    side = str(draft.get("side") or "RIGHT")
    if draft.get("line") is not None:
        wanted = _position(rows, side, draft["line"])
        if wanted is None:
            return _LINE
        line = int(draft["line"])
    else:
        wanted = draft.get("position")
        if wanted not in rows:
            return _POSITION
        left, right = rows[wanted]
        side, line = ("RIGHT", right) if right is not None else ("LEFT", left or 1)
    patch = change.patch or ""
    place = _at(change, side, line, int(wanted), _hunk(patch, int(wanted)), "line")
    start = draft.get("start_line")
    if start is None:
        return place
    start_side = str(draft.get("start_side") or side)
    if start_side == side and start >= line:
        return _ORDER
    first = _position(rows, start_side, start)
    if first is None or _hunk_start(patch, first) != _hunk_start(patch, int(wanted)):
        return _HUNKS
    if first >= wanted:
        return _ORDER
    return place | {"start_line": start, "original_start_line": start, "start_side": start_side}


def _position(rows: Positions, side: str, line: object) -> int | None:
    which = 1 if side == "RIGHT" else 0
    return next((number for number, pair in rows.items() if pair[which] == line), None)


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


def positions(change: FileChange) -> Positions:
    """For each position below the first hunk's heading, its line in the old and the new file."""
    rows: Positions = {}
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


def _hunk_start(patch: str, position: int) -> int:
    lines = patch.split("\n")[: position + 1]
    return max(index for index, line in enumerate(lines) if _HUNK.match(line))


def _hunk(patch: str, position: int) -> str:
    """The hunk up to a position, as GitHub quotes it above the comment."""
    return "\n".join(patch.split("\n")[_hunk_start(patch, position) : position + 1])


def outdate(hub: Hub, git: GitRepo, pull: Row, base: str, after: str) -> None:
    """Move comments along with a new head: lines shift, and what is no longer in the diff is outdated.

    `pull` is the row before the push; `base` and `after` are what base and head are now.
    """
    rows = hub.db.rows("SELECT * FROM review_comments WHERE pull_id = ? AND position IS NOT NULL", pull["id"])
    if not rows:
        return
    forks = git.merge_base(pull["base_sha"], pull["head_sha"]), git.merge_base(base, after)
    moves = {
        "RIGHT": {change.previous or change.path: change for change in changes(git, pull["head_sha"], after)},
        "LEFT": {change.previous or change.path: change for change in changes(git, forks[0], forks[1] or base)},
    }
    shown = {change.path: change for change in changes(git, forks[1], after)}
    for row in rows:
        change = shown.get(row["path"])
        if row["subject_type"] == "file":
            moved: dict[str, Any] | None = {} if change is not None else None
        else:
            moved = None if change is None else _moved(row, moves, positions(change))
        if moved is None:
            hub.db.update("review_comments", row["id"], line=None, start_line=None, position=None)
        else:
            hub.db.update("review_comments", row["id"], commit_id=after, **moved)


def _moved(row: Row, moves: Mapping[str, Mapping[str, FileChange]], rows: Positions) -> dict[str, Any] | None:
    """The new line, start line and position of a comment, or None when it has none."""

    def now(side: str, line: int) -> int | None:
        change = moves[side].get(row["path"])
        return line if change is None else _shifted(change, line)

    line = now(row["side"], row["line"])
    position = None if line is None else _position(rows, row["side"], line)
    start = None if row["start_line"] is None else now(row["start_side"], row["start_line"])
    if position is None or (start is None) != (row["start_line"] is None):
        return None
    return {"line": line, "start_line": start, "position": position}


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
