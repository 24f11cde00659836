"""A planner's answer: typed operations, and the checks that need no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from planner.model import Value

Title = Annotated[str, Field(min_length=3, max_length=200)]
TempId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")]
Text = Annotated[str, Field(max_length=20_000)]


class AddTask(Value):
    """One piece of work for one worker: one branch, one pull request, 50-400 changed lines."""

    op: Literal["add_task"]
    id: TempId
    """names the task inside this plan and, afterwards, in `depends_on` and later plans"""
    title: Title
    goal: Text
    acceptance: tuple[str, ...] = Field(max_length=10)
    """shell commands that must exit 0 on the finished work, run by the trusted side in a fresh sandbox"""
    paths: tuple[str, ...] = Field(max_length=50)
    """files and folders (ending in /) that the task expects to change"""
    forbidden: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = Field(default=(), max_length=50)
    size: int = Field(default=100, ge=1, le=100_000)
    """expected changed lines"""
    priority: int = Field(default=0, ge=-10, le=10)
    duplicate_reason: str | None = None


class AddSubplanner(Value):
    """A planner that fully owns one slice of the goal."""

    op: Literal["add_subplanner"]
    id: TempId
    title: Title
    goal: Text
    acceptance: tuple[str, ...] = Field(default=(), max_length=10)
    paths: tuple[str, ...] = Field(max_length=200)
    depends_on: tuple[str, ...] = Field(default=(), max_length=50)
    duplicate_reason: str | None = None


class Change(Value):
    """A new goal for a child that has not landed."""

    op: Literal["change"]
    id: TempId
    goal: Text
    acceptance: tuple[str, ...] | None = None
    paths: tuple[str, ...] | None = None
    reason: Annotated[str, Field(min_length=3, max_length=1000)]


class Cancel(Value):
    op: Literal["cancel"]
    id: TempId
    reason: Annotated[str, Field(min_length=3, max_length=1000)]


class AskPerson(Value):
    """One answerable question; the node parks until a person with write permission answers it."""

    op: Literal["ask_person"]
    question: Annotated[str, Field(min_length=3, max_length=2000)]


class ClaimDone(Value):
    op: Literal["claim_done"]
    evidence: Text


class KeepWaiting(Value):
    op: Literal["keep_waiting"]
    waiting_for: Annotated[str, Field(max_length=1000)]


Operation = Annotated[
    AddTask | AddSubplanner | Change | Cancel | AskPerson | ClaimDone | KeepWaiting, Field(discriminator="op")
]


class Plan(Value):
    """One planner answer. `scratchpad` replaces the old one; `summary` is what people read."""

    summary: Annotated[str, Field(max_length=2000)]
    scratchpad: Annotated[str, Field(max_length=8000)]
    operations: tuple[Operation, ...] = Field(min_length=1, max_length=120)
    will_not_do: tuple[str, ...] = Field(default=(), max_length=20)
    assumptions: tuple[str, ...] = Field(default=(), max_length=20)


class Known(Value):
    """What validation may know of a child that exists already."""

    id: str
    title: str
    paths: tuple[str, ...]
    depends_on: tuple[str, ...]
    ended: bool
    seq: int = 0
    """the owner's event sequence at which this child last changed"""


def normal(title: str) -> frozenset[str]:
    """The words of a title that carry meaning, for near-duplicate comparison."""
    return frozenset(
        w for w in re.findall(r"[a-z0-9]+", title.lower()) if w not in {"a", "an", "the", "to", "of", "and"}
    )


def near_duplicate(title: str, paths: Iterable[str], other: Known) -> bool:
    """Same words (Jaccard ≥ 0.8) on overlapping paths."""
    mine, theirs = normal(title), normal(other.title)
    if not mine or not theirs:
        return False
    alike = len(mine & theirs) / len(mine | theirs)
    return alike >= 0.8 and (not other.paths or bool(set(paths) & set(other.paths)))


