"""What a plan may not say, and how things are named and scheduled."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from planner.keys import slice_branch, slug, task_branch, train_branch
from planner.model import Person
from planner.plan import Known, Plan, problems
from planner.policy import Merge, Overrides, RepoConfig, may_command
from planner.pull import Pull, decide, matches_any
from planner.schedule import Ready, choose, overlap


def plan(*operations: dict[str, Any]) -> Plan:
    return Plan.model_validate({"summary": "s", "scratchpad": "", "operations": list(operations)})


def known(ident: str, ended: bool = False, seq: int = 0, **more: Any) -> dict[str, Known]:
    facts = {"id": ident, "title": f"Make {ident}", "paths": (f"{ident}.py",), "depends_on": ()} | more
    return {ident: Known.model_validate(facts | {"ended": ended, "seq": seq})}


def check(the_plan: Plan, children: dict[str, Known] | None = None, **more: Any) -> tuple[str, ...]:
    return problems(the_plan, children or {}, **({"depth": 1, "max_depth": 4} | more))


def test_a_sound_plan_has_no_problems(kit: Any) -> None:
    assert check(plan(kit.task("a"), kit.task("b", after=("a",)), kit.sub("c", after=("b",)))) == ()


@pytest.mark.parametrize(
    ("operations", "children", "said"),
    [
        ([("task", "a", {"after": ("zz",)})], {}, "add 'a': depends_on 'zz' is no child of yours"),
        ([("task", "a", {})], known("a"), "add 'a': this id exists already; choose another"),
        ([("task", "a", {"acceptance": []})], {}, "add 'a': acceptance is missing; give at least one command"),
        ([("task", "a", {"paths": []})], {}, "add 'a': paths is empty; name the files or folders it changes"),
        (
            [("task", "b", {"title": "Make the a", "paths": ["a.py"]})],
            known("a"),
            "add 'b': nearly the same as 'a' (Make a); give duplicate_reason or drop it",
        ),
        (
            [("task", "a", {"after": ("b",)}), ("task", "b", {"after": ("a",)})],
            {},
            "depends_on goes round in a circle: a → b → a",
        ),
    ],
)
def test_problems_are_sentences(
    kit: Any, operations: list[tuple[str, str, dict[str, Any]]], children: dict[str, Known], said: str
) -> None:
    ops = [kit.task(ident, **more) for _, ident, more in operations]
    assert said in check(plan(*ops), children)


def test_operations_on_children(kit: Any) -> None:
    cancel = {"op": "cancel", "id": "a", "reason": "not needed"}
    assert check(plan(cancel)) == ("cancel 'a': there is no such child; known: none",)
    assert check(plan(cancel), known("a", ended=True)) == ("cancel 'a': it has ended already",)
    assert check(plan(cancel), known("a", seq=5), saw=4) == (
        "cancel 'a': it changed while you were planning; look again",
    )
    assert check(plan(cancel), known("a", seq=4), saw=4) == ()
    claim = {"op": "claim_done", "evidence": "x"}
    assert check(plan(claim), known("a")) == ("claim_done: children still open: a",)
    assert check(plan(claim, cancel), known("a")) == ("claim_done: must be the only operation",)
    deep = check(plan(kit.sub("c")), depth=4)
    assert deep == ("add_subplanner: the tree may be 4 planners deep and you are at 4; add tasks instead",)


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(ValidationError, match="op"):
        plan({"op": "merge_everything"})


def test_names_of_branches() -> None:
    assert slice_branch(7, "1-7/r") == "branchwork/7/slice"
    assert slice_branch(7, "1-7/r/parser") == "branchwork/7/parser/slice"
    assert task_branch(7, "1-7/r/parser/lexer", "Add the Lexer!", 1) == "branchwork/7/parser/t-lexer-add-the-lexer"
    assert task_branch(7, "1-7/r/x", "Añadir", 2).endswith("-2")
    assert train_branch(7, "1-7/r/parser") == "branchwork/7/parser/train"


@given(st.text(max_size=200))
def test_slugs_are_safe(text: str) -> None:
    made = slug(text)
    assert made
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not made.startswith("-")
    assert not made.endswith("-")


def ready(node: str, *paths: str, priority: int = 0, order: int = 0, passed: int = 0) -> Ready:
    return Ready(node=node, paths=paths, priority=priority, order=order, passed_over=passed)


def test_schedule_prefers_what_does_not_overlap() -> None:
    started, rest = choose([ready("a", "x.py"), ready("b", "y.py", order=1)], [("x.py",)], 2)
    assert started == ["b"]
    assert [r.node for r in rest] == ["a"]
    assert rest[0].passed_over == 1
    assert choose([ready("a", "x.py")], [("x.py",)], 2)[0] == ["a"], "overlap alone holds nobody up"
    assert choose([ready("a", "x.py", passed=5), ready("b", "y.py", order=1)], [("x.py",)], 2)[0] == ["a", "b"]
    assert choose([ready("a"), ready("b", priority=3)], [], 1)[0] == ["b"]


def test_overlap_of_folders() -> None:
    assert overlap(["src/"], ["src/a.py"])
    assert not overlap(["src"], ["src/a.py"])
    assert not overlap(["a.py"], ["b.py"])


@given(st.integers(0, 6), st.lists(st.sampled_from(["a.py", "b.py", "c/"]), max_size=8))
def test_schedule_never_passes_the_slots_and_loses_nobody(slots: int, paths: list[str]) -> None:
    tasks = [ready(f"t{i}", p, order=i) for i, p in enumerate(paths)]
    started, rest = choose(tasks, [], slots)
    assert len(started) <= slots
    assert sorted(started + [r.node for r in rest]) == sorted(t.node for t in tasks)
    assert bool(started) == bool(slots and tasks)


def test_a_pull_request_towards_the_target() -> None:
    pull = Pull(number=3, head="h", base="main", sha="s1", checks="green", verified=True)
    when_approved = Merge(who="when_approved")
    assert decide(Pull(number=3, head="h", base="main", sha="s1"), when_approved) == "wait_for_proof"
    assert decide(pull, when_approved) == "leave_draft"
    pull = pull.model_copy(update={"ready": True})
    assert decide(pull, when_approved) == "wait_for_people"
    assert decide(pull.approve("ann", "s0"), when_approved) == "wait_for_people", "an approval of another head"
    assert decide(pull.approve("ann", "s1"), when_approved) == "land"
    assert decide(pull.approve("ann", "s1"), Merge(who="when_approved", approvals=2)) == "wait_for_people"
    assert decide(pull, Merge(who="when_green")) == "land"
    assert decide(pull, Merge(who="when_green", people_for=("db/**",)), ("db/one.sql",)) == "wait_for_people"
    assert decide(pull, Merge(who="people")) == "wait_for_people"
    moved = pull.approve("ann", "s1").merged_base("s2")
    assert moved.approved_by() == {"ann"}, "a clean merge of the base keeps the approval"
    assert pull.approve("ann", "s1").at("s2").approved_by() == set()


def test_globs() -> None:
    assert matches_any(("a/b/c.sql",), ("a/**",))
    assert not matches_any(("a/b/c.sql",), ("a/*",))
    assert matches_any(("x.py",), ("*.py",))


def test_who_may_command() -> None:
    config = RepoConfig(bots=(42,))
    assert may_command(Person(login="w", id=1, permission="write"), config)
    assert not may_command(Person(login="t", id=1, permission="triage"), config)
    assert not may_command(Person(login="x[bot]", id=1, permission="admin", app_id=7), config)
    assert may_command(Person(login="x[bot]", id=1, app_id=42), config)


def test_profiles_override() -> None:
    config = RepoConfig(profiles={"careful": Overrides(approve="every")})
    assert config.with_profile("careful").approve == "every"
    with pytest.raises(KeyError):
        config.with_profile("fast")
