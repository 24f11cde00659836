"""What `/status.json` says: every tree with its nodes, and how much of everything there is. No secrets, no texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bot.store.records import AggregateView


def summary(
    views: Iterable[AggregateView], counts: Mapping[str, Any], troubles: Mapping[str, Any], meters: Mapping[str, int]
) -> dict[str, Any]:
    """Trees in a stable order; a node's `parent` is the key of its planner, None at the root."""
    trees: dict[str, dict[str, Any]] = {}
    for view in views:
        if view.state is None or view.kind not in ("tree", "planner", "task"):
            continue
        state = json.loads(view.state)
        tree = trees.setdefault(
            view.tree, {"key": view.tree, "repo": view.repo, "root": view.root, "state": "new", "nodes": []}
        )
        if view.kind == "tree":
            tree |= {"state": state.get("state"), "title": state.get("title", ""), "reason": state.get("reason")}
        else:
            tree["nodes"].append(_node(view, state))
    return {"trees": list(trees.values()), "counts": dict(counts), "troubles": dict(troubles), **meters}


def _node(view: AggregateView, state: Mapping[str, Any]) -> dict[str, Any]:
    pull = state.get("pull")
    return {
        "kind": view.kind,
        "key": view.key,
        "parent": state.get("parent"),
        "title": (state.get("goal") or {}).get("title", ""),
        "state": state.get("state"),
        "number": state.get("number"),
        "pull": pull.get("number") if isinstance(pull, dict) else None,
        "attempt": state.get("attempt"),
        "turn": state.get("turn"),
        "reason": state.get("reason"),
        "poisoned": view.poisoned,
        "usage": state.get("usage"),
    }
