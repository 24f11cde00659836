"""The planner's part: it looks at the checkout, then answers with a plan for what is still missing."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.demo.replay.conversation import Call, Conversation, Done, NotUnderstood, Play
from bot.demo.replay.outline import Child, children, owned
from bot.demo.replay.partition import Job, Replay, is_test
from bot.demo.replay.script import Extra, Redirect

ENDED = {"landed", "done", "cancelled"}
PARSES = """python3 -c 'import ast, sys; [ast.parse(open(p, "rb").read(), p) for p in sys.argv[1:]]' """


class Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class GoalIn(Lenient):
    title: str
    body: str = ""
    paths: tuple[str, ...] = ()


class ChildIn(Lenient):
    id: str
    kind: str = "task"
    title: str = ""
    state: str
    reason: str | None = None
    paths: tuple[str, ...] = ()


class PlannerIn(Lenient):
    """What this server reads of a planner's input."""

    turn: int = 1
    may_add_subplanners: bool = True
    goal: GoalIn
    scratchpad: str = ""
    children: tuple[ChildIn, ...] = ()
    news: tuple[dict[str, Any], ...] = ()
    tests: str | None = None


def plan(replay: Replay, talk: Conversation) -> Play:
    """Look around on the first turn, then answer."""
    try:
        told = PlannerIn.model_validate(talk.brief)
    except ValidationError as error:
        raise NotUnderstood(f"this planner input cannot be read: {error.errors(include_url=False)}") from error
    mine = owned(replay, told.goal.title, told.goal.paths)
    if told.turn <= 1:
        yield [Call("list_files", {"path": "."})]
        look = [p for p in mine if (change := replay.changes[p]).before and change.before.lines is not None][:2]
        if look:
            yield [Call("read_file", {"path": p, "count": 200}) for p in look]
    return Done(text=json.dumps(_Turn(replay, told, mine).answer(), ensure_ascii=False))


