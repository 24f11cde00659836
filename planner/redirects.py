"""The answer to a redirect: child by child, what becomes of it."""

from __future__ import annotations

from typing import Any

from planner.actions import AnswerRedirect
from planner.node import Planner, put
from planner.out import Out
from planner.plan import Cancel, Change, Plan, additions


def answer_redirects(node: Planner, plan: Plan, out: Out) -> Planner:
    """Says child by child what is kept, changed, cancelled and added; nothing is left unsaid."""
    words = [n for n in node.asked if n.get("what") == "redirect"]
    if not words:
        return node
    cancelled = {op.id: op.reason for op in plan.operations if isinstance(op, Cancel)}
    changed = {op.id: op.reason for op in plan.operations if isinstance(op, Change)}
    added = {op.id for op in additions(plan)}
    rows: list[tuple[Any, str, str]] = []
    for child in node.children:
        if child.id in cancelled:
            rows.append(("cancel", child.view.title, cancelled[child.id]))
        elif child.id in changed:
            rows.append(("change", child.view.title, changed[child.id]))
        elif child.id in added:
            rows.append(("add", child.view.title, ""))
        elif child.view.state != "cancelled":
            rows.append(("keep", child.view.title, child.view.state))
    last = words[-1]
    out.do(
        AnswerRedirect(
            number=int(last["number"]), comment_id=int(last["comment"]), summary=plan.summary, rows=tuple(rows)
        )
    )
    return put(node, asked=())
