"""Whole trees, driven by events in many orders: everything declared ends, lands, and the tree ends in silence."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planner import actions as a
from planner.policy import Limits, Merge, RepoConfig


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_two_sub_planners_end_in_silence(kit: Any, seed: int) -> None:
    sim = kit.Sim(seed)
    sim.plans = kit.two_sub_planners()
    sim.label()
    sim.run()
    assert sim.root.state == "done"
    sim.assert_silence()
    assert len(sim.issues) == 9
    merged = [p for p in sim.pulls.values() if p["merged"] and p["base"] == "main"]
    assert len(merged) == 2, "two slices reach the target"


def test_single_task_files_no_issue(kit: Any, sim: Any) -> None:
    sim.plans = kit.planner_of(kit.task("only"))
    sim.label()
    sim.run()
    assert sim.root.state == "done"
    assert list(sim.issues) == [1]
    assert len(sim.pulls) == 1
    assert sim.asked(a.OpenPull)[0].text.closes == (1,)
    sim.assert_silence()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), bad=st.sets(st.integers(1, 12)))
def test_red_ci_goes_back_to_the_task(kit: Any, seed: int, bad: set[int]) -> None:
    sim = kit.Sim(seed)
    sim.plans = kit.two_sub_planners()
    looked: list[str] = []

    def ci(sha: str, action: Any) -> str:
        looked.append(sha)
        return "red" if len(looked) in bad and action.event == "pull_request" and action.branch != "main" else "green"

    sim.ci = ci
    sim.config = RepoConfig(approve="never", merge=Merge(who="when_green"), limits=Limits(attempts=20))
    sim.label()
    sim.run()
    assert sim.root.state == "done"
    sim.assert_silence()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_red_batch_is_halved(kit: Any, seed: int) -> None:
    sim = kit.Sim(seed)
    sim.plans = kit.planner_of(*(kit.task(f"t{i}") for i in range(6)))
    guilty = "5-1/r/t3"

    def ci(sha: str, _action: Any) -> str:
        repaired = any(k.key == guilty and s.attempt > 1 for k, s in sim.states.items() if k.kind == "task")
        return "red" if guilty in sim.candidate_items.get(sha, ()) and not repaired else "green"

    sim.ci = ci
    sim.label()
    sim.run()
    assert sim.root.state == "done"
    sim.assert_silence()
    assert sim.get("task", guilty).attempt == 2
    assert all(sim.get("task", f"5-1/r/t{i}").attempt == 1 for i in range(6) if i != 3)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_conflict_goes_to_a_resolver_with_both_sides(kit: Any, seed: int) -> None:
    sim = kit.Sim(seed)
    sim.plans = kit.planner_of(kit.task("a", "same.py"), kit.task("b", "same.py"), kit.task("c"))
    sim.conflicting = {"5-1/r/b"}
    sim.label()
    sim.run()
    assert sim.root.state == "done"
    sim.assert_silence()
    for run in sim.asked(a.RunAttempt):
        if run.role == "resolver":
            assert "patch" in run.brief.context[-1][1]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_conflict_before_ci_begins_goes_to_a_resolver_too(kit: Any, seed: int) -> None:
    """GitHub starts no workflow for a pull request that does not merge: waiting for a person would help nobody."""
    sim = kit.Sim(seed)
    sim.plans = kit.planner_of(kit.task("a"), kit.task("b"))
    sim.blocked = {"5-1/r/b"}
    sim.label()
    sim.run()
    assert sim.root.state == "done"
    assert [run.role for run in sim.asked(a.RunAttempt) if run.brief.goal.title == "Make b"] == ["worker", "resolver"]


def test_a_large_slice_is_shown_in_parts(kit: Any) -> None:
    sim = kit.Sim(config=RepoConfig(approve="never", merge=Merge(who="when_green"), limits=Limits(review_lines=15)))
    sim.plans = kit.planner_of(*(kit.task(f"t{i}", after=(f"t{i - 1}",) if i else ()) for i in range(5)))
    sim.label()
    sim.run()
    assert sim.root.state == "done"
    assert len([p for p in sim.pulls.values() if p["merged"] and p["base"] == "main"]) >= 2
    sim.assert_silence()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_task_that_builds_on_a_sub_planner_finds_its_work_on_the_slice(kit: Any, seed: int) -> None:
    sim = kit.Sim(seed)
    sim.plans = kit.by_goal(
        {
            "Goal": kit.planner_of(kit.task("early"), kit.sub("left"), kit.task("last", after=("early", "left"))),
            "Own left": kit.planner_of(kit.task("l1")),
        }
    )
    sim.label()
    sim.run()
    assert sim.root.state == "done"
    sim.assert_silence()
    acts = [act for _, act in sim.done]
    refreshed = next(i for i, act in enumerate(acts) if isinstance(act, a.BuildCandidate) and act.target == "main")
    last = next(
        i for i, act in enumerate(acts) if isinstance(act, a.RunAttempt) and act.brief.goal.title == "Make last"
    )
    assert refreshed < last


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_tasks_may_land_on_the_target_one_by_one(kit: Any, seed: int) -> None:
    sim = kit.Sim(seed, RepoConfig(approve="never", land="task", merge=Merge(who="when_green")))
    sim.plans = kit.planner_of(kit.task("a"), kit.task("b", after=("a",)), kit.task("c"))
    sim.label()
    sim.run()
    assert sim.root.state == "done"
    sim.assert_silence()
    assert sorted(p["base"] for p in sim.pulls.values()) == ["main"] * 3
    assert not sim.asked(a.EnsureBranch)
