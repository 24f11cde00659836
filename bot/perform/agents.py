"""Planner and judge: a read-only checkout, one question, a typed answer. What it costs is booked call by call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter

import planner
from bot.contract import ActionRow, GiveUp, Hold, Performed
from bot.github.errors import NotFound
from bot.mirror import Mirror
from bot.model import OpenAIModel, UnknownPrice, WrongKey
from bot.perform.checks import verified
from bot.perform.context import Deps, result
from bot.prompting import cleaned
from planner import events
from planner.actions import RunJudge, RunPlanner
from planner.facts import Usage
from planner.judge import Verdict
from planner.keys import digest
from planner.plan import Plan
from planner.policy import Limits, RoleModel
from worker import agent
from worker.agent import (
    Answered,
    AnswerInvalid,
    ModelAnswer,
    ModelError,
    ModelRequest,
    ModelUnavailable,
    Prompt,
    Stopped,
)
from worker.prompts import render
from worker.task import Limits as AgentLimits
from worker.task import Usage as AgentUsage
from worker.tools import Toolbox
from worker.trajectory import Trajectory

PROMPTS = Path(planner.__file__).parent / "prompts"
TURN = AgentLimits(steps=60, wall_s=1800, tokens=1_500_000)
EVENTS: TypeAdapter[events.Event] = TypeAdapter(events.Event)
T = TypeVar("T", bound=BaseModel)


class Watched:
    """A model that remembers whether its server failed us: then nobody's attempt is at fault."""

    def __init__(self, model: OpenAIModel) -> None:
        self._model = model
        self.down: ModelError | None = None

    @property
    def name(self) -> str:
        return self._model.name

    def answer(self, request: ModelRequest) -> ModelAnswer:
        try:
            answer = self._model.answer(request)
        except (ModelUnavailable, WrongKey) as error:
            self.down = error
            raise
        self.down = None
        return answer

    def hold_if_down(self) -> None:
        """Raises `Hold` when the run ended because the server was away or refused our key."""
        if self.down is not None:
            after = self.down.retry_after if isinstance(self.down, ModelUnavailable) else None
            raise Hold(str(self.down), "model", after)


def folder(deps: Deps, row: ActionRow) -> Path:
    """Where an agent's run leaves its trajectory and its outcome."""
    path = deps.data_dir / "attempts" / digest(row.key)
    path.mkdir(parents=True, exist_ok=True)
    return path


def remember(path: Path, event: events.Event) -> None:
    """The outcome, whole or not at all: a run after a crash finds it instead of paying again."""
    fresh = path / "outcome.tmp"
    fresh.write_bytes(EVENTS.dump_json(event))
    fresh.replace(path / "outcome.json")


def remembered(path: Path) -> events.Event | None:
    file = path / "outcome.json"
    return EVENTS.validate_json(file.read_bytes()) if file.exists() else None


def model_for(deps: Deps, row: ActionRow, role: str, wanted: RoleModel, limits: Limits) -> Watched:
    """The role's model, if the tree's caps allow another agent to start; else `Hold`."""
    model = deps.models.of(wanted)
    if limits.dollars > 0:
        try:
            model.price.require(role)
        except UnknownPrice as error:
            raise Hold(str(error), "model") from error
    spent = deps.books.spent(row.scope.tree)
    if spent.dollars >= limits.dollars and (limits.dollars > 0 or spent.dollars > 0):
        raise Hold(f"the cap of ${limits.dollars:g} for this tree is reached (${spent.dollars:.2f} spent)", "budget")
    tokens = spent.input_tokens + spent.output_tokens
    if limits.tokens and tokens >= limits.tokens:
        raise Hold(f"the cap of {limits.tokens:,} tokens for this tree is reached", "budget")
    return Watched(model)


def capped(deps: Deps, row: ActionRow, limits: Limits, base: AgentLimits) -> AgentLimits:
    """One agent may not spend more than what is left of the tree's caps."""
    spent = deps.books.spent(row.scope.tree)
    changes: dict[str, Any] = {}
    if limits.dollars > 0:
        changes["dollars"] = max(limits.dollars - spent.dollars, 0.000001)
    if limits.tokens:
        left = limits.tokens - spent.input_tokens - spent.output_tokens
        changes["tokens"] = max(min(base.tokens, left), 1)
    return base.model_copy(update=changes)


