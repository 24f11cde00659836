"""Conversations with the bot: people label, tick, comment and review; then we read what GitHub shows."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("scenarios-loop")
GROWN = {
    "calc/sub.py": "def sub(a, b):\n    return a - b\n",
    "calc/mul.py": "def mul(a, b):\n    return a * b\n",
}
NEGATE = {"calc/neg.py": "def neg(a):\n    return -a\n"}
TARGET = GROWN | NEGATE
SCRIPT = {"roots": [{"title": "Negate", "only": list(NEGATE)}], "max_files": 1}
PREVIEW = {"approve": "root"}


def test_a_labelled_issue_becomes_merged_pull_requests(world: Any) -> None:
    number = world.open()
    world.label(number)
    world.closed(number)
    assert world.issue(number)["state_reason"] == "completed"
    came = {path: entry.data.decode() for path, entry in world.target().items()}
    assert came == {path: entry.data.decode() for path, entry in world.files.items()} | GROWN
    children = world.ada.get(f"/issues/{number}/sub_issues")
    assert len(children) == 2
    assert all(c["state"] == "closed" for c in children)
    pulls = world.ada.pulls()
    assert len(pulls) == 3, "one for each task and the slice's"
    assert all(p["merged_at"] for p in pulls)
    assert world.branches() == {"main"}, "merged branches are deleted"
    assert len(world.comments(number)) == 2, "one status comment, edited in place, and the final report"


def test_a_goal_of_one_task_needs_no_sub_issue(world: Any) -> None:
    number = world.open("Negate", "Add neg.")
    world.label(number)
    world.closed(number)
    assert len(world.ada.pages("/issues", state="all")) == 2, "the issue and its pull request"
    (pull,) = world.ada.pulls()
    assert pull["merged_at"]
    assert pull["base"]["ref"] == "main"
    assert f"Closes #{number}" in pull["body"]


def test_a_stranger_gets_one_refusal_and_nothing_moves(world: Any) -> None:
    number = world.open()
    # labelling needs triage on GitHub: a stranger cannot; somebody with triage can label, but not start a tree
    triage = {"full_name": world.full_name, "collaborators": {"mallory": "triage"}, "auto_init": False}
    world.admin("/seed", {"repositories": [triage]})
    world.label(number, who="mallory")
    world.until(lambda: world.comments(number), "the refusal")
    world.quiet()
    (refusal,) = world.comments(number)
    assert "@mallory" in refusal
    assert "write" in refusal
    world.unlabel(number)
    world.label(number, who="mallory")
    world.quiet()
    assert len(world.comments(number)) == 1
    assert world.issue(number)["state"] == "open"


def test_an_invalid_configuration_is_answered_on_the_issue(make_world: Any) -> None:
    world = make_world(config="merge:\n  who: when_gren\nlimitz: {}\n")
    number = world.open()
    world.label(number)
    (answer,) = world.until(lambda: world.comments(number), "the answer")
    assert ".github/branchwork.yml" in answer
    assert "line 2" in answer
    assert "when_green" in answer
    assert "limitz" in answer
    (tree,) = world.trees()
    assert tree["state"] == "misconfigured"


def test_nothing_is_created_before_a_person_approves(make_world: Any) -> None:
    world = make_world(config=PREVIEW)
    number = world.open()
    world.label(number)
    preview = world.until(
        lambda: next((c for c in world.ada.comments(number) if "- [ ] Approve" in c["body"]), None), "the preview"
    )
    world.quiet()
    assert world.ada.get(f"/issues/{number}/sub_issues") == []
    assert world.ada.pulls() == []
    assert world.branches() == {"main"}
    assert preview["body"].index("1. ") < preview["body"].index("```mermaid"), "the plain list comes first"
    world.comment(number, "/branchwork approve", who="mallory")
    world.quiet()
    assert world.ada.get(f"/issues/{number}/sub_issues") == [], "a stranger's approval is none"
    world.tick(preview, who="bob")
    world.closed(number)


def test_approval_by_command_and_a_misspelt_one(make_world: Any) -> None:
    world = make_world(config=PREVIEW)
    number = world.open()
    world.label(number)
    world.until(lambda: [c for c in world.comments(number) if "- [ ] Approve" in c], "the preview")
    world.comment(number, "/branchwork aprove")
    said = world.until(lambda: [c for c in world.comments(number) if "did you mean" in c.lower()], "a hint")
    assert "approve" in said[0]
    world.comment(number, "Fine.\n\n/branchwork approve")
    world.closed(number)


def test_people_talking_to_each_other_are_left_alone(world: Any) -> None:
    number = world.open()
    world.comment(number, "bob, what do you think?")
    world.comment(number, "> /branchwork approve\n\n```\n/branchwork stop\n```", who="bob")
    world.quiet()
    assert len(world.comments(number)) == 2
    assert world.trees() == []
