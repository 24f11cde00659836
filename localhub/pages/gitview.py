"""What pages ask of a repository besides objects: how many commits, and which one changed a file last."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from localhub.gitcore import text
from localhub.gitstore import GitRepo

LOOK_BACK = 300  # commits looked through for what changed the entries of a folder last


def count(git: GitRepo, sha: str, path: str = "") -> int:
    """How many commits there are up to this one."""
    limit = ["--", f":(literal){path}"] if path else []
    return int(git.git("rev-list", "--count", sha, *limit))


@lru_cache(maxsize=256)
def touched_last(path: Path, sha: str, folder: str) -> dict[str, str]:
    """Which commit changed each entry of a folder last, as far back as LOOK_BACK commits: name to SHA."""
    git = GitRepo(path)
    only = ["--", f":(literal){folder}"] if folder else []
    out = text(
        git.git("log", "-z", "--no-renames", "--name-only", f"--max-count={LOOK_BACK}", "--format=%x01%H", sha, *only)
    )
    found: dict[str, str] = {}
    lead = f"{folder}/" if folder else ""
    commit = ""
    for part in out.replace("\n", "\0").split("\0"):
        if part.startswith("\x01"):
            commit = part[1:]
        elif part.startswith(lead) and part:
            found.setdefault(part[len(lead) :].split("/", 1)[0], commit)
    return found
