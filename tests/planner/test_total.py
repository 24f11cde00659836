"""Every aggregate bears every event in every state: late, repeated or meant for another."""

from __future__ import annotations

import random
from typing import Any

from planner import events as e
from planner.model import Address
from planner.policy import Merge, RepoConfig
from planner.step import step


def histories(kit: Any) -> tuple[list[tuple[Address, Any]], list[Any]]:
    """States and events that real runs went through."""
    states: list[tuple[Address, Any]] = []
    events: list[Any] = []
    for seed in range(4):
        sim = kit.Sim(seed, RepoConfig(merge=Merge(who="when_approved" if seed % 2 else "when_green")))
        sim.plans = kit.by_goal(
            {
                "Goal": kit.planner_of(kit.sub("left"), kit.task("top")),
                "Own left": kit.planner_of(kit.task("l1"), kit.task("l2", "l1.py"), kit.task("l3", after=("l1",))),
            }
        )
        sim.conflicting = {"5-1/r/left/l2"}
        reds = iter(range(3))
        sim.ci = lambda _sha, _action, reds=reds: "red" if next(reds, None) == 1 else "green"
        post = sim.post

        def keep(to: Address, event: Any, post: Any = post) -> None:
            events.append(event)
            post(to, event)

        sim.post = keep
        turn = sim.turn

        def look(who: Address, turn: Any = turn, sim: Any = sim) -> None:
            turn(who)
            if who in sim.states:
                states.append((who, sim.states[who]))

        sim.turn = look
        sim.label()
        sim.run()
        sim.post(sim.root.me, e.Approved(by=kit.alice, plan_hash=None))
        sim.run()
    events += [
        e.CancelAsked(reason="no"),
        e.PullClosed(pull=9, by=kit.alice),
        e.IssueClosed(number=1, by=kit.alice),
        e.RetryAsked(by=kit.alice),
        e.ActionFailed(action_type="verify", action_key="k", reason="r"),
        e.ActionsHeld(cause="model", reason="down"),
        e.ActionsReleased(cause="model"),
        e.InstallationChanged(state="suspended"),
        e.Tick(name="t"),
    ]
    return states, events


def test_every_state_bears_every_event(kit: Any) -> None:
    states, events = histories(kit)
    draw = random.Random(7)
    kinds = {type(event) for event in events}
    seen = {(who.kind, getattr(state, "state", getattr(state, "phase", ""))) for who, state in states}
    assert len(kinds) >= 35, sorted(k.__name__ for k in kinds)
    for who, state in draw.sample(states, min(120, len(states))):
        for kind in kinds:
            event = draw.choice([x for x in events if type(x) is kind])
            result = step(who, state, [event], 0.0)
            assert result is not None
            type(state).model_validate_json(result.state.model_dump_json())
            again = step(who, state, [event], 0.0)
            assert again is not None
            assert again.state == result.state
            assert again.actions == result.actions
            assert again.sends == result.sends
    assert {"planner", "task", "tree", "train"} <= {kind for kind, _ in seen}
