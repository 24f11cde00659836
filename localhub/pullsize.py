"""How much a pull request brings: its own commits and the lines that they change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localhub.gitdiff import changes

if TYPE_CHECKING:
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub

LISTED = 2000  # commits of one pull request


@dataclass(frozen=True)
class Size:
    """What `head` brings to `base`: its own commits, and the changed lines against where it left."""

    shas: tuple[str, ...] = ()
    additions: int = 0
    deletions: int = 0
    changed_files: int = 0

    def columns(self) -> dict[str, int]:
        rest = {"deletions": self.deletions, "changed_files": self.changed_files}
        return {"commits": len(self.shas), "additions": self.additions, **rest}


def measure(git: GitRepo, base: str, head: str) -> Size:
    """Nothing for two histories that have nothing in common."""
    fork = git.merge_base(base, head)
    if fork is None:
        return Size()
    files = changes(git, fork, head, patches=False)
    return Size(
        tuple(git.log([head], [base])),
        sum(each.additions for each in files),
        sum(each.deletions for each in files),
        len(files),
    )


def list_commits(hub: Hub, pull_id: int, size: Size) -> None:
    """Write down what an open pull request brings, so that a move of its base finds those that it concerns."""
    hub.db.execute("DELETE FROM pull_commits WHERE pull_id = ?", pull_id)
    for sha in size.shas if len(size.shas) <= LISTED else [""]:
        hub.db.insert("pull_commits", sha=sha, pull_id=pull_id)
