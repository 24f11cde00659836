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
    """What one task cost so far, in dollars; `tasks` is how many that is known from."""

    dollars_per_task: float
    tasks: int


def preview(view: PlannerView, basis: CostBasis | None, app: str) -> str:
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
    lines += ["", _cost(adds, view, basis), "", *_picture(plan), ""]
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


def _cost(adds: list[AddTask | AddSubplanner], view: PlannerView, basis: CostBasis | None) -> str:
    cap = f"The cap is {money(view.limits.dollars)}: there it stops and asks."
    so_far = f"Planning cost {money(view.usage.dollars)} so far."
    if basis is None or basis.tasks == 0:
        return f"Cost: not known yet, no task has been done here. {so_far} {cap}"
    count = sum(1 if isinstance(op, AddTask) else 4 for op in adds)
    low, high = basis.dollars_per_task * count * 0.7, basis.dollars_per_task * count * 2
    return f"Cost: {money(low)} to {money(high)}, from {basis.tasks} tasks done here. {so_far} {cap}"


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
