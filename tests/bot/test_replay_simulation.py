"""Any change, driven through the replay model as planners and workers would, comes out byte equal."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot.demo.replay.partition import Replay
from bot.demo.replay.script import Script, load
from bot.demo.replay.trees import Entry, read_tree
from planner.plan import AddTask
from tests.bot.replaying import Tree, serving

SAMPLE = Path(__file__).parents[2] / "bot" / "demo" / "sample"


def put(root: Path, tree: dict[str, Entry]) -> Path:
    root.mkdir()
    for path, entry in tree.items():
        at = root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        if entry.mode == "120000":
            at.symlink_to(os.fsdecode(entry.data))
        else:
            at.write_bytes(entry.data)
            at.chmod(0o755 if entry.mode == "100755" else 0o644)
    return root


def test_any_change_comes_out_byte_equal(tmp_path: Path) -> None:
    long = [f"line {n}\n" for n in range(900)]
    other = [f"changed {n}\n" if n % 3 == 0 else line for n, line in enumerate(long)]
    base = {
        "README.md": Entry("100644", b"one\ntwo\n"),
        "CHANGES.txt": Entry("100644", "".join(long).encode()),
        "pkg/__init__.py": Entry("100644", b""),
        "pkg/old.py": Entry("100644", b"X = 1\n"),
        "pkg/user.py": Entry("100644", b"from pkg import old\n"),
        "pkg/script.sh": Entry("100644", b"#!/bin/sh\necho hi\n"),
        "pkg/dos.txt": Entry("100644", b"a\r\nb\r\n"),
        "pkg/data.bin": Entry("100644", bytes(range(256)) * 20),
        "was-file": Entry("100644", b"x"),
        "was-link": Entry("120000", b"README.md"),
        "same.txt": Entry("100644", b"same"),
    }
    target = {
        "README.md": Entry("100644", b"one\ntwo and a half\nthree"),
        "CHANGES.txt": Entry("100644", "".join(other).encode()),
        "pkg/__init__.py": Entry("100644", b""),
        "pkg/user.py": Entry("100644", b"from pkg import new\n"),
        "pkg/new.py": Entry("100644", b"Y = '\xc3\xa9'\n"),
        "pkg/tests/test_new.py": Entry("100644", b"from pkg.new import Y\n"),
        "pkg/script.sh": Entry("100755", b"#!/bin/sh\necho hi\n"),
        "pkg/dos.txt": Entry("100644", b"a\r\nb\rc\r\n"),
        "pkg/data.bin": Entry("100755", bytes(reversed(range(256))) * 700),
        "pkg/latin.txt": Entry("100644", b"caf\xe9\n"),
        "empty": Entry("100644", b""),
        "was-file/inside.txt": Entry("100644", b"y"),
        "was-link": Entry("100644", b"now a file\n"),
        "a link": Entry("120000", b"pkg/new.py"),
        "it's odd & new.txt": Entry("100644", b"\n\n"),
        "same.txt": Entry("100644", b"same"),
    }
    root = put(tmp_path / "work", base)
    with serving(Replay(base, target, Script(max_lines=120, max_tasks=3))) as client:
        tree = Tree(client, root, None, random.Random(1))
        tree.plan({"title": "Go to the target", "body": "", "acceptance": [], "paths": [], "forbidden": []})
    assert read_tree(root) == target
    assert tree.planners > 2
    assert len({t.id for t in tree.tasks if "CHANGES.txt" in t.paths}) > 1


@pytest.mark.parametrize("max_depth", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_a_large_change_is_split_as_deep_as_allowed(tmp_path: Path, max_depth: int) -> None:
    target = {f"src/{'ab'[n % 2]}/m{n}.py": Entry("100644", f"N = {n}\n".encode() * 40) for n in range(30)}
    root = put(tmp_path / "work", {})
    with serving(Replay({}, target, Script(max_lines=50, max_tasks=4))) as client:
        tree = Tree(client, root, None, random.Random(2))
        goal = {"title": "Build it", "body": "", "acceptance": [], "paths": [], "forbidden": []}
        tree.plan(goal, max_depth=max_depth)
    assert read_tree(root) == target
    assert tree.depth <= max_depth
    assert (tree.planners > 1) == (max_depth > 1)


class Redirected(Tree):
    """With a person who redirects the planner that the script means, on its first turn."""

    words = ""

    def person(self, turn: int, goal: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"what": "redirect", "by": "ada", "comment": 1, "words": self.words}] if turn == 1 else []


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_sample_comes_out_equal_with_green_steps(tmp_path: Path, seed: int) -> None:
    base, target = read_tree(SAMPLE / "base"), read_tree(SAMPLE / "target")
    script = load(SAMPLE / "script.yml")
    root = put(tmp_path / "work", base)
    tests = "python3 -m unittest discover -q -s tests"
    with serving(Replay(base, target, script)) as client:
        tree = Redirected(client, root, tests, random.Random(seed))
        tree.mistakes = True
        tree.words = script.redirects[0].when

        def green(task: AddTask) -> None:
            done = subprocess.run(tests, shell=True, cwd=root, capture_output=True, text=True)
            assert done.returncode == 0, (task.title, done.stderr)

        tree.after_each = green
        for issue in ("root.md", "tiny.md"):
            title, _, body = (SAMPLE / "issues" / issue).read_text().partition("\n")
            tree.plan({"title": title.removeprefix("# "), "body": body, "acceptance": [tests], "paths": []})
    subprocess.run(["find", root, "-name", "__pycache__", "-exec", "rm", "-r", "{}", "+"], check=True)
    assert read_tree(root) == target
    assert tree.planners == 4
    assert len(tree.tasks) >= 9
