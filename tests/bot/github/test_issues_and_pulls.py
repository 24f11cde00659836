"""Issues, comments and pull requests on a real GitHub: each is found before it is made, and rewritten in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.contract import GiveUp, Hold
from planner.actions import (
    AnswerReview,
    CloseIssue,
    ClosePull,
    FileIssue,
    LinkDependency,
    MarkReady,
    MergePull,
    OpenPull,
    PostPreview,
    PullText,
    React,
    ReadConfig,
    RefreshStatus,
    Say,
    SetLabels,
    UpdateIssue,
    UpdatePull,
    Vet,
)
from planner.events import (
    Approved,
    ConfigInvalid,
    ConfigRead,
    IssueFiled,
    MergeRefused,
    PreviewPosted,
    PullMerged,
    PullOpened,
    Reviewed,
    RootLabeled,
    Said,
)
from planner.facts import Diffstat, Goal, Usage
from planner.model import Address
from planner.plan import AddTask, Plan
from planner.policy import Limits
from planner.view import PlannerView

Pushed = Callable[..., str]
EVE = "ghp_" + "e" * 36
ISSUES = "/repos/ada/sample/issues"
PULLS = "/repos/ada/sample/pulls"
ADD = AddTask(op="add_task", id="a", title="Add a", goal="g", acceptance=("true",), paths=("a.txt",))


@pytest.fixture
def root(stage: Any) -> int:
    """The labelled root issue; it is number 1."""
    issue = stage.hub.api("POST", ISSUES, {"title": "Grow", "body": "Please."})
    assert issue["number"] == 1
    return 1


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


def words(sha: str, closes: tuple[int, ...] = ()) -> PullText:
    return PullText(goal=Goal(title="T", body="B"), diff=Diffstat(files=("b.txt",), added=1), report=None, sha=sha,
                    checks="waiting", results=(), attempts=1, closes=closes, started_by="ada")  # fmt: skip


def opened(stage: Any, pushed: Pushed, branch: str = "branchwork/1/t-a", **more: Any) -> PullOpened:
    sha = pushed(branch, {"b.txt": "b\n"})
    event = stage.event(
        OpenPull(key="o1", head=branch, base="main", title="Add b", sha=sha, text=words(sha, (1,)), **more)
    )
    assert isinstance(event, PullOpened)
    assert event.sha == sha
    return event


def test_a_pull_request_from_draft_to_merge(stage: Any, root: int, pushed: Pushed) -> None:
    event = opened(stage, pushed)
    again = OpenPull(
        key="o1", head="branchwork/1/t-a", base="main", title="Add b", sha=event.sha, text=words(event.sha)
    )
    assert stage.event(again, maybe_done=True) == event
    assert stage.hub.api("GET", f"{PULLS}/{event.pull}")["draft"]
    text = PullText(goal=Goal(title="T", body="B"), diff=Diffstat(files=("b.txt",), added=1), report=None, sha=event.sha,
                    checks="green", results=(), attempts=1, closes=(1,), started_by="ada")  # fmt: skip
    stage.perform(UpdatePull(pull=event.pull, text=text))
    stage.perform(MarkReady(pull=event.pull, reviewer="ada"))
    pull = stage.hub.api("GET", f"{PULLS}/{event.pull}")
    assert not pull["draft"]
    assert "Closes #1" in pull["body"]
    assert [r["login"] for r in pull["requested_reviewers"]] == ["ada"]
    base = stage.gateway.branch_sha("main")
    merge = MergePull(key="m1", pull=event.pull, sha=event.sha, base_sha=base, method="merge", title="Add b")
    stale = stage.event(merge.model_copy(update={"base_sha": "0" * 40}))
    assert stale == MergeRefused(pull=event.pull, reason="main moved", retry=True)
    assert stage.event(merge.model_copy(update={"sha": "0" * 40})).retry
    merged = stage.event(merge)
    assert merged == PullMerged(pull=event.pull, merge_sha=stage.gateway.branch_sha("main"))
    assert stage.event(merge, maybe_done=True) == merged, "found before it is done again"
    assert stage.event(again, maybe_done=True) == event, "even when it is merged by now"
    assert stage.hub.api("GET", f"{ISSUES}/1")["state"] == "closed"


def test_a_pull_request_without_a_change_is_given_up(stage: Any, pushed: Pushed) -> None:
    stage.gateway.create_branch("same", stage.gateway.branch_sha("main"))
    with pytest.raises(GiveUp, match="no pull request from same to main"):
        stage.perform(OpenPull(key="o1", head="same", base="main", title="Nothing", sha="0" * 40, text=words("0" * 40)))


def test_a_pull_request_is_closed_with_its_reason(stage: Any, root: int, pushed: Pushed) -> None:
    event = opened(stage, pushed)
    stage.perform(ClosePull(pull=event.pull, reason="not needed any more"))
    stage.perform(ClosePull(pull=event.pull, reason="not needed any more"))
    pull = stage.hub.api("GET", f"{PULLS}/{event.pull}")
    assert pull["state"] == "closed"
    assert pull["body"].startswith("Nothing for you to do: closed, not needed any more")
    merge = MergePull(pull=event.pull, sha=event.sha, base_sha="", method="merge", title="T")
    assert stage.event(merge) == MergeRefused(pull=event.pull, reason="the pull request was closed", retry=False)


def vet(stage: Any, fact: str, login: str, **facts: Any) -> Any:
    to = Address(kind="planner", key=f"{stage.scope.tree}/r")
    return stage.perform(Vet(key=f"v-{fact}", to=to, fact=fact, login=login, facts={"id": "fact", **facts}))


def test_a_review_is_read_with_its_threads_and_answered(stage: Any, root: int, pushed: Pushed) -> None:
    event = opened(stage, pushed)
    stage.perform(MarkReady(pull=event.pull))
    review = stage.hub.api(
        "POST", f"{PULLS}/{event.pull}/reviews",
        {"event": "REQUEST_CHANGES", "body": "one thing", "comments": [{"path": "b.txt", "line": 1, "body": "say c"}]},
    )  # fmt: skip
    facts = {"pull": event.pull, "review_id": review["id"], "state": "changes_requested", "sha": event.sha,
             "body": "one thing"}  # fmt: skip
    ((_, ident, reviewed),) = vet(stage, "reviewed", "ada", **facts).events
    assert ident == "fact"
    assert isinstance(reviewed, Reviewed)
    assert (reviewed.by.permission, reviewed.state) == ("admin", "changes_requested")
    (comment,) = reviewed.comments
    assert (comment.path, comment.line, comment.body) == ("b.txt", 1, "say c")
    answer = AnswerReview(key="r1", pull=event.pull, review_id=review["id"], reviewer="ada", comments=(comment,),
                          sha="f" * 40, task_pull=9, task_title="Do it")  # fmt: skip
    stage.perform(answer)
    stage.perform(answer, maybe_done=True)
    replies = [c for c in stage.hub.api("GET", f"{PULLS}/{event.pull}/comments") if c.get("in_reply_to_id")]
    assert [r["body"].splitlines()[0] for r in replies] == ["Done in ffffffffff, by #9 (Do it). Please look again."]
    (thread,) = stage.gateway.pulls.threads(event.pull)
    assert thread.resolved


def test_who_may_command(stage: Any, root: int) -> None:
    said = stage.hub.api("POST", f"{ISSUES}/1/comments", {"body": "@branchwork smaller"})
    facts = {"number": 1, "comment_id": said["id"], "app_id": None, "asked": "said", "words": "smaller"}
    ((_, _, event),) = vet(stage, "commented", "ada", **facts).events
    assert isinstance(event, Said)
    assert (event.by.permission, event.words) == ("admin", "smaller")
    assert vet(stage, "commented", "eve", **facts).events == ()
    (reaction,) = stage.hub.api("GET", f"/repos/ada/sample/issues/comments/{said['id']}/reactions")
    assert reaction["content"] == "confused"
    stage.perform(React(comment_id=said["id"], content="eyes"))
    assert vet(stage, "ticked", "eve", hash="h1").events == ()
    ((_, _, approved),) = vet(stage, "ticked", "ada", hash="h1").events
    assert isinstance(approved, Approved)
    assert approved.plan_hash == "h1"
    wrong = facts | {"asked": "unknown", "words": "aprove", "did_you_mean": "approve"}
    assert vet(stage, "commented", "ada", **wrong).events == ()
    assert "Did you mean `/branchwork approve`?" in comments(stage)[-1]["body"]


def test_a_label_is_known_by_githubs_own_number(stage: Any, root: int) -> None:
    stage.hub.api("POST", f"{ISSUES}/1/labels", {"labels": ["branchwork"]})
    facts = {"issue_id": 5, "title": "Grow", "body": "Please.", "label": "branchwork"}
    ((_, first, event),) = vet(stage, "labeled", "ada", **facts).events
    assert isinstance(event, RootLabeled)
    assert first.startswith("labeled:")
    stage.hub.api("DELETE", f"{ISSUES}/1/labels/branchwork")
    stage.hub.api("POST", f"{ISSUES}/1/labels", {"labels": ["branchwork"]})
    ((_, second, _),) = vet(stage, "labeled", "ada", **facts).events
    assert second != first
    ((_, other, stranger),) = vet(stage, "labeled", "eve", **facts).events
    assert (other, stranger.by.permission) == ("fact", "read")


def test_a_suspended_installation_holds(stage: Any, root: int) -> None:
    stage.hub.api("POST", f"/_localhub/installations/{stage.scope.installation}", {"action": "suspend"})
    with pytest.raises(Hold) as held:
        stage.perform(Say(number=1, text="help"))
    assert held.value.kind == "suspended"
    stage.hub.api("POST", f"/_localhub/installations/{stage.scope.installation}", {"action": "unsuspend"})
    stage.perform(Say(number=1, text="help"))
