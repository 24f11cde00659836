"""The commands `demo`, `replay` and `run`: a stage, somebody who acts on it, a live view, and what it came to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from bot.demo import outcome, person, repository
from bot.demo.children import ChildDied
from bot.demo.hub import Hub
from bot.demo.live import LiveView
from bot.demo.prepare import Unusable, own_model, people_merge, prepared, set_up
from bot.demo.proof import accepted
from bot.demo.replay.trees import read_tree
from bot.demo.stage import Cast, ModelChoice, Stage, scratch

SAMPLE = Path(__file__).parent / "sample"
LOOK_S = 0.3
QUIET_S = 20.0


@dataclass
class Play:
    """One run on a stage."""

    title: str
    issues: list[tuple[str, str]]
    acts: person.Acts
    hands_on: bool
    max_minutes: float
    console: Console
    roots: list[int] = field(default_factory=list)
    wall_s: float = 0.0
    ended: bool = False
    reason: str = ""
    held: set[str] = field(default_factory=set)

    def run(self, stage: Stage, hub: Hub) -> None:
        """Until all root issues are closed and it is quiet, or the time is over."""
        started = time.monotonic()
        with LiveView(self.title, self.console) as view:
            view.tell(f"the local GitHub: {stage.hub_url}/{stage.full_name}")
            if self.hands_on:
                view.tell(f"there, act as {stage.cast.person} (top right); notifications say what waits for you")
                for hint in person.hints(self.acts):
                    view.tell(hint)
            who = person.Person(hub, stage.cast.person, self.acts, view.tell)
            for title, body in self.issues:
                self.roots.append(who.open(title, body))
            while time.monotonic() - started < self.max_minutes * 60:
                stage.check()
                if not self.hands_on:
                    who.step()
                status = stage.status()
                view.show(status)
                self._tell_holds(status, view)
                if who.finished():
                    self.ended = True
                    break
                time.sleep(LOOK_S)
            self.wall_s = time.monotonic() - started
            self._settle(stage, view)
        if not self.ended:
            self.reason = f"the root issues were not closed within {self.max_minutes:g} minutes"

    def _tell_holds(self, status: dict[str, Any], view: LiveView) -> None:
        """Why nothing moves, once for each reason: a missing price, a model that does not answer, a full disk."""
        for hold in status.get("counts", {}).get("holds", []):
            if hold["reason"] not in self.held:
                self.held.add(hold["reason"])
                view.tell(f"waits: {hold['reason']}")

    def _settle(self, stage: Stage, view: LiveView) -> None:
        """What still follows from the last act: deleted branches, last edits."""
        deadline = time.monotonic() + (QUIET_S if self.ended else 0)
        while time.monotonic() < deadline:
            status = stage.status()
            view.show(status)
            counts = status.get("counts", {})
            busy = any(counts["actions"].get(s) for s in ("pending", "started", "held")) if counts else True
            if not busy and not counts["unconsumed"] and stage.quiet():
                return
            time.sleep(LOOK_S)


def demo(*, as_json: bool, keep: bool, hands_on: bool, port: int, max_minutes: float) -> int:
    """The sample project, a scripted person, the replayed model."""
    console = _console(as_json)
    issues = [read_issue(SAMPLE / "issues" / name) for name in ("root.md", "tiny.md")]
    play = Play("Branchwork demo", issues, person.load(SAMPLE / "person.yml"), hands_on,
                max(max_minutes, 60.0) if hands_on else max_minutes, console)  # fmt: skip

    def prove(stage: Stage, source: Path) -> dict[str, Any]:
        ok, words = accepted(source, read_tree(SAMPLE / "acceptance"))
        return {"passed": ok, "words": words}

    with _explained(), scratch() as folder:
        source = repository.make(folder / "source.git", read_tree(SAMPLE / "base"), "inkwell 1.0")
        model = ModelChoice(base=SAMPLE / "base", target=SAMPLE / "target", script=SAMPLE / "script.yml")
        cast = Cast("ada", "inkwell", source, model, port=port)
        return _perform(play, cast, prove, as_json=as_json, keep=keep or hands_on)
    return 1


def replay(
    base: str, target: str, *, ci: str | None, workers: int, as_json: bool, keep_repo: Path | None,
    toolchain: Path | None, script: Path | None, max_minutes: float,
) -> int:  # fmt: skip
    """Any two trees."""
    console = _console(as_json)
    with _explained(), scratch() as folder:
        given = set_up(base, target, ci, folder, workers)
        play = Play(f"Replay of {base} → {target}", [given.issue], person.Acts(), False, max_minutes, console)

        def prove(stage: Stage, source: Path) -> dict[str, Any]:
            came = repository.read(source, "main")
            differs = sorted(p for p in {*came, *given.target} if came.get(p) != given.target.get(p))
            if keep_repo is not None:
                repository.git(folder, "clone", "-q", str(source), str(keep_repo.absolute()))
            words = f"{len(differs)} files differ: {', '.join(differs[:5])}" if differs else "equal byte for byte"
            return {"passed": not differs, "words": words, "equal": not differs, "set_aside": list(given.set_aside)}

        model = ModelChoice(base=given.base_folder, target=given.target_folder, script=script)
        cast = Cast("ada", "project", given.source, model, workers=workers,
                    toolchain=toolchain.absolute() if toolchain else None)  # fmt: skip
        return _perform(play, cast, prove, as_json=as_json, keep=False)
    return 1


def own(repo: Path, issue: Path, *, workers: int, as_json: bool, keep: bool, hands_on: bool, max_minutes: float) -> int:
    """A person's own repository and a real model; the results come back as branches."""
    console = _console(as_json)
    with _explained(), scratch() as folder:
        model = own_model(os.environ)
        source, name = prepared(repo, folder)
        acts = person.Acts(merge=people_merge(source))
        play = Play(f"Branchwork on {repo}", [read_issue(issue)], acts, hands_on, max_minutes, console)

        def prove(stage: Stage, came: Path) -> dict[str, Any]:
            refs = ["+refs/heads/main:refs/heads/branchwork/main", "+refs/heads/branchwork/*:refs/heads/branchwork/*"]
            repository.git(repo, "fetch", "-q", "--no-tags", str(came), *refs)
            return {"passed": True, "words": f"the result is the branch branchwork/main of {repo}"}

        mine = {key: value for key, value in os.environ.items() if key.startswith("BRANCHWORK_MODEL_")}
        cast = Cast("me", name, source, model, workers=workers, settings=mine)
        return _perform(play, cast, prove, as_json=as_json, keep=keep or hands_on)
    return 1


