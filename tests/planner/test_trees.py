"""Whole trees, driven by events in many orders: everything declared ends, and the tree ends in silence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import actions as a
from planner import events as e
from planner.facts import Diffstat, Report, Usage
from planner.judge import Verdict
from planner.model import Address
from planner.policy import Limits, Merge, RepoConfig


def tree_plans(kit: Any) -> Any:
    return kit.by_goal(
        {
            "Goal": kit.planner_of(kit.sub("left"), kit.sub("right")),
            "Own left": kit.planner_of(kit.task("l1"), kit.task("l2", after=("l1",)), kit.task("l3")),
            "Own right": kit.planner_of(kit.task("r1"), kit.task("r2"), kit.task("r3", after=("r1", "r2"))),
        }
    )


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_two_sub_planners_end_in_silence(kit: Any, seed: int) -> None:
    sim = kit.Sim(seed)
    sim.plans = tree_plans(kit)
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
    sim.plans = tree_plans(kit)
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


def test_preview_waits_for_someone_who_may_write(kit: Any) -> None:
    sim = kit.Sim(config=RepoConfig(merge=Merge(who="when_green")))
    sim.plans = tree_plans(kit)
    sim.label()
    sim.run()
    assert sim.root.state == "preview"
    assert len(sim.issues) == 1, "nothing is created before the approval"
    sim.post(sim.root.me, e.Approved(by=kit.mallory, plan_hash=sim.root.plan_hash))
    sim.run()
    assert sim.root.state == "preview"
    sim.post(sim.root.me, e.Approved(by=kit.alice, plan_hash="another"))
    sim.run()
    assert sim.root.state == "preview"
    sim.post(sim.root.me, e.Approved(by=kit.alice, plan_hash=sim.root.plan_hash))
    sim.run()
    assert sim.root.state == "done"
    sim.assert_silence()


@pytest.mark.parametrize("times", [1, 3])
def test_a_stranger_gets_one_refusal(kit: Any, sim: Any, times: int) -> None:
    for _ in range(times):
        sim.label(by=kit.mallory)
        sim.run()
    assert sim.comments == [(1, "refused")]
    sim.plans = kit.planner_of(kit.task("only"))
    sim.label()
    sim.run()
    assert sim.root.state == "done"


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), when=st.integers(0, 120))
def test_a_redirect_orphans_nobody(kit: Any, seed: int, when: int) -> None:
    """Words in mid-run, at any moment: one child is cancelled, one is added, the rest is kept."""
    sim = kit.Sim(seed)

    def left(given: dict[str, Any]) -> dict[str, Any]:
        children = {c["id"]: c["state"] for c in given["children"]}
        if any(n["what"] == "redirect" for n in given["news"]):
            new = [kit.task("extra")] if "extra" not in children else []
            gone = (
                [{"op": "cancel", "id": "l2", "reason": "asked for"}]
                if children.get("l2") not in (None, "landed", "done", "cancelled")
                else []
            )
            if not children:
                return {"operations": [kit.task("l1"), kit.task("extra")]}
            return {"operations": [*new, *gone] or [{"op": "keep_waiting", "waiting_for": "x"}]}
        return kit.planner_of(kit.task("l1"), kit.task("l2", after=("l1",)), kit.task("l3"))(given)

    sim.plans = kit.by_goal(
        {
            "Goal": kit.planner_of(kit.sub("left"), kit.sub("right")),
            "Own left": left,
            "Own right": kit.planner_of(kit.task("r1"), kit.task("r2")),
        }
    )
    sim.label()
    steps = iter(range(when))
    sim.run(until=lambda: next(steps, None) is None)
    key = Address(kind="planner", key="5-1/r/left")
    known = sim.states.get(key)
    ended = known is not None and known.state in ("done", "cancelled")
    if known is not None and not ended:
        sim.post(key, e.Said(by=kit.alice, number=known.number, comment_id=5, words="please do it otherwise"))
    sim.run()
    assert sim.root.state == "done", sim.root.reason
    sim.assert_silence()
    declared = {c.id for c in sim.get("planner", "5-1/r/left").children}
    if known is not None and not ended:
        assert "extra" in declared
        assert sim.comments.count((known.number, "redirect")) == 1
    for child in sim.get("planner", "5-1/r/left").children:
        assert child.ended


def test_review_of_a_slice_goes_to_the_task_that_owns_the_file(kit: Any) -> None:
    sim = kit.Sim(config=RepoConfig(approve="never", merge=Merge(who="when_approved")))
    sim.plans = kit.planner_of(kit.task("a", "a.py"), kit.task("b", "b.py"))
    sim.label()
    sim.run()
    root = sim.root
    assert root.state == "slice"
    assert root.pull.ready
    comment = kit.comment(id=3, path="b.py", line=4, body="name the unit")
    review = e.Reviewed(by=kit.alice, pull=root.pull.number, review_id=8, state="changes_requested",
                        sha=root.pull.sha, body="", comments=(comment,))  # fmt: skip
    sim.post(root.me, review)
    sim.run()
    assert sim.get("task", "5-1/r/b").attempt == 2
    assert sim.get("task", "5-1/r/a").attempt == 1
    answers = sim.asked(a.AnswerReview)
    assert [(x.pull, x.comments) for x in answers] == [(root.pull.number, (comment,))]
    assert sim.root.state == "slice", "the old approval does not carry over"
    stale = review.model_copy(update={"state": "approved", "review_id": 9, "comments": ()})
    sim.post(root.me, stale)
    sim.run()
    assert sim.root.state == "slice", "an approval of an old head does not land a new one"
    sim.post(root.me, stale.model_copy(update={"review_id": 10, "sha": sim.root.pull.sha}))
    sim.run()
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


def test_a_large_slice_is_shown_in_parts(kit: Any) -> None:
    sim = kit.Sim(config=RepoConfig(approve="never", merge=Merge(who="when_green"), limits=Limits(review_lines=15)))
    sim.plans = kit.planner_of(*(kit.task(f"t{i}", after=(f"t{i - 1}",) if i else ()) for i in range(5)))
    sim.label()
    sim.run()
    assert sim.root.state == "done"
    assert len([p for p in sim.pulls.values() if p["merged"] and p["base"] == "main"]) >= 2
    sim.assert_silence()


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


def test_when_the_time_is_over_nothing_new_starts(kit: Any) -> None:
    sim = kit.Sim(config=RepoConfig(approve="never", merge=Merge(who="when_green"), limits=Limits(hours=1)))
    sim.plans = tree_plans(kit)
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