def problems(
    plan: Plan,
    children: Mapping[str, Known],
    *,
    depth: int,
    max_depth: int,
    max_children: int = 100,
    saw: int | None = None,
) -> tuple[str, ...]:
    """Why this plan cannot be carried out, as sentences for its planner; empty when it can.

    `depth` is the planner's own (root 1); `saw` the sequence the turn's input carried: operations on
    children that changed since are refused, so that the next turn decides on what is true.
    """
    found: list[str] = []
    adds = [op for op in plan.operations if isinstance(op, AddTask | AddSubplanner)]
    known = dict(children)
    for op in adds:
        if op.id in known:
            found.append(f"add {op.id!r}: this id exists already; choose another")
        twin = next((k for k in known.values() if near_duplicate(op.title, op.paths, k)), None)
        if twin is not None and not op.duplicate_reason:
            found.append(
                f"add {op.id!r}: nearly the same as {twin.id!r} ({twin.title}); give duplicate_reason or drop it"
            )
        known[op.id] = Known(id=op.id, title=op.title, paths=op.paths, depends_on=op.depends_on, ended=False)
    found += _shape_problems(plan, adds, known, depth, max_depth, max_children)
    for target in plan.operations:
        if isinstance(target, Change | Cancel):
            child = children.get(target.id)
            if child is None:
                found.append(
                    f"{target.op} {target.id!r}: there is no such child; known: {', '.join(sorted(children)) or 'none'}"
                )
            elif child.ended:
                found.append(f"{target.op} {target.id!r}: it has ended already")
            elif saw is not None and child.seq > saw:
                found.append(f"{target.op} {target.id!r}: it changed while you were planning; look again")
    return tuple(found)


def _shape_problems(
    plan: Plan,
    adds: list[AddTask | AddSubplanner],
    known: dict[str, Known],
    depth: int,
    max_depth: int,
    max_children: int,
) -> list[str]:
    found: list[str] = []
    for op in adds:
        for needed in op.depends_on:
            if needed not in known:
                found.append(f"add {op.id!r}: depends_on {needed!r} is no child of yours")
        if isinstance(op, AddTask) and not op.acceptance:
            found.append(f"add {op.id!r}: acceptance is missing; give at least one command")
        if not op.paths:
            found.append(f"add {op.id!r}: paths is empty; name the files or folders it changes")
    if cycle := _cycle({k.id: k.depends_on for k in known.values()}):
        found.append("depends_on goes round in a circle: " + " → ".join(cycle))
    if depth >= max_depth and any(isinstance(op, AddSubplanner) for op in adds):
        found.append(
            f"add_subplanner: the tree may be {max_depth} planners deep and you are at {depth}; add tasks instead"
        )
    if len(known) > max_children:
        found.append(f"{len(known)} children; at most {max_children} ever: group them into sub-planners")
    if all(isinstance(op, KeepWaiting) for op in plan.operations) and all(k.ended for k in known.values()):
        found.append("keep_waiting: no child is open, so nothing will happen; claim_done, add something or ask_person")
    claims = [op for op in plan.operations if isinstance(op, ClaimDone)]
    if claims and len(plan.operations) > 1:
        found.append("claim_done: must be the only operation")
    elif claims and (open_ := [k.id for k in known.values() if not k.ended]):
        found.append(f"claim_done: children still open: {', '.join(sorted(open_))}")
    return found


def _cycle(edges: Mapping[str, tuple[str, ...]]) -> list[str]:
    state: dict[str, int] = {}
    trail: list[str] = []

    def visit(node: str) -> list[str]:
        state[node] = 1
        trail.append(node)
        for after in edges.get(node, ()):
            if state.get(after) == 1:
                return [*trail[trail.index(after) :], after]
            if after in edges and after not in state and (found := visit(after)):
                return found
        state[node] = 2
        trail.pop()
        return []

    for start in edges:
        if start not in state and (found := visit(start)):
            return found
    return []


def additions(plan: Plan) -> list[AddTask | AddSubplanner]:
    return [op for op in plan.operations if isinstance(op, AddTask | AddSubplanner)]