class _Turn:
    """One turn's decision."""

    def __init__(self, replay: Replay, told: PlannerIn, mine: list[str]) -> None:
        self.replay, self.told = replay, told
        self.wanted = children(replay, mine, told.may_add_subplanners)
        self.known = {c.id: c for c in told.children}
        words = [str(n.get("words", "")) for n in told.news if n.get("what") == "redirect"]
        self.redirect = self._redirect()
        self.heard = bool(self.redirect and any(self.redirect.when.lower() in w.lower() for w in words))
        later = self.redirect.later if self.redirect else ()
        self.later = {c.id for c in self.wanted if set(c.paths) & set(later)}
        self.redirected = self.heard or bool(self.later & set(self.known)) or "redirected:" in told.scratchpad
        self.unclear = [w for w in words if w and not self.heard]

    def answer(self) -> dict[str, Any]:
        """The plan as JSON, in the shape of `planner.plan.Plan`."""
        operations = [*self._cancels(), *self._adds(), *self._repairs()]
        still_open = [c.id for c in self.told.children if c.state not in ENDED]
        if operations:
            summary = self._summary(operations)
        elif still_open:
            operations = [{"op": "keep_waiting", "waiting_for": ", ".join(still_open)[:1000]}]
            summary = f"Nothing to change: {len(still_open)} of {len(self.known)} are under way."
        else:
            operations = [{"op": "claim_done", "evidence": self._evidence()}]
            summary = f"All {len(self.known)} pieces have ended; nothing of the goal is missing."
        if self.unclear:
            summary += " The comment asks for nothing that this goal does not hold already, so all tasks stay."
        first = self.told.turn <= 1
        return {
            "summary": summary,
            "scratchpad": self._scratchpad(),
            "operations": operations,
            "will_not_do": ["Change files outside the difference that is replayed."] if first else [],
            "assumptions": ["The difference between the two trees is the whole goal."] if first else [],
        }

    def _redirect(self) -> Redirect | None:
        tasks = [c for c in self.wanted if c.job is not None]
        return next((r for r in self.replay.script.redirects if any(r.place in c.paths for c in tasks)), None)

    def _extras(self) -> tuple[Extra, ...]:
        return self.redirect.extra if self.redirect else ()

    def _cancels(self) -> list[dict[str, Any]]:
        if not (self.redirect and self.heard):
            return []
        return [
            {"op": "cancel", "id": extra.id, "reason": self.redirect.reason}
            for extra in self._extras()
            if extra.id in self.known and self.known[extra.id].state not in ENDED
        ]

    def _adds(self) -> list[dict[str, Any]]:
        withheld = set() if self.redirected else self.later
        adds = [self._add(c, withheld) for c in self.wanted if c.id not in self.known and c.id not in withheld]
        if not self.redirected:
            adds += [self._add_extra(e) for e in self._extras() if e.id not in self.known]
        return adds

    def _add(self, child: Child, withheld: set[str]) -> dict[str, Any]:
        needs = [n for n in child.needs if n not in withheld]
        if child.job is None:
            return {
                "op": "add_subplanner", "id": child.id, "title": child.title, "paths": list(child.paths),
                "goal": f"Own this slice whole: {child.lines} changed lines in {len(child.paths)} places. "
                "Split it into tasks that keep the tests green one by one.",
                "acceptance": [self.told.tests] if self.told.tests else [], "depends_on": needs,
            }  # fmt: skip
        several = any(p.count for p in child.job.pieces)
        return {
            "op": "add_task", "id": child.id, "title": child.title, "goal": goal_text(child.job),
            "acceptance": acceptance(self.replay, child.job, self.told.tests), "paths": list(child.paths),
            "depends_on": needs, "size": max(1, min(child.lines, 100_000)),
            "duplicate_reason": "another part of a file that several tasks change" if several else None,
        }  # fmt: skip

    def _add_extra(self, extra: Extra) -> dict[str, Any]:
        after = [c.id for c in self.wanted if set(c.paths) & set(extra.after)]
        return {
            "op": "add_task", "id": extra.id, "title": extra.title, "paths": list(extra.files),
            "goal": "\n".join(["Bring these files to the state that the change gives them.", "",
                               *(f"- `{path}`: new file" for path in extra.files)]),
            "acceptance": [f"test -f {shlex.quote(path)}" for path in extra.files], "depends_on": after,
            "size": sum(text.count("\n") for text in extra.files.values()),
        }  # fmt: skip

    def _repairs(self) -> list[dict[str, Any]]:
        """A failed child is tried once more as it is; failed again, a person is asked."""
        failed = [c for c in self.told.children if c.state == "failed"]
        for child in failed:
            if f"tried again: {child.id}" in self.told.scratchpad:
                why = child.reason or "no reason is known"
                return [{"op": "ask_person", "question": f"{child.title} failed twice ({why}). How shall it go on?"}]
        wanted = {c.id: c for c in self.wanted}
        return [
            {"op": "change", "id": c.id, "reason": f"its attempts failed: {c.reason or 'unknown'}"[:1000],
             "goal": goal_text(job) if (job := wanted[c.id].job) else self.told.goal.body or c.title}
            for c in failed if c.id in wanted
        ]  # fmt: skip

    def _evidence(self) -> str:
        doubted = any(n.get("what") == "verdict" for n in self.told.news) or "doubted" in self.told.scratchpad
        lead = "Claimed again, the judge's doubts looked into. " if doubted else ""
        return lead + "\n".join(f"{c.id}: {c.state}" for c in self.told.children)

    def _summary(self, operations: Sequence[dict[str, Any]]) -> str:
        count = {op: sum(o["op"] == op for o in operations) for op in ("add_task", "add_subplanner", "cancel")}
        words = []
        if count["add_subplanner"]:
            words.append(f"{count['add_subplanner']} sub-planners")
        if count["add_task"]:
            words.append(f"{count['add_task']} task{'s' if count['add_task'] > 1 else ''}")
        told = ("Adds " + " and ".join(words)) if words else "Adds nothing"
        if count["cancel"]:
            told += f", cancels {count['cancel']} and keeps the rest"
        if repaired := len(operations) - sum(count.values()):
            told += f", goes on with {repaired} that failed"
        return told + "."

    def _scratchpad(self) -> str:
        lines = [f"turn {self.told.turn}: {len(self.wanted)} pieces in all"]
        if self.redirected and self.redirect:
            lines.append(f"redirected: {self.redirect.when}")
        old = [line for line in self.told.scratchpad.splitlines() if line.startswith(("tried again:", "doubted"))]
        failed = [f"tried again: {c.id}" for c in self.told.children if c.state == "failed"]
        if any(n.get("what") == "verdict" for n in self.told.news):
            failed.append("doubted")
        return "\n".join(dict.fromkeys([*lines, *old, *failed]))[:8000]


def goal_text(job: Job) -> str:
    """What a task's worker is told; `bot.demo.replay.worker` reads the same lines."""
    lines = [
        f"- `{p.path}`: part {p.part} of {p.count}" if p.count else f"- `{p.path}`: {p.what}, {p.lines} lines"
        for p in job.pieces
    ]
    return "\n".join(["Bring these files to the state that the change gives them.", "", *lines])


def acceptance(replay: Replay, job: Job, tests: str | None) -> list[str]:
    """Commands that hold as soon as this job is done."""
    present = [p for p in job.paths if replay.changes[p].after is not None]
    gone = [p for p in job.paths if replay.changes[p].after is None]
    commands = []
    if checks := [f"test -e {shlex.quote(p)} -o -L {shlex.quote(p)}" for p in present]:
        commands.append(" && ".join(checks))
    if checks := [f"test ! -f {shlex.quote(p)}" for p in gone]:
        commands.append(" && ".join(checks))
    python = [p for p in present if p.endswith(".py") and _parses(replay, p)]
    if python:
        commands.append(PARSES + " ".join(shlex.quote(p) for p in python))
    if tests and "unittest" in tests:
        own = [p for p in python if is_test(p)]
        if own:
            commands.append("python3 -m unittest -q " + " ".join(shlex.quote(p) for p in own))
    return commands


def _parses(replay: Replay, path: str) -> bool:
    after = replay.changes[path].after
    try:
        ast.parse(after.data if after else b"")
    except (SyntaxError, ValueError):
        return False
    return True