def booking(deps: Deps, row: ActionRow, role: str, model: str) -> Callable[[AgentUsage], None]:
    """Books each model call as it ends, so that a crash loses nothing of the ledger."""
    count = 0

    def book(usage: AgentUsage) -> None:
        nonlocal count
        count += 1
        deps.books.spend(row, count, role, model, facts(usage))

    return book


def facts(usage: AgentUsage) -> Usage:
    return Usage.model_validate(usage.model_dump())


def tree_limits(deps: Deps, row: ActionRow) -> Limits:
    view = deps.view(row.owner.key)
    return view.limits if view is not None else Limits()


def ask(
    deps: Deps,
    row: ActionRow,
    role: str,
    watched: Watched,
    mirror: Mirror,
    sha: str,
    question: dict[str, object],
    wanted: type[T],
) -> tuple[Answered[T] | AnswerInvalid | Stopped, str]:
    """The answer and the version of the prompt. The checkout is gone afterwards."""
    rendered = render(role, PROMPTS)
    body = json.dumps(cleaned(question), indent=1, ensure_ascii=False)
    lead = f"You are the {role} of this node. All you are told:"
    prompt = Prompt(rendered.text, f"{lead}\n\n```json\n{body}\n```", rendered.version)
    limits = capped(deps, row, tree_limits(deps, row), TURN)
    name = f"{role[0]}-{digest(row.key)}"
    workspace = deps.workspaces.create(mirror.path, sha, name, toolchain=deps.toolchain)
    try:
        tools = Toolbox(workspace, deps.sandbox, limits).reading()
        with Trajectory(folder(deps, row) / "trajectory.jsonl") as record:
            answer = agent.ask(
                watched,
                tools,
                prompt,
                limits,
                wanted,
                record=record,
                on_usage=booking(deps, row, role, watched.name),
            )
    finally:
        deps.workspaces.remove(name)
    if isinstance(answer, Stopped):
        watched.hold_if_down()
    return answer, rendered.version


def errors_of(answer: AnswerInvalid | Stopped) -> tuple[str, ...]:
    """What went wrong, in sentences."""
    if isinstance(answer, AnswerInvalid):
        return tuple(f"the answer does not validate: {line}" for line in answer.errors.splitlines())
    return (answer.reason,)


def branch_head(deps: Deps, row: ActionRow, branch: str) -> tuple[Mirror, str]:
    mirror = deps.mirrors(row.scope)
    mirror.fetch()
    sha = mirror.head(branch)
    if sha is None:
        raise GiveUp(f"the branch {branch} does not exist")
    return mirror, sha


def run_planner(deps: Deps, row: ActionRow, action: RunPlanner) -> Performed:
    path = folder(deps, row)
    if (done := remembered(path)) is not None:
        return result(row, done)
    watched = model_for(deps, row, "planner", action.model, tree_limits(deps, row))
    mirror, sha = branch_head(deps, row, action.branch)
    answer, version = ask(deps, row, "planner", watched, mirror, sha, action.input, Plan)
    event: events.Event
    if isinstance(answer, Answered):
        event = events.PlanAnswered(
            turn=action.turn, plan=answer.answer, usage=facts(answer.usage), model=watched.name, prompt=version
        )
    else:
        event = events.AgentFailed(
            role="planner", turn=action.turn, errors=errors_of(answer), usage=facts(answer.usage)
        )
    remember(path, event)
    return result(row, event)


def run_judge(deps: Deps, row: ActionRow, action: RunJudge) -> Performed:
    path = folder(deps, row)
    if (done := remembered(path)) is not None:
        return result(row, done)
    watched = model_for(deps, row, "judge", action.model, tree_limits(deps, row))
    mirror, sha = branch_head(deps, row, action.branch)
    target = mirror.head(action.target)
    if target is None:
        raise NotFound(f"the branch {action.target} does not exist")
    diff = mirror.diffstat(target, sha)
    evidence = verified(deps, mirror, sha, action.commands)
    question: dict[str, object] = action.input | {
        "evidence": [e.model_dump(mode="json") for e in evidence],
        "diff": diff.model_dump(mode="json"),
        "sha": sha,
    }
    answer, _ = ask(deps, row, "judge", watched, mirror, sha, question, Verdict)
    event: events.Event
    if isinstance(answer, Answered):
        event = events.VerdictAnswered(
            turn=action.turn, verdict=answer.answer, sha=sha, evidence=evidence, diff=diff, usage=facts(answer.usage)
        )
    else:
        event = events.AgentFailed(role="judge", turn=action.turn, errors=errors_of(answer), usage=facts(answer.usage))
    remember(path, event)
    return result(row, event)
