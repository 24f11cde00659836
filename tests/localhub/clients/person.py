"""Somebody with Debian's gh and git, in a folder."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Person:
    """Somebody with gh and git, in a folder."""

    def __init__(self, secure: Any, login: str, home: Path, **more: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.login, self.folder = login, home
        self.environment = secure.environment(home, f"ghp_{login}") | more
        for key, value in (
            ("user.name", login), ("user.email", f"{login}@example.org"), ("init.defaultBranch", "main"),
            ("credential.helper", "!gh auth git-credential"),
        ):  # fmt: skip
            self.git("config", "--global", key, value)

    def git(self, *words: str) -> str:
        return self._run(["git", *words], 0)[0]

    def gh(self, *words: str, status: int = 0, stdin: str = "") -> str:
        out, err = self._run(["gh", *words], status, stdin)
        return out + err

    def json(self, *words: str) -> Any:
        """`gh … --json FIELDS`, or `gh api`, read."""
        return json.loads(self._run(["gh", *words], 0)[0])

    def _run(self, command: list[str], status: int, stdin: str = "") -> tuple[str, str]:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, input=stdin, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout, done.stderr

    def refused(self, path: str, text: str) -> str:
        """Commit and push what the server does not take; what git says."""
        (self.folder / path).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", f"Add {path}")
        return self._run(["git", "push", "-q", "origin", "HEAD"], 1)[1].lower()

    def commit(self, path: str, text: str, branch: str | None = None) -> None:
        if branch:
            self.git("checkout", "-q", "-B", branch)
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", f"Add {path}")
        self.git("push", "-qu", "origin", "HEAD")


def settled(look: Callable[[], str], text: str) -> None:
    """Search sees what is new with GitHub's delay."""
    end = time.monotonic() + 60
    while text not in (found := look()):
        assert time.monotonic() < end, found
        time.sleep(0.2)
