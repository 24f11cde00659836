"""Tests that no worker saw, run on what came out: in a fresh sandbox, as everything that a repository brings."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bot.demo import repository
from bot.demo.replay.trees import Tree
from worker.sandbox.bubblewrap import Bubblewrap
from worker.workspace import Workspaces

FOLDER = "hidden_acceptance"


def accepted(result: Path, tests: Tree, branch: str = "main") -> tuple[bool, str]:
    """Whether the tests pass on the branch, and what they said."""
    with tempfile.TemporaryDirectory(prefix="branchwork-proof-") as folder:
        root = Path(folder)
        root.chmod(0o711)  # the sandbox runs under another uid and must find the checkout
        copy = root / "result.git"
        repository.git(root, "clone", "-q", "--bare", str(result.absolute()), str(copy))
        sha = repository.with_files(copy, branch, {f"{FOLDER}/{path}": entry for path, entry in tests.items()})
        workspaces = Workspaces(root / "workspaces", Bubblewrap())
        (said,) = workspaces.verify(copy, sha, [f"python3 -m unittest discover -s {FOLDER}"])
    last = said.output.strip().splitlines()[-1:] or ["no output"]
    if said.ok:
        ran = next((line for line in said.output.splitlines() if line.startswith("Ran ")), last[0])
        return True, f"hidden acceptance tests passed ({ran.lower()})"
    return False, f"hidden acceptance tests failed:\n{said.output[-3000:]}"
