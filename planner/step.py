"""One door to the five state machines: `step(kind, state, events, now) -> Step`. Pure and total."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, assert_never

from planner import installation, node, node_step, task, task_step, train, tree
from planner.events import BeginPlanner, BeginTask, Event, InstallationChanged, LandAsked, RefreshAsked, RootLabeled
from planner.model import Address, AggregateKind, Step
from planner.out import Out

State: TypeAlias = tree.Tree | node.Planner | task.Task | train.Train | installation.Installation

STATES: dict[AggregateKind, type[State]] = {
    "tree": tree.Tree,
    "planner": node.Planner,
    "task": task.Task,
    "train": train.Train,
    "installation": installation.Installation,
}


def step(
    me: Address, state: State | None, events: Sequence[Event], now: float, *, status_s: float = 30.0
) -> Step[State] | None:
    """Folds the events into the state, in order.

    `state` is None for an aggregate that does not exist yet; None comes back while no event brings it to life.
    `now` (seconds since the epoch) is an input like any other; nothing here reads a clock. `status_s`: seconds for
    which edits of a status comment are gathered into one. Each action gets a key made of the aggregate, its count of
    events and the action's index, so that the same history asks for the same actions under the same keys.
    """
    del now
    out = Out()
    before = state
    actions_from = 0
    for event in events:
        new = born(me, event, out) if state is None else state
        if new is None:
            continue
        newborn = state is None
        state = new.model_copy(update={"seq": new.seq + 1})
        if not newborn or isinstance(state, tree.Tree | train.Train | installation.Installation):
            state = react(state, event, out)
        for index in range(actions_from, len(out.actions)):
            key = f"{me}#{state.seq}.{index - actions_from}"
            out.actions[index] = out.actions[index].model_copy(update={"key": key})
        actions_from = len(out.actions)
    if state is None:
        return None
    if isinstance(state, node.Planner) and state != before:
        node.status(state, out, status_s)
        key = f"{me}#{state.seq}.status"
        out.actions[-1] = out.actions[-1].model_copy(update={"key": key})
    return Step(state, tuple(out.actions), tuple(out.sends), tuple(out.routes))


def born(me: Address, event: Event, out: Out) -> State | None:
    """The event that brings an aggregate to life, or None."""
    match event:
        case RootLabeled() if me.kind == "tree":
            return tree.begin(event)
        case BeginPlanner() if me.kind == "planner":
            return node_step.begin(event, out)
        case BeginTask() if me.kind == "task":
            return task_step.begin(event, out)
        case LandAsked() | RefreshAsked() if me.kind == "train":
            return train.begin(event, me)
        case InstallationChanged() if me.kind == "installation":
            return installation.begin(int(me.key))
        case _:
            return None


def react(state: State, event: Event, out: Out) -> State:
    match state:
        case tree.Tree():
            return tree.on(state, event, out)
        case node.Planner():
            return node_step.on(state, event, out)
        case task.Task():
            return task_step.on(state, event, out)
        case train.Train():
            return train.on(state, event, out)
        case installation.Installation():
            return installation.on(state, event, out)
        case _:
            assert_never(state)
