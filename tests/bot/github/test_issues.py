"""Issues, comments, labels and configuration on a real GitHub: each is found before it is made, and rewritten in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.contract import Hold
from planner.actions import (
    CloseIssue,
    FileIssue,
    LinkDependency,
    PostPreview,
    ReadConfig,
    RefreshStatus,
    Say,
    SetLabels,
    UpdateIssue,
)
from planner.events import (
    ConfigInvalid,
    ConfigRead,
    IssueFiled,
    PreviewPosted,
)
from planner.facts import Goal, Usage
from planner.model import Address
from planner.plan import AddTask, Plan
from planner.policy import Limits
from planner.view import PlannerView

Pushed = Callable[..., str]
ISSUES = "/repos/ada/sample/issues"
ADD = AddTask(op="add_task", id="a", title="Add a", goal="g", acceptance=("true",), paths=("a.txt",))


@pytest.fixture
def planner(stage: Any) -> PlannerView:
    key = f"{stage.scope.tree}/r"
    view = PlannerView(
        key=key, title="Grow", state="preview", number=1, parent=None, started_by="ada", target="main", summary="",
        turn=1, children=(), done=0, plan=Plan(summary="One.", scratchpad="", operations=(ADD,)), plan_hash="h1",
        waiting=(), pull=None, pulls=(), reason=None, held=(), usage=Usage(), limits=Limits(), verdict=None, evidence=(),
    )  # fmt: skip
    stage.views[key] = view
    return view


def comments(stage: Any, number: int = 1) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.hub.api("GET", f"{ISSUES}/{number}/comments")
    return found


def file(key: str, child: str, **more: Any) -> FileIssue:
    goal = Goal(title=f"Do {child}", body="Well.", acceptance=("true",), paths=("a.txt",))
    return FileIssue(key=key, child=f"t/r/{child}", child_id=child, kind="task", parent_number=1, parent_issue_id=0,
                     goal=goal, **more)  # fmt: skip


def test_a_sub_issue_is_filed_once(stage: Any, root: int) -> None:
    filed = stage.event(file("f1", "a"))
    assert isinstance(filed, IssueFiled)
    assert stage.event(file("f1", "a"), maybe_done=True) == filed
    (sub,) = stage.hub.api("GET", f"{ISSUES}/1/sub_issues")
    assert (sub["number"], sub["title"], sub["user"]["login"]) == (filed.number, "Do a", "branchwork[bot]")
    assert sub["body"].startswith("Nothing for you to do: part of #1, a worker takes it.\n\nWell.")
    other = stage.event(file("f2", "b", depends_on=("a",)))
    link = LinkDependency(number=other.number, blocker_id=filed.issue_id)
    stage.perform(link)
    stage.perform(link)
    (blocker,) = stage.hub.api("GET", f"{ISSUES}/{other.number}/dependencies/blocked_by")
    assert blocker["number"] == filed.number


def test_a_sub_issue_that_was_made_but_not_linked_is_found(stage: Any, root: int) -> None:
    filed = stage.event(file("f1", "a"))
    stage.hub.api("DELETE", f"{ISSUES}/1/sub_issue", {"sub_issue_id": filed.issue_id})
    assert stage.event(file("f1", "a"), maybe_done=True) == filed
    assert len(stage.hub.api("GET", f"{ISSUES}/1/sub_issues")) == 1
    assert stage.pauses == [1.5]


def test_an_issue_is_rewritten_and_closed_in_place(stage: Any, root: int) -> None:
    filed = stage.event(file("f1", "a"))
    update = UpdateIssue(number=filed.number, goal=Goal(title="Do a well", body="New."), note="asked by ada")
    stage.perform(update)
    once = stage.hub.api("GET", f"{ISSUES}/{filed.number}")["body"]
    stage.perform(update, maybe_done=True)
    assert stage.hub.api("GET", f"{ISSUES}/{filed.number}")["body"] == once, "done again after a crash: the same"
    stage.perform(CloseIssue(number=filed.number, reason="not_planned", note="not needed"))
    stage.perform(CloseIssue(number=filed.number, reason="completed"))
    issue = stage.hub.api("GET", f"{ISSUES}/{filed.number}")
    assert (issue["title"], issue["state"], issue["state_reason"]) == ("Do a well", "closed", "not_planned")
    assert issue["body"].startswith("Nothing for you to do: not needed\n\nChanged: asked by ada")
    assert stage.event(file("f1", "a"), maybe_done=True) == filed, "its marker is still there"


def test_one_status_comment(stage: Any, root: int, planner: PlannerView) -> None:
    refresh = RefreshStatus(key="s1", number=1)
    stage.perform(refresh)
    stage.views[planner.key] = planner.model_copy(update={"summary": "Newer."})
    stage.deps.known_comments.clear()
    stage.perform(refresh.model_copy(update={"key": "s2"}))
    (comment,) = comments(stage)
    assert "Newer." in comment["body"]
    stage.hub.api("DELETE", f"/repos/ada/sample/issues/comments/{comment['id']}")
    stage.perform(refresh.model_copy(update={"key": "s3"}))
    assert len(comments(stage)) == 1


def test_a_preview_is_posted_once_and_replaced_by_a_newer(stage: Any, root: int, planner: PlannerView) -> None:
    post = PostPreview(key="p1", number=1, plan_hash="h1")
    posted = stage.event(post)
    assert isinstance(posted, PreviewPosted)
    assert stage.event(post, maybe_done=True) == posted
    stage.views[planner.key] = planner.model_copy(update={"plan_hash": "h2"})
    assert stage.perform(post.model_copy(update={"key": "p0"})).events == (), "a plan that is no more is not shown"
    stage.event(PostPreview(key="p2", number=1, plan_hash="h2"))
    old, new = comments(stage)
    assert old["body"].startswith("Replaced: a newer plan is below.")
    assert "- [ ] Approve this plan (`h2`)" in new["body"]


def test_words_that_notify_come_once(stage: Any, root: int) -> None:
    say = Say(key="y1", number=1, text="parked", facts={"login": "ada", "reason": "CI never started"})
    stage.perform(say)
    stage.perform(say, maybe_done=True)
    (comment,) = comments(stage)
    assert comment["body"].startswith("@ada, this waits for you: CI never started.")


def test_labels_show_the_state(stage: Any, root: int) -> None:
    stage.hub.api("POST", f"{ISSUES}/1/labels", {"labels": ["bug"]})
    for state in ("planning", "running", "running", "done"):
        stage.perform(SetLabels(number=1, state=state))
    assert sorted(label["name"] for label in stage.hub.api("GET", f"{ISSUES}/1/labels")) == ["branchwork:done", "bug"]


def test_the_configuration_is_read_with_its_profile(stage: Any, root: int, pushed: Pushed) -> None:
    tree = Address(kind="tree", key=stage.scope.tree)
    read = stage.event(ReadConfig(), tree)
    assert isinstance(read, ConfigRead)
    assert (read.target, read.config.approve) == ("main", "root")
    pushed("main", {".github/branchwork.yml": "profiles: {fast: {approve: never}}\n"})
    stage.hub.api("POST", f"{ISSUES}/1/labels", {"labels": ["branchwork-profile:fast"]})
    assert stage.event(ReadConfig(), tree).config.approve == "never"
    pushed("main", {".github/branchwork.yml": "aprove: never\n"})
    invalid = stage.event(ReadConfig(), tree)
    assert isinstance(invalid, ConfigInvalid)
    assert "Did you mean `approve`?" in invalid.problems[0]


def test_a_suspended_installation_holds(stage: Any, root: int) -> None:
    stage.hub.api("POST", f"/_localhub/installations/{stage.scope.installation}", {"action": "suspend"})
    with pytest.raises(Hold) as held:
        stage.perform(Say(number=1, text="help"))
    assert held.value.kind == "suspended"
    stage.hub.api("POST", f"/_localhub/installations/{stage.scope.installation}", {"action": "unsuspend"})
    stage.perform(Say(number=1, text="help"))
