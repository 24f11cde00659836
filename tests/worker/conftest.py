"""A real repository, real workspaces and a real sandbox for each test; scripted models."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from worker.intake import Change, Identity
from worker.messages import ModelAnswer, ModelError, ModelRequest, ToolCall
from worker.sandbox import Result, SandboxCommand, SandboxLimits
from worker.sandbox.bubblewrap import Bubblewrap
from worker.task import Usage
from worker.workspace import Workspace, Workspaces

FILES = {
    "README.md": "# sample\n",
    "src/calc.py": "def add(a, b):\n    return a + b\n",
    ".gitignore": "*.log\nbuild/\n",
    ".github/workflows/ci.yml": "on: push\n",
}


class Repo:
    """A bare mirror with one commit, and plain git on it."""

    def __init__(self, folder: Path) -> None:
        self.mirror = folder / "mirror.git"
        self._source = folder / "source"
        subprocess.run(["git", "init", "-q", "-b", "main", str(self._source)], check=True)
        for name, text in FILES.items():
            path = self._source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self._in_source("add", "-A")
        self._in_source("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "Start")
        subprocess.run(["git", "clone", "-q", "--bare", str(self._source), str(self.mirror)], check=True)
        self.base = self.git("rev-parse", "main").strip()

    def _in_source(self, *args: str) -> None:
        subprocess.run(["git", "-C", str(self._source), *args], check=True)

    def git(self, *args: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["git", "--git-dir", str(self.mirror), *args], check=True, input=stdin, capture_output=True
        )
        return done.stdout.decode("utf-8", "surrogateescape")


@pytest.fixture(scope="session")
def sandbox() -> Bubblewrap:
    return Bubblewrap()


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every uid can reach: pytest keeps its own private, and makes them so again at each start."""
    with tempfile.TemporaryDirectory(prefix="branchwork-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture
def repo(shared: Path) -> Repo:
    return Repo(shared)


@pytest.fixture
def workspaces(shared: Path, sandbox: Bubblewrap) -> Iterator[Workspaces]:
    made = Workspaces(shared / "data", sandbox)
    yield made
    for attempt in (shared / "data" / "attempts").iterdir():
        made.remove(attempt.name)
    left = [path for folder in ("attempts", "scratch", "slots") for path in (shared / "data" / folder).iterdir()]
    assert left == [], "workspaces left behind"


@pytest.fixture
def workspace(workspaces: Workspaces, repo: Repo) -> Workspace:
    return workspaces.create(repo.mirror, repo.base, "n1-a1")


@pytest.fixture
def inside(sandbox: Bubblewrap, workspace: Workspace) -> Callable[..., Result]:
    """Run a shell command in the workspace's sandbox."""

    def run(command: str, *, stdin: str = "", **limits: Any) -> Result:
        asked = workspace.command(command, limits=SandboxLimits(**{"wall_s": 30, **limits}))
        return sandbox.run(asked.model_copy(update={"stdin": stdin}))

    return run


@pytest.fixture
def python_inside(inside: Callable[..., Result]) -> Callable[..., Result]:
    """Run a Python program in the sandbox."""

    def run(program: str, **limits: Any) -> Result:
        return inside("python3 -", stdin=program, **limits)

    return run


@pytest.fixture
def change() -> Change:
    author = Identity(name="branchwork[bot]", email="1+branchwork[bot]@users.noreply.github.com")
    return Change(message="Do the task", author=author, at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


class Scripted:
    """A model that answers from a list; what it was asked is kept. An exception in the list is raised."""

    def __init__(self, *answers: ModelAnswer | ModelError) -> None:
        self._answers = list(answers)
        self.requests: list[ModelRequest] = []

    def answer(self, request: ModelRequest) -> ModelAnswer:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, ModelError):
            raise answer
        return answer


@pytest.fixture(scope="session")
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture(scope="session")
def calls() -> Callable[..., ModelAnswer]:
    """`calls(("read_file", {"path": "a"}), …)`: an answer that calls tools; arguments may be raw text."""

    def make(*wanted: tuple[str, Any], text: str = "", tokens: int = 10) -> ModelAnswer:
        made = tuple(
            ToolCall(id=f"c{at}", name=name, arguments=args if isinstance(args, str) else json.dumps(args))
            for at, (name, args) in enumerate(wanted)
        )
        return ModelAnswer(text=text, tool_calls=made, usage=Usage(calls=1, input_tokens=tokens, output_tokens=1))

    return make


@pytest.fixture(scope="session")
def as_root() -> bool:
    return os.geteuid() == 0


class HostileSandbox:
    """A second sandbox that was taken over: instead of committing, it leaves whatever it likes in /git."""

    name = "hostile"

    def __init__(self, leave: Callable[[Path], None]) -> None:
        self._leave = leave

    def path(self, source: Path, target: str) -> str:
        return target

    def run(self, command: SandboxCommand) -> Result:
        folder = next(mount.source for mount in command.mounts if mount.target == "/git")
        self._leave(folder)
        return Result(exit_code=0, output="")


@pytest.fixture(scope="session")
def hostile() -> type[HostileSandbox]:
    return HostileSandbox
