"""`theatre`: localhub, the replayed model and the bot as processes, once a module; a `World` is one repository in it.

People act by GitHub's REST API alone. Every scenario ends in silence, and with the invariants that GitHub shows.
A module may set its own TARGET, SCRIPT and SETTINGS; each world has its own configuration.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bot.demo import repository
from bot.demo.hub import Hub
from bot.demo.replay.trees import Entry, read_tree
from bot.demo.stage import Cast, ModelChoice, Stage
from tests.scenarios.invariants import Invariants

PEOPLE = ("bob", "mallory")
WORKFLOW = """\
name: ci
on:
  pull_request:
  push:
    branches: [main, 'branchwork/**/train']
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: python3 -m unittest discover -q
"""
BASE = {
    "calc/__init__.py": "",
    "calc/add.py": "def add(a, b):\n    return a + b\n",
    "test_calc.py": (
        "import unittest\n\nfrom calc.add import add\n\n\nclass T(unittest.TestCase):\n"
        "    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n"
    ),
}
TARGET = {
    "calc/sub.py": "def sub(a, b):\n    return a - b\n",
    "calc/mul.py": "def mul(a, b):\n    return a * b\n",
}
PASSED = pytest.StashKey[bool]()
LIMIT_S = float(os.environ.get("BRANCHWORK_SCENARIO_S", "90"))


class World:
    """A repository with people; the bot and the model are shared with the module's other worlds."""

    def __init__(self, stage: Stage, name: str, config: dict[str, Any] | str, workflow: str | None) -> None:
        self.stage, self.config = stage, config
        self.full_name = f"{stage.cast.person}/{name}"
        self.folder = stage.folder / "worlds" / name
        self.folder.mkdir(parents=True)
        self.tokens = {"ada": stage.token, "bob": "ghp_bob", "mallory": "ghp_mallory"}
        self.files = tree_of(BASE, config, workflow)
        source = repository.make(self.folder / "source.git", self.files, "calc 1.0")
        seed = {
            "users": [{"login": who, "email": f"{who}@example.org", "token": self.tokens[who]} for who in PEOPLE],
            "repositories": [{"full_name": self.full_name, "source": str(source), "auto_init": False,
                              "collaborators": {"bob": "write"}}],
        }  # fmt: skip
        self.repo_id = int(self.admin("/seed", seed)["repositories"][self.full_name])
        self.hubs = {who: Hub(stage.api, self.full_name, token) for who, token in self.tokens.items()}
        self.ada = self.hubs["ada"]
        self.holds = Invariants(stage, self.ada, self.repo_id, self.folder)
        self.roots: list[int] = []
        self.troubles_expected = False

    # ── people ──

    def open(self, title: str = "Grow the calculator", body: str = "It should subtract and multiply.") -> int:
        self.roots.append(int(self.ada.post("/issues", {"title": title, "body": body})["number"]))
        return self.roots[-1]

    def label(self, number: int, who: str = "ada", label: str = "branchwork") -> None:
        self.hubs[who].post(f"/issues/{number}/labels", {"labels": [label]})

    def unlabel(self, number: int, label: str = "branchwork") -> None:
        answer = httpx.delete(
            f"{self.stage.api}/repos/{self.full_name}/issues/{number}/labels/{label}",
            headers={"Authorization": f"Bearer {self.tokens['ada']}"},
        )
        answer.raise_for_status()

    def comment(self, number: int, words: str, who: str = "ada") -> int:
        return int(self.hubs[who].post(f"/issues/{number}/comments", {"body": words})["id"])

    def tick(self, comment: dict[str, Any], who: str = "ada") -> None:
        body = comment["body"].replace("- [ ] Approve", "- [x] Approve", 1)
        assert body != comment["body"]
        self.hubs[who].patch(f"/issues/comments/{comment['id']}", {"body": body})

    def admin(self, path: str, body: dict[str, Any]) -> Any:
        """What owners do on GitHub's pages."""
        answer = httpx.post(f"{self.stage.hub_url}/_localhub{path}", json=body, timeout=30)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def installation(self, action: str) -> None:
        self.admin(
            f"/installations/{self.admin('/seed', {})['installations']['branchwork on ada']}", {"action": action}
        )

    # ── looking ──

    def issue(self, number: int) -> dict[str, Any]:
        return dict(self.ada.get(f"/issues/{number}"))

    def comments(self, number: int) -> list[str]:
        return [c["body"] for c in self.ada.comments(number)]

    def trees(self) -> list[dict[str, Any]]:
        return self.holds.trees()

    def counts(self) -> dict[str, Any]:
        """How many actions there are by state, events unread, deliveries, holds: of the whole bot."""
        return dict(self.stage.status().get("counts", {}))

    def held(self, kind: str) -> list[dict[str, Any]]:
        return [hold for hold in self.counts().get("holds", []) if hold["kind"] == kind]

    def until(self, seen: Callable[[], Any], what: str, limit_s: float = LIMIT_S) -> Any:
        """Looks again until it is so; the only waiting that scenarios do."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            self.stage.check()
            if found := seen():
                return found
            time.sleep(0.1)
        raise AssertionError(
            f"waited {limit_s:g} s for {what}\n{self.stage.status()}\n{self.stage.children[-1].tail()}"
        )

    def closed(self, number: int) -> None:
        self.until(lambda: self.issue(number)["state"] == "closed" or self.parked(), f"#{number} to close")
        assert not self.parked()
        self.quiet()

    def parked(self) -> list[str]:
        """Why nodes wait for a person's answer."""
        return [n["reason"] for tree in self.trees() for n in tree["nodes"] if n["state"] == "parked"]

    def quiet(self) -> None:
        """Nothing is under way anywhere: neither before nor after localhub was asked."""
        self.until(lambda: not self.holds.busy() and self.stage.quiet() and not self.holds.busy(), "silence")

    def target(self) -> dict[str, Entry]:
        return repository.read(self.holds.bare(), "main")

    def branches(self) -> set[str]:
        return {b["name"] for b in self.ada.pages("/branches")}

    def assert_invariants(self) -> None:
        """What must hold after every scenario."""
        self.quiet()
        never = isinstance(self.config, dict) and self.config["approve"] == "never"
        self.holds.silence(troubles=self.troubles_expected)
        self.holds.tested()
        self.holds.few_comments(len(self.roots), 0 if never else len(self.roots))

    def close(self) -> None:
        for hub in self.hubs.values():
            hub.close()


