"""Pull requests on a real GitHub: opened once, described in place, merged at the head that was meant, reviews answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.contract import GiveUp
from planner.actions import (
    AnswerReview,
    ClosePull,
    MarkReady,
    MergePull,
    OpenPull,
    PullText,
    UpdatePull,
)
from planner.events import (
    MergeRefused,
    PullMerged,
    PullOpened,
    Reviewed,
)
from planner.facts import Diffstat, Goal

Pushed = Callable[..., str]
ISSUES = "/repos/ada/sample/issues"
PULLS = "/repos/ada/sample/pulls"


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
    early = MergePull(pull=event.pull, sha=event.sha, base_sha="", method="merge", title="Add b")
    assert stage.event(early) == MergeRefused(pull=event.pull, reason="the pull request is a draft", retry=True)
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


def test_a_review_is_read_with_its_threads_and_answered(stage: Any, root: int, pushed: Pushed) -> None:
    event = opened(stage, pushed)
    stage.perform(MarkReady(pull=event.pull))
    review = stage.hub.api(
        "POST", f"{PULLS}/{event.pull}/reviews",
        {"event": "REQUEST_CHANGES", "body": "one thing", "comments": [{"path": "b.txt", "line": 1, "body": "say c"}]},
    )  # fmt: skip
    facts = {"pull": event.pull, "review_id": review["id"], "state": "changes_requested", "sha": event.sha,
             "body": "one thing"}  # fmt: skip
    ((_, ident, reviewed),) = stage.vet("reviewed", "ada", **facts).events
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
