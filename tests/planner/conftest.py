"""Plans and planners for trees in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from planner.facts import ReviewComment
from tests.planner.sim import ALICE, MALLORY, Sim


def task(ident: str, *paths: str, after: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "op": "add_task",
        "id": ident,
        "title": f"Make {ident}",
        "goal": f"do {ident}",
        "acceptance": ["true"],
        "paths": list(paths) or [f"{ident}.py"],
        "depends_on": list(after),
    } | more


def sub(ident: str, *paths: str, after: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "op": "add_subplanner",
        "id": ident,
        "title": f"Own {ident}",
        "goal": f"own {ident}",
        "paths": list(paths) or [f"{ident}/"],
        "depends_on": list(after),
    }


def planner_of(*first: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A planner that adds `first` in its first turn and claims done once every child has ended."""

    def answer(given: dict[str, Any]) -> dict[str, Any]:
        children = given["children"]
        if not children:
            return {"operations": list(first)}
        if all(c["state"] in ("landed", "done", "cancelled") for c in children):
            return {"operations": [{"op": "claim_done", "evidence": "all landed"}]}
        return {"operations": [{"op": "keep_waiting", "waiting_for": "children"}]}

    return answer


def by_goal(plans: dict[str, Callable[[dict[str, Any]], dict[str, Any]]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda given: plans[given["goal"]["title"]](given)


def two_sub_planners() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A goal with two sub-planners of three tasks each."""
    return by_goal(
        {
            "Goal": planner_of(sub("left"), sub("right")),
            "Own left": planner_of(task("l1"), task("l2", after=("l1",)), task("l3")),
            "Own right": planner_of(task("r1"), task("r2"), task("r3", after=("r1", "r2"))),
        }
    )


@pytest.fixture
def sim() -> Sim:
    return Sim()


@pytest.fixture(scope="session")
def kit() -> Any:
    """The names that scenarios need, since test folders are no packages."""

    class Kit:
        Sim = Sim
        task = staticmethod(task)
        sub = staticmethod(sub)
        planner_of = staticmethod(planner_of)
        by_goal = staticmethod(by_goal)
        two_sub_planners = staticmethod(two_sub_planners)
        alice = ALICE
        mallory = MALLORY
        comment = ReviewComment

    return Kit
