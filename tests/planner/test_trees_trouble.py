"""Trees in trouble: attempts, plans and claims that fail, caps and time that run out. They park with a reason."""

from __future__ import annotations

from typing import Any

from planner import actions as a
from planner import events as e
from planner.facts import Diffstat, Report, Usage
from planner.judge import Verdict
from planner.policy import Limits, Merge, RepoConfig


def test_attempts_run_out_and_the_planner_hears(kit: Any, sim: Any) -> None:
    def plans(given: dict[str, Any]) -> dict[str, Any]:
        children = given["children"]
        if not children:
            return {"operations": [kit.task("a"), kit.task("b")]}
        if any(c["id"] == "a" and c["state"] == "failed" for c in children):
            return {"operations": [{"op": "cancel", "id": "a", "reason": "cannot be done"}]}
        return kit.planner_of()(given)

    def attempts(action: a.RunAttempt) -> e.AttemptEnded | None:
        if action.brief.goal.title != "Make a":
            return None
        return e.AttemptEnded(
            attempt=action.attempt, outcome="failed", reason="timeout", report=Report(summary="no"), usage=Usage(),
            model="m", prompt="v",
        )  # fmt: skip

    sim.plans, sim.attempts = plans, attempts
    sim.label()
    sim.run()
    assert sim.get("task", "5-1/r/a").attempt == sim.config.limits.attempts
    assert sim.root.state == "done"
    sim.assert_silence()


def test_a_refused_claim_goes_on_and_then_parks(kit: Any, sim: Any) -> None:
    sim.plans = kit.planner_of(kit.task("a"), kit.task("b"))
    sim.verdicts = lambda _given: Verdict(verdict="continue", reason="the tests are red", missing=("x",))
    sim.label()
    sim.run()
    assert sim.root.state == "parked"
    assert "judge refused" in sim.root.reason
    assert sim.comments[-1] == (1, "parked")
    sim.verdicts = lambda _given: Verdict(verdict="done", reason="ok")
    sim.post(sim.root.me, e.RetryAsked(by=kit.alice))
    sim.run()
    assert sim.root.state == "done"


def test_an_unusable_plan_is_asked_again_once_then_parks(kit: Any, sim: Any) -> None:
    inputs: list[dict[str, Any]] = []

    def plans(given: dict[str, Any]) -> dict[str, Any]:
        inputs.append(given)
        return {"operations": [kit.task("a", after=("nobody",)), kit.task("b")]}

    sim.plans = plans
    sim.label()
    sim.run()
    assert len(inputs) == 2
    assert inputs[1]["news"][-1]["what"] == "invalid"
    assert "nobody" in inputs[1]["news"][-1]["errors"][0]
    assert sim.root.state == "parked"


def test_the_cap_on_issues_parks(kit: Any) -> None:
    sim = kit.Sim(config=RepoConfig(approve="never", limits=Limits(issues=2)))
    sim.plans = kit.planner_of(*(kit.task(f"t{i}") for i in range(3)))
    sim.label()
    sim.run()
    assert sim.root.state == "parked"
    assert "limits.issues" in sim.root.reason
    assert len(sim.issues) == 1


def test_empty_diff_is_said_to_the_next_attempt(kit: Any, sim: Any) -> None:
    seen: list[a.RunAttempt] = []

    def attempts(action: a.RunAttempt) -> e.AttemptEnded | None:
        seen.append(action)
        if len(seen) > 1:
            return None
        return e.AttemptEnded(attempt=1, outcome="empty", report=Report(summary="looked"), usage=Usage(), model="m",
                              prompt="v", diff=Diffstat())  # fmt: skip

    sim.plans, sim.attempts = kit.planner_of(kit.task("only")), attempts
    sim.label()
    sim.run()
    assert seen[1].brief.context == (("The attempt changed nothing", "looked"),)
    assert sim.root.state == "done"


def test_when_the_time_is_over_nothing_new_starts(kit: Any) -> None:
    sim = kit.Sim(config=RepoConfig(approve="never", merge=Merge(who="when_green"), limits=Limits(hours=1)))
    sim.plans = kit.two_sub_planners()
    tree = sim.label()
    sim.run(until=lambda: len(sim.issues) > 1)
    sim.post(tree, e.Tick(name="hours"))
    sim.run()
    assert sim.root.state != "done"
    assert ("budget", sim.get("tree", "5-1").reason) in sim.root.held
    assert sim.comments.count((1, "parked")) == 1
    assert sim.get("tree", "5-1").running == ()
    sim.post(sim.root.me, e.RetryAsked(by=kit.mallory))
    sim.run()
    assert sim.get("tree", "5-1").expired
    keys = {k for k in sim.states if k.kind == "planner" and sim.states[k].state == "parked"}
    sim.post(sim.root.me, e.RetryAsked(by=kit.alice))
    sim.run()
    for key in keys - {sim.root.me}:
        sim.post(key, e.RetryAsked(by=kit.alice))
    sim.run()
    assert sim.root.state == "done"
    assert sim.root.held == ()
