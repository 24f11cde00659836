"""What a planner and a judge are told: the whole of it, built fresh each time; no endless conversation."""

from __future__ import annotations

from typing import Any

from planner.facts import ChildView
from planner.node import Planner


def child_facts(view: ChildView) -> dict[str, Any]:
    facts = view.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return {"id": view.id, "kind": view.kind, "title": view.title, "state": view.state} | facts


def planner_input(node: Planner) -> dict[str, Any]:
    """Goal, own scratchpad, the children's states and handoffs, what happened since, what is left of the caps."""
    limits = node.config.limits
    return {
        "role": "planner",
        "turn": node.turn,
        "depth": node.depth,
        "may_add_subplanners": node.depth < limits.depth,
        "goal": node.goal.model_dump(mode="json"),
        "scratchpad": node.scratchpad,
        "children": [child_facts(c.view) for c in node.children],
        "waiting_plan": node.plan.model_dump(mode="json") if node.plan else None,
        "news": list(node.asked),
        "tests": node.config.commands.test,
        "limits": {
            "children_left": 100 - len(node.children),
            "review_lines": limits.review_lines,
            "depth": limits.depth,
            "attempts": limits.attempts,
        },
    }


def judge_input(node: Planner) -> dict[str, Any]:
    """The claim, and what the node declared. Evidence is added by the trusted side when it has run the commands."""
    return {
        "role": "judge",
        "goal": node.goal.model_dump(mode="json"),
        "claim": node.claim,
        "children": [child_facts(c.view) for c in node.children],
    }
