"""What people are shown of a planner node: a pure reading of its state."""

from __future__ import annotations

from typing import Literal

from planner.facts import ChildView, CommandResult, Usage
from planner.judge import Verdict
from planner.model import Value
from planner.node import CHILD_ENDED, Planner
from planner.plan import Plan
from planner.policy import Limits


class Waiting(Value):
    """What a person must do now."""

    what: Literal["approve", "review", "answer"]
    login: str
    number: int
    """the issue or pull request to go to"""
    reason: str = ""


class PlannerView(Value):
    key: str
    title: str
    state: str
    number: int
    parent: str | None
    started_by: str
    target: str
    summary: str
    turn: int
    children: tuple[ChildView, ...]
    done: int
    """children that ended"""
    plan: Plan | None
    plan_hash: str
    waiting: tuple[Waiting, ...]
    pull: int | None
    pulls: tuple[int, ...]
    reason: str | None
    held: tuple[tuple[str, str], ...]
    usage: Usage
    limits: Limits
    verdict: Verdict | None
    evidence: tuple[CommandResult, ...]


def view(node: Planner) -> PlannerView:
    waiting: list[Waiting] = []
    who = node.started_by.login
    if node.state == "preview":
        waiting.append(Waiting(what="approve", login=who, number=node.number))
    if node.state == "parked":
        waiting.append(Waiting(what="answer", login=who, number=node.number, reason=node.reason or ""))
    if node.pull is not None and node.pull.ready and not node.pull.queued and node.pull.proven and not node.reviews:
        waiting.append(Waiting(what="review", login=who, number=node.pull.number))
    for child in node.children:
        child_view = child.view
        if child_view.state == "review" and child_view.pull is not None:
            waiting.append(Waiting(what="review", login=who, number=child_view.pull))
        elif child_view.state == "parked" and child_view.number is not None:
            waiting.append(Waiting(what="answer", login=who, number=child_view.number, reason=child_view.reason or ""))
    return PlannerView(
        key=node.key,
        title=node.goal.title,
        state=node.state,
        number=node.number,
        parent=node.parent,
        started_by=who,
        target=node.target,
        summary=node.summary,
        turn=node.turn,
        children=tuple(c.view for c in node.children),
        done=sum(c.view.state in CHILD_ENDED for c in node.children),
        plan=node.plan,
        plan_hash=node.plan_hash,
        waiting=tuple(waiting),
        pull=node.pull.number if node.pull else None,
        pulls=node.pulls,
        reason=node.reason,
        held=node.held,
        usage=node.usage,
        limits=node.config.limits,
        verdict=node.verdict,
        evidence=node.evidence,
    )
