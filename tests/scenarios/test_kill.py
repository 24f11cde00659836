"""`kill -9` at any point, then start: the same tree, the same files, nothing twice.

Each run is the demo: its sample project, its scripted person, its replayed model.
"""

from __future__ import annotations

import io
import json
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.demo import outcome, person, repository
from bot.demo.children import Child, ChildDied
from bot.demo.commands import SAMPLE, Play, read_issue
from bot.demo.hub import Hub
from bot.demo.proof import accepted
from bot.demo.replay.trees import read_tree
from bot.demo.stage import Cast, ModelChoice, Stage, child_environment
from tests.scenarios.invariants import Invariants

KINDS = (
    "turn-save", "Vet", "ReadConfig", "Say", "PostPreview", "RefreshStatus", "AnswerRedirect", "FileIssue",
    "LinkDependency", "CloseIssue", "EnsureBranch", "DeleteBranch", "OpenPull", "UpdatePull", "MarkReady",
    "AnswerReview", "WatchChecks", "Verify", "RunPlanner", "RunJudge", "RunAttempt", "BuildCandidate", "MoveBranch",
    "PrepareHead", "MergePull", "SetLabels", "React",
)  # fmt: skip
PHASES = ("before", "after")
POINTS = tuple(f"{phase}:{kind}" for kind in KINDS for phase in PHASES)
EACH_KIND = tuple(f"{PHASES[at % 2]}:{kind}" for at, kind in enumerate(KINDS))
KILLS, FEW_KILLS = 20, 8
MINUTES = 8.0
TREE = {
    "r": "done",
    "r/inkwell-cli": "done",
    "r/inkwell-stats": "done",
    "r/inkwell-stats/inkwell-stats-count": "done",
    "r/inkwell-stats/inkwell-stats-readability": "done",
    "r/inkwell-stats/inkwell-stats-summary": "done",
    "r/inkwell-stats/inkwell-stats-words": "done",
    "r/inkwell-text": "done",
    "r/inkwell-text/banner": "cancelled",
    "r/inkwell-text/inkwell-text-case": "done",
    "r/inkwell-text/inkwell-text-indent": "done",
    "r/inkwell-text/inkwell-text-slug": "done",
    "r/inkwell-text/inkwell-text-table": "done",
    "r/inkwell-text/inkwell-text-wrap": "done",
    "r/readme-md": "done",
}
TINY = {"r": "done", "r/inkwell-version": "done"}


