"""The preview of a plan: a plain list first, then cost, then a picture, then the box to tick. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.comments import money, one_line, plain
from planner.plan import AddSubplanner, AddTask, Plan
from planner.view import PlannerView

TICK = re.compile(r"^\s*[-*]\s+\[[xX]\]\s+Approve this plan\b", re.MULTILINE)
"""the ticked box of a preview, as it stands in the edited comment"""


@dataclass(frozen=True)
class CostBasis:
    """What one task costs, in dollars; `tasks` is how many that is known from, 0 for a guess from the model's price."""

    dollars_per_task: float
    tasks: int


GUESS_INPUT, GUESS_OUTPUT = 120_000, 8_000
"""tokens of one task where none has been done yet: some 20 model calls that each read 6,000 tokens"""
MINUTES = (2, 10)
"""one task, from the first call to a tested pull request"""


def preview(view: PlannerView, basis: CostBasis, app: str) -> str:
    """The comment. Its last line is the box. `app` is the app's slug."""
    plan = view.plan
    if plan is None:
        raise ValueError("there is no plan to show")
    adds = [op for op in plan.operations if isinstance(op, AddTask | AddSubplanner)]
    lines = [f"Please approve this plan, @{view.started_by}: tick the box at the end.", ""]
    lines += [f"Or say what should be different, in a comment that begins with `@{app}`.", ""]
    lines += [one_line(plan.summary, 1000), ""]
    for at, op in enumerate(adds, 1):
        lines += _item(at, op)
    lines += ["", _extent(adds)]
    for heading, items in (("It will not", plan.will_not_do), ("It assumes", plan.assumptions)):
        if items:
            lines += ["", f"{heading}:", *(f"- {one_line(i, 400)}" for i in items)]
    lines += ["", _cost(adds, view, basis), "", _time(adds, view), "", *_picture(plan), ""]
    lines.append(f"- [ ] Approve this plan (`{view.plan_hash}`)")
    return "\n".join(lines)


def _item(at: int, op: AddTask | AddSubplanner) -> list[str]:
    paths = ", ".join(f"`{plain(p)}`" for p in op.paths[:8]) + (" …" if len(op.paths) > 8 else "")
    after = f" After {', '.join(op.depends_on)}." if op.depends_on else ""
    known = "; ".join(f"`{plain(a)}`" for a in op.acceptance) or "the judge's word"
    kind = "" if isinstance(op, AddTask) else " (a planner of its own)"
    return [f"{at}. **{plain(op.title)}**{kind}: {paths}.{after}", f"   Done when: {known}"]


def _extent(adds: list[AddTask | AddSubplanner]) -> str:
    tasks = [op for op in adds if isinstance(op, AddTask)]
    planners = len(adds) - len(tasks)
    lines = sum(op.size for op in tasks)
    parts = [f"{counted(len(tasks), 'pull request')} for tasks, about {counted(lines, 'changed line')}"]
    if planners:
        parts.append(f"{counted(planners, 'planner')} to split a part further")
    return "; ".join(parts) + "."


def counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _cost(adds: list[AddTask | AddSubplanner], view: PlannerView, basis: CostBasis) -> str:
    count = _tasks(adds)
    low, high = basis.dollars_per_task * count * 0.7, basis.dollars_per_task * count * 2
    known = (
        f"from {counted(basis.tasks, 'task')} done here"
        if basis.tasks
        else (f"a guess from the model's price and {GUESS_INPUT + GUESS_OUTPUT:,} tokens a task")
    )
    so_far = f"Planning cost {money(view.usage.dollars)} so far."
    cap = f"The cap is {money(view.limits.dollars)}: there it stops and asks."
    return f"Cost: {money(low)} to {money(high)}, {known}. {so_far} {cap}"


def _time(adds: list[AddTask | AddSubplanner], view: PlannerView) -> str:
    count = _tasks(adds)
    rounds = -(-count // view.limits.workers)
    low, high = rounds * MINUTES[0], count * MINUTES[1]
    return (
        f"Time: {low} to {high} minutes, a guess from {MINUTES[0]} to {MINUTES[1]} minutes a task "
        f"with {view.limits.workers} at once; your reviews come on top."
    )


def _tasks(adds: list[AddTask | AddSubplanner]) -> int:
    """A planner of its own counts as four tasks until it has planned."""
    return sum(1 if isinstance(op, AddTask) else 4 for op in adds)


def _picture(plan: Plan) -> list[str]:
    adds = [op for op in plan.operations if isinstance(op, AddTask | AddSubplanner)]
    names = {op.id: f"n{at}" for at, op in enumerate(adds)}
    lines = ["```mermaid", "graph LR"]
    for op in adds:
        title = re.sub(r"[^\w .,:/()+-]", " ", one_line(op.title, 60))
        box = f'["{title}"]' if isinstance(op, AddTask) else f'[["{title}"]]'
        lines.append(f"  {names[op.id]}{box}")
    lines += [f"  {names[d]} --> {names[op.id]}" for op in adds for d in op.depends_on if d in names]
    return [*lines, "```"]
