"""`world`: localhub, the replayed model and the bot as processes; people act by GitHub's REST API alone.

Every scenario ends in silence: nothing pending, nothing failed, no stray process, nothing open that should not be.
"""

from __future__ import annotations

import os
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
TARGET = BASE | {
    "calc/sub.py": "def sub(a, b):\n    return a - b\n",
    "calc/mul.py": "def mul(a, b):\n    return a * b\n",
}
LIMIT_S = float(os.environ.get("BRANCHWORK_SCENARIO_S", "90"))


class World:
    """A repository with people, a bot and a model."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder = stage, folder
        self.tokens = {"ada": stage.token, "bob": "ghp_bob", "mallory": "ghp_mallory"}
        self.hubs = {who: Hub(stage.api, stage.full_name, token) for who, token in self.tokens.items()}
        self.ada = self.hubs["ada"]
        self.allowed_troubles = False

    # ── people ──

    def open(self, title: str = "Grow the calculator", body: str = "It should subtract and multiply.") -> int:
        return int(self.ada.post("/issues", {"title": title, "body": body})["number"])

    def label(self, number: int, who: str = "ada", label: str = "branchwork") -> None:
        self.hubs[who].post(f"/issues/{number}/labels", {"labels": [label]})

    def unlabel(self, number: int, label: str = "branchwork") -> None:
        answer = httpx.delete(
            f"{self.stage.api}/repos/{self.stage.full_name}/issues/{number}/labels/{label}",
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
        answer = httpx.post(f"{self.stage.hub_url}/_localhub{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    # ── looking ──

    def issue(self, number: int) -> dict[str, Any]:
        return dict(self.ada.get(f"/issues/{number}"))

    def comments(self, number: int) -> list[str]:
        return [c["body"] for c in self.ada.comments(number)]

    def status(self) -> dict[str, Any]:
        return self.stage.status()

    def nodes(self) -> list[dict[str, Any]]:
        return [n for tree in self.status().get("trees", []) for n in tree["nodes"]]

    def tree(self) -> dict[str, Any]:
        return dict(self.status()["trees"][0])

    def node(self, key_end: str) -> dict[str, Any] | None:
        return next((n for n in self.nodes() if n["key"].endswith(key_end)), None)

    def until(self, seen: Callable[[], Any], what: str, limit_s: float = LIMIT_S) -> Any:
        """Looks again until it is so; the only waiting that scenarios do."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            self.stage.check()
            if found := seen():
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited {limit_s:g} s for {what}\n{self.status()}\n{self.stage.children[-1].tail()}")

    def closed(self, number: int) -> None:
        self.until(lambda: self.issue(number)["state"] == "closed", f"#{number} to close")
        self.quiet()

    def quiet(self) -> None:
        """Nothing is under way anywhere."""

        def still() -> bool:
            waiting = self.status().get("counts", {}).get("outbox", {})
            return self.stage.quiet() and not any(waiting.get(s) for s in ("pending", "started", "held"))

        def twice() -> bool:
            return still() and still()

        self.until(twice, "silence")

    def target(self) -> dict[str, Entry]:
        return repository.read(self.bare(), "main")

    def bare(self) -> Path:
        folder = self.folder / "look.git"
        if not folder.exists():
            url = f"{self.stage.hub_url}/{self.stage.full_name}.git"
            with_token = url.replace("://", f"://ada:{self.stage.token}@")
            repository.git(self.folder, "clone", "-q", "--mirror", with_token, str(folder))
        else:
            repository.git(folder, "fetch", "-q", "--prune", "origin", "+refs/heads/*:refs/heads/*")
        return folder

    def branches(self) -> set[str]:
        return {b["name"] for b in self.ada.pages("/branches")}

    def assert_silence(self) -> None:
        self.quiet()
        troubles = self.status().get("troubles", {})
        if not self.allowed_troubles:
            assert not troubles.get("poisoned"), troubles
            assert not troubles.get("failed"), troubles

    def close(self) -> None:
        for hub in self.hubs.values():
            hub.close()


def tree_of(files: dict[str, str], config: dict[str, Any] | None, workflow: str | None = WORKFLOW) -> dict[str, Entry]:
    made = {path: Entry("100644", text.encode()) for path, text in files.items()}
    if workflow is not None:
        made[".github/workflows/ci.yml"] = Entry("100644", workflow.encode())
    if config is not None:
        made[".github/branchwork.yml"] = Entry("100644", yaml.safe_dump(config).encode())
    return dict(sorted(made.items()))


def write(folder: Path, tree: dict[str, Entry]) -> Path:
    for path, entry in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(entry.data)
    assert read_tree(folder) == tree
    return folder


@pytest.fixture
def make_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(
        base: dict[str, str] | None = None,
        target: dict[str, str] | None = None,
        config: dict[str, Any] | str | None = None,
        script: dict[str, Any] | None = None,
        workflow: str | None = WORKFLOW,
        settings: dict[str, str] | None = None,
    ) -> World:
        folder = tmp_path_factory.mktemp("world")
        given = config if isinstance(config, dict) else {}
        shown = {"merge": {"who": "when_green"}, "approve": "never",
                 "commands": {"test": "python3 -m unittest discover -q"}} | given  # fmt: skip
        first, last = tree_of(base or BASE, shown, workflow), tree_of(target or TARGET, shown, workflow)
        if isinstance(config, str):
            first[".github/branchwork.yml"] = Entry("100644", config.encode())
        model = ModelChoice(base=write(folder / "base", first), target=write(folder / "target", last))
        if script is not None:
            (folder / "script.yml").write_text(yaml.safe_dump(script))
            model = ModelChoice(base=model.base, target=model.target, script=folder / "script.yml")
        source = repository.make(folder / "source.git", first, "calc 1.0")
        quick = {"BRANCHWORK_STATUS_SECONDS": "0.2"} | (settings or {})
        cast = Cast("ada", "calc", source, model, workers=3, settings=quick)
        stage = Stage(cast, folder / "stage")
        stage.__enter__()
        world = World(stage, folder)
        made.append(world)
        seed = {
            "users": [{"login": who, "email": f"{who}@example.org", "token": world.tokens[who]} for who in PEOPLE],
            "repositories": [{"full_name": stage.full_name, "collaborators": {"bob": "write"}, "auto_init": False}],
        }
        answer = httpx.post(f"{stage.hub_url}/_localhub/seed", json=seed, timeout=30)
        assert answer.status_code == 201, answer.text
        return world

    yield make
    try:
        for world in made:
            world.assert_silence()
    finally:
        for world in made:
            world.close()
            world.stage.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture(scope="session")
def kit() -> Any:
    class Kit:
        base, target, workflow = BASE, TARGET, WORKFLOW
        entries = staticmethod(tree_of)

    return Kit