class Forked:
    """A process that the nursery made, as `Child` needs it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 137
        return None

    def wait(self, timeout: float = 30.0) -> int:
        end = time.monotonic() + timeout
        while self.poll() is None:
            assert time.monotonic() < end, f"{self.pid} does not end"
            time.sleep(0.005)
        return 137


class Newborn(Child):
    """A bot out of the nursery."""

    def __init__(self, nursery: Child, pipe: Path, log: Path, env: Mapping[str, str]) -> None:
        self.name, self.log = "bot", log
        log.touch()
        known = len(born(nursery))
        with pipe.open("w") as out:
            out.write(json.dumps({"log": str(log), "env": dict(env)}) + "\n")
        while len(born(nursery)) == known:
            nursery.check()
            time.sleep(0.002)
        self._process = Forked(born(nursery)[-1])  # type: ignore[assignment]


def born(nursery: Child) -> list[int]:
    return [int(pid) for pid in re.findall(r"^born (\d+)$", nursery.log.read_text(), re.MULTILINE)]


class Mortal(Stage):
    """A stage whose bot dies and is started again at its address.

    `points`: each of them ends a bot once. `gaps`: seconds from a bot's birth, or if negative from when it was well,
    until it is killed. With both, every fourth bot is killed after its gap, if no point has ended it by then: a life without
    points could do all of a kind of effect that comes early and never again.
    """

    def __init__(self, folder: Path, *, points: tuple[str, ...] = (), gaps: tuple[float, ...] = ()) -> None:
        source = repository.make(folder / "source.git", read_tree(SAMPLE / "base"), "inkwell 1.0")
        model = ModelChoice(base=SAMPLE / "base", target=SAMPLE / "target", script=SAMPLE / "script.yml")
        # What a webhook would have told while the bot was down is read again soon, not once a minute.
        settings = {"BRANCHWORK_SWEEP_SECONDS": "2", "BRANCHWORK_STATUS_SECONDS": "1"}
        super().__init__(Cast("ada", "inkwell", source, model, settings=settings), folder / "stage")
        self.points, self.gaps = list(points), list(gaps)
        self.deaths: list[str] = []
        self._killed: set[Child] = set()
        self._pipe = folder / "nursery"
        self._nursery: Child | None = None
        self._lives = 0

    def start_bot(self, port: int = 0) -> Child:
        while True:
            by_time = bool(self.gaps) and (not self.points or self._lives % 4 == 3)
            armed = ",".join(f"{point}:1" for point in self.points)
            self.cast = replace(self.cast, settings={**(self.cast.settings or {}), "BRANCHWORK_CRASH": armed})
            gap = self.gaps.pop(0) if by_time else None
            try:
                self._doom = gap if gap is not None and gap >= 0 else None
                bot = super().start_bot(port)
                if gap is not None and gap < 0:
                    self._end(bot, -gap)
                return bot
            except ChildDied:
                self._bury(self.children[-1])

    def check(self) -> None:
        bot = self.children[-1]
        try:
            bot.check()
        except ChildDied:
            self._bury(bot)
            self.start_bot(int(self.bot_url.rsplit(":", 1)[1]))
        super().check()

    def _child(self, name: str, command: list[str], env: Mapping[str, str] | None = None) -> Child:
        if name != "bot" or env is None:
            return super()._child(name, command, env)
        if self._nursery is None:
            os.mkfifo(self._pipe)
            here = {**child_environment(), "PYTHONPATH": str(Path(__file__).parents[2])}
            command = [sys.executable, "-m", "tests.scenarios.nursery", str(self._pipe)]
            self._nursery = super()._child("nursery", command, here)
            self._nursery.address()
        self._lives += 1
        bot = Newborn(self._nursery, self._pipe, self.folder / f"bot-{self._lives}.log", env)
        self.children.append(bot)
        if self._doom is not None:
            self._end(bot, self._doom)
        return bot

    def _bury(self, bot: Child) -> None:
        bot.kill()  # what is left of its group
        for mirror in (self.folder / "bot" / "mirrors").glob("*.git"):
            # What a git leaves that dies at the wrong moment: then nobody could fetch this branch any more.
            lock = mirror / "refs" / "heads" / "main.lock"
            lock.parent.mkdir(parents=True, exist_ok=True)
            lock.touch()
        self.children.remove(bot)
        found = re.findall(r"^crash at (\S+)$", bot.tail(), re.MULTILINE)
        self.deaths.append(found[-1] if found else "kill -9")
        if found:
            self.points.remove(found[-1])
        elif bot not in self._killed:
            raise AssertionError(f"the bot ended by itself:\n{bot.tail()}")

    def _end(self, bot: Child, after_s: float) -> None:
        """Kill its whole group then, whatever it is doing."""

        def kill() -> None:
            self._killed.add(bot)
            bot.kill()

        timer = threading.Timer(after_s, kill)
        timer.daemon = True
        timer.start()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that sandboxes under other uids can reach."""
    with tempfile.TemporaryDirectory(prefix="branchwork-kill-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


def play(stage: Mortal, folder: Path) -> None:
    """The whole demo, and then everything that a person would look at."""
    issues = [read_issue(SAMPLE / "issues" / name) for name in ("root.md", "tiny.md")]
    acts = person.load(SAMPLE / "person.yml")
    story = io.StringIO()
    run = Play("Kill", issues, acts, False, MINUTES, Console(file=story))
    hub = Hub(stage.api, stage.full_name, stage.token)
    try:
        run.run(stage, hub)
        last = stage.children[-1].tail()
        assert run.ended, f"{run.reason}\n{story.getvalue()}\n{stage.status()}\n{last}"
        assert not stage.points, "never reached"
        assert not stage.gaps, "it was over before all kills"
        look(stage, hub, run.roots, folder)
    finally:
        hub.close()


def look(stage: Mortal, hub: Hub, roots: list[int], folder: Path) -> None:
    """The same tree, the same files, nothing twice; and the invariants."""
    holds = Invariants(stage, hub, stage.repo_id, folder)
    grown = [{n["key"].split("/", 1)[1]: n["state"] for n in tree["nodes"]} for tree in holds.trees()]
    assert grown == [TREE, TINY]
    result = outcome.count(
        outcome.read(hub), roots, stage.status(), stage.stats(), [stage.signing_key], stage.repo_id
    )  # fmt: skip
    counted = {name: result[name] for name in ("root_state", "duplicates", "issues", "redirects", "reviews_answered")}
    assert counted == {"root_state": "closed", "duplicates": 0, "issues": 16, "redirects": 1, "reviews_answered": 1}
    for number in roots:
        assert hub.get(f"/issues/{number}")["closed_by"]["login"] == "branchwork[bot]"
        assert sum("The judge:" in comment["body"] for comment in hub.comments(number)) == 1
    assert {branch["name"] for branch in hub.pages("/branches")} == {"main"}
    assert repository.read(holds.bare(), "main") == read_tree(SAMPLE / "target")
    ok, said = accepted(holds.bare(), read_tree(SAMPLE / "acceptance"))
    assert ok, said
    holds.silence()
    holds.tested()
    holds.few_comments(roots=2, previews=2)


def moments(seed: int, kills: int) -> tuple[float, ...]:
    """Most bots are at work when they are killed, every fifth one is still starting."""
    chance = random.Random(seed)
    return tuple(chance.uniform(0.02, 0.8) if at % 5 == 4 else -chance.uniform(0.05, 2.4) for at in range(kills))


def crashes() -> list[Any]:
    """In `make test` each kind of effect once, now before it and now after, and a few moments; all in `make test-slow`."""
    group = pytest.mark.xdist_group
    return [
        pytest.param(EACH_KIND, FEW_KILLS, marks=group("kill-points"), id="each-kind"),
        pytest.param(POINTS, 0, marks=[pytest.mark.slow, group("kill-0")], id="all"),
    ]


@pytest.mark.parametrize(("points", "kills"), crashes())
def test_a_crash_before_and_after_each_kind_of_effect(folder: Path, points: tuple[str, ...], kills: int) -> None:
    with Mortal(folder, points=points, gaps=moments(1, kills)) as stage:
        play(stage, folder)
        assert sorted(set(stage.deaths) - {"kill -9"}) == sorted(points)
        assert len(points) <= len(stage.deaths) <= len(points) + kills


def seeds() -> list[Any]:
    """As many as BRANCHWORK_KILL_SEEDS says (8), two at a time."""
    last = int(os.environ.get("BRANCHWORK_KILL_SEEDS", "8"))
    return [pytest.param(seed, marks=pytest.mark.xdist_group(f"kill-{seed % 2}")) for seed in range(1, last + 1)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds())
def test_killed_at_seeded_moments(folder: Path, seed: int) -> None:
    with Mortal(folder, gaps=moments(seed, KILLS)) as stage:
        play(stage, folder)
        assert stage.deaths == ["kill -9"] * KILLS