def tree_of(files: dict[str, str], config: dict[str, Any] | str | None, workflow: str | None) -> dict[str, Entry]:
    made = {path: Entry("100644", text.encode()) for path, text in files.items()}
    if workflow is not None:
        made[".github/workflows/ci.yml"] = Entry("100644", workflow.encode())
    if config is not None:
        text = config if isinstance(config, str) else yaml.safe_dump(config)
        made[".github/branchwork.yml"] = Entry("100644", text.encode())
    return dict(sorted(made.items()))


def write(folder: Path, tree: dict[str, Entry]) -> Path:
    for path, entry in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(entry.data)
    assert read_tree(folder) == tree
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A scenario that failed is not asked for silence too."""
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture(scope="module")
def theatre(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The module's processes, in a folder that sandboxes under other uids can reach."""
    own = request.module
    with tempfile.TemporaryDirectory(prefix="branchwork-scenario-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        first, last = tree_of(BASE, None, WORKFLOW), tree_of(BASE | getattr(own, "TARGET", TARGET), None, WORKFLOW)
        script = folder / "script.yml"
        script.write_text(yaml.safe_dump(getattr(own, "SCRIPT", {})))
        model = ModelChoice(base=write(folder / "base", first), target=write(folder / "target", last), script=script)
        source = repository.make(folder / "source.git", first, "calc 1.0")
        settings = {"BRANCHWORK_STATUS_SECONDS": "0.2"} | getattr(own, "SETTINGS", {})
        with Stage(Cast("ada", "nothing", source, model, workers=3, settings=settings), folder / "stage") as stage:
            yield stage


@pytest.fixture
def make_world(theatre: Stage, request: pytest.FixtureRequest) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(config: dict[str, Any] | str | None = None, workflow: str | None = WORKFLOW) -> World:
        shown = {"merge": {"who": "when_green"}, "approve": "never",
                 "commands": {"test": "python3 -m unittest discover -q"}}  # fmt: skip
        name = f"{request.node.name.removeprefix('test_').replace('_', '-')[:60]}-{len(made)}"
        made.append(World(theatre, name, config if isinstance(config, str) else shown | (config or {}), workflow))
        return made[-1]

    yield make
    try:
        for world in made:
            if request.node.stash.get(PASSED, False):
                world.assert_invariants()
    finally:
        for world in made:
            world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
