"""What people do to a tree: approve, refuse, redirect, review; who is not heard."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import actions as a
from planner import events as e
from planner.model import Address
from planner.policy import Merge, RepoConfig


def test_preview_waits_for_someone_who_may_write(kit: Any) -> None:
    sim = kit.Sim(config=RepoConfig(merge=Merge(who="when_green")))
    sim.plans = kit.two_sub_planners()
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
