"""git on this machine, and a clone of a repository of localhub's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

WHO = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Bob"), ("EMAIL", "bob@example.org"))
}


def git(cwd: Path, *args: str, ok: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    done = subprocess.run(
        ["git", *args], cwd=cwd, env={**clean, **WHO, **env}, capture_output=True, text=True, timeout=60, check=False
    )
    assert not ok or done.returncode == 0, done.stderr
    return done


class Work:
    """A clone of alice/sample."""

    def __init__(self, hub: Any, folder: Path) -> None:
        self.hub, self.folder = hub, folder / "work"
        git(folder, "clone", "-q", hub.git_url("alice/sample", hub.pat("bob")), "work")

    def __call__(self, *args: str, ok: bool = True, **env: str) -> str:
        done = git(self.folder, *args, ok=ok, **env)
        return done.stdout.strip() if ok else done.stderr

    def commit(self, path: str = "file.txt", content: bytes = b"x\n", message: str = "Change") -> str:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        self("add", ".")
        self("commit", "-qm", message)
        return self("rev-parse", "HEAD")
