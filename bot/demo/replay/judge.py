"""The judge's part: it believes a claim when every command of the evidence succeeded and no child is open."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.demo.replay.conversation import Call, Conversation, Done, NotUnderstood, Play
from bot.demo.replay.partition import Replay
from bot.demo.replay.planner import ENDED, ChildIn, GoalIn


class Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    command: str
    exit_code: int


class JudgeIn(BaseModel):
    """What this server reads of a judge's input."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    goal: GoalIn
    claim: str
    children: tuple[ChildIn, ...] = ()
    evidence: tuple[Result, ...]
    sha: str = ""


def judge(replay: Replay, talk: Conversation) -> Play:
    """Look at the checkout, then answer."""
    try:
        told = JudgeIn.model_validate(talk.brief)
    except ValidationError as error:
        raise NotUnderstood(f"this judge input cannot be read: {error.errors(include_url=False)}") from error
    yield [Call("list_files", {"path": "."})]
    return Done(text=json.dumps(_verdict(replay, told), ensure_ascii=False))


def _verdict(replay: Replay, told: JudgeIn) -> dict[str, Any]:
    red = [r.command for r in told.evidence if r.exit_code != 0]
    still_open = [c.id for c in told.children if c.state not in ENDED]
    missing = [f"make this command succeed: {command}"[:1000] for command in red]
    missing += [f"end {ident}" for ident in still_open]
    if any(title in told.goal.title for title in replay.script.doubts) and "Claimed again" not in told.claim:
        missing.append("say once more, child by child, that nothing of the goal is missing")
    if missing:
        return {"verdict": "continue", "reason": "The evidence does not bear the claim out yet.",
                "missing": missing[:30]}  # fmt: skip
    proof = (
        f"{len(told.evidence)} commands succeeded at {told.sha[:10]}" if told.evidence else "there was nothing to run"
    )
    return {"verdict": "done", "reason": f"{proof} and all {len(told.children)} children have ended.",
            "missing": []}  # fmt: skip