def _perform(
    play: Play, cast: Cast, prove: Callable[[Stage, Path], dict[str, Any]], *, as_json: bool, keep: bool
) -> int:
    # Without this, a `timeout` or a closing terminal would leave the stage's processes behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: sys.exit(128 + got))
    with Stage(cast, keep=keep) as stage:
        hub = Hub(stage.api, stage.full_name, stage.token)
        try:
            play.run(stage, hub)
            result = outcome.count(
                outcome.read(hub), play.roots, stage.status(), stage.stats(), [stage.signing_key], stage.repo_id
            )
        finally:
            hub.close()
        clone = stage.folder / "result.git"
        address = f"http://{cast.person}:{stage.token}@{stage.hub_url.removeprefix('http://')}/{stage.full_name}.git"
        repository.git(stage.folder, "clone", "-q", "--bare", address, str(clone))
        proof = prove(stage, clone)
        proven, words = proof.pop("passed"), proof.pop("words")
        passed = play.ended and result["root_state"] == "closed" and proven and not result["duplicates"]
        result |= {"wall_s": round(play.wall_s, 1), "verdict": "pass" if passed else "fail", **proof}
        _summary(play, result, play.reason or words, stage.stats())
        if as_json:
            print(json.dumps(result), flush=True)
        if keep:
            _stay(play.console, stage)
    return 0 if passed else 1


def _summary(play: Play, result: dict[str, Any], words: str, stats: dict[str, Any]) -> None:
    tell = play.console.print
    tell(
        f"{result['planners']} planners and {result['tasks']} tasks, {result['max_depth']} deep: "
        f"{result['merged']} of {result['pull_requests']} pull requests merged in {result['attempts']} attempts."
    )
    tell(
        f"{result['ci_runs']} CI runs, {result['ci_failures_repaired']} failures repaired, "
        f"{result['conflicts_resolved']} conflicts resolved, {result['reviews_answered']} reviews answered, "
        f"{result['redirects']} redirects, {result['duplicates']} duplicates."
    )
    for login, kinds in stats.get("notifications", {}).items():
        told = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in kinds.items())
        tell(f"{login} was notified {sum(kinds.values())} times: {told}.", soft_wrap=True)
    tell(f"{result['verdict']} in {result['wall_s']} s: {words}", soft_wrap=True)


def _stay(console: Console, stage: Stage) -> None:
    console.print(f"The pages stay up at {stage.hub_url}/{stage.full_name} until Ctrl-C.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            stage.check()
            time.sleep(1)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """A mistake or a missing piece of the machine becomes one clear message and exit code 2 or 1."""
    try:
        yield
    except Unusable as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
    except (ChildDied, repository.GitTrouble, httpx.HTTPError) as error:
        print(f"the run broke off: {error}", file=sys.stderr)
        raise SystemExit(1) from error


def _console(as_json: bool) -> Console:
    """With --json the last line of standard output is the result, so everything else goes to standard error."""
    return Console(stderr=as_json, highlight=False)


def read_issue(path: Path) -> tuple[str, str]:
    try:
        title, _, body = path.read_text(encoding="utf-8").strip().partition("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"the issue {path} cannot be read: {error}") from error
    if not title.strip("# "):
        raise Unusable(f"the issue {path} is empty: its first line is the title, the rest says what shall be done")
    return title.lstrip("# ").strip(), body.strip()
