"""Part b: clone, commit, push, again and again, sixteen at a time; then every commit is looked for.

Most cycles push a branch of their own. Every fifth pushes to one shared branch, and tries again on the new tip when
somebody was faster: the hub must refuse the push that would lose a commit, and keep the one that it took.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

AT_ONCE = 16
SHARED_EVERY = 5
RETRIES = 100


class Git:
    """git with none of the machine's settings."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Alice", "GIT_AUTHOR_EMAIL": "alice@example.org",
            "GIT_COMMITTER_NAME": "Alice", "GIT_COMMITTER_EMAIL": "alice@example.org", "LC_ALL": "C",
        }  # fmt: skip

    def __call__(self, folder: Path, *arguments: str, ok: tuple[int, ...] = (0,)) -> tuple[int, str]:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode not in ok:
            raise RuntimeError(f"git {' '.join(arguments)}: {done.returncode} {done.stdout}{done.stderr}")
        return done.returncode, done.stdout + done.stderr


def run(url: str, folder: Path, count: int) -> dict[str, Any]:
    """`count` cycles against the repository at `url` (with its credentials); what they took and what was lost."""
    folder.mkdir(parents=True, exist_ok=True)
    git = Git(folder / "home")
    git(folder, "clone", "-q", url, "first")
    git(folder / "first", "push", "-q", "origin", "HEAD:refs/heads/shared")
    seconds: list[float] = []
    shared: list[float] = []
    made: dict[str, str] = {}
    refused = itertools.count()
    lock = threading.Lock()

    def cycle(number: int) -> None:
        branch = "shared" if number % SHARED_EVERY == 0 else f"branch-{number}"
        at = time.perf_counter()
        sha = _cycle(git, url, folder / f"c{number}", number, branch, refused)
        with lock:
            (shared if branch == "shared" else seconds).append(time.perf_counter() - at)
            made[sha] = branch
        shutil.rmtree(folder / f"c{number}")

    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(cycle, number) for number in range(count)]:
            future.result()
    wall = time.perf_counter() - began
    git(folder, "clone", "-q", "--mirror", url, "last")
    lost = [
        sha for sha, branch in made.items()
        if git(folder / "last", "merge-base", "--is-ancestor", sha, f"refs/heads/{branch}", ok=(0, 1, 128))[0] != 0
    ]  # fmt: skip
    return {
        "cycles": count,
        "distinct_commits": len(made),
        "lost": len(lost) + count - len(made),
        "on_the_shared_branch": len(shared),
        "pushes_refused_and_tried_again": next(refused),
        "wall_s": round(wall, 1),
        "cycle_p50_s": round(sorted(seconds)[len(seconds) // 2], 2),
        "cycle_max_s": round(max(seconds), 2),
        "shared_cycle_p50_s": round(sorted(shared)[len(shared) // 2], 2),
    }


def _cycle(git: Git, url: str, work: Path, number: int, branch: str, refused: Any) -> str:
    git(work.parent, "clone", "-q", url, work.name)
    start = "origin/shared" if branch == "shared" else "HEAD"
    git(work, "checkout", "-q", "-b", "work", start)
    (work / f"file-{number}.txt").write_text(f"written in cycle {number}\n")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", f"Cycle {number}")
    for _ in range(RETRIES):
        code, said = git(work, "push", "-q", "origin", f"HEAD:refs/heads/{branch}", ok=(0, 1))
        if code == 0:
            return git(work, "rev-parse", "HEAD")[1].strip()
        if not any(word in said for word in ("rejected", "fetch first", "non-fast-forward", "failed to push")):
            raise RuntimeError(said)
        next(refused)
        git(work, "fetch", "-q", "origin", branch)
        git(work, "rebase", "-q", "FETCH_HEAD")
    raise RuntimeError(f"cycle {number} was refused {RETRIES} times")
