"""Pull requests: drafts that are found before they are opened, texts from evidence, merges that look again first."""

from __future__ import annotations

from bot import pulltext
from bot.contract import ActionRow, GiveUp, Performed
from bot.github.errors import NotFound, Refused
from bot.github.gateway import Gateway
from bot.github.values import Pull
from bot.perform.context import MARKER, Deps, keep_marker, result
from planner.actions import AnswerReview, ClosePull, MarkReady, MergePull, OpenPull, UpdatePull
from planner.events import MergeRefused, PullMerged, PullOpened


def open_pull(deps: Deps, row: ActionRow, action: OpenPull) -> Performed:
    gateway = deps.gateway(row)
    found = None
    if row.maybe_done:
        found = _opened(deps, row, gateway, action)
        if found is None:
            deps.pause(deps.timing.again)
            found = _opened(deps, row, gateway, action)
    if found is None:
        body = pulltext.pull_body(action.text)
        body += deps.mark(row, "pull", row.scope.root, node=row.owner.key, base=action.base)
        try:
            found = gateway.pulls.create(action.title, action.head, action.base, body)
        except Refused as error:
            found = _opened(deps, row, gateway, action)
            if found is None:
                raise GiveUp(f"no pull request from {action.head} to {action.base}: {error}") from error
    return result(row, PullOpened(pull=found.number, sha=found.head.sha))


def _opened(deps: Deps, row: ActionRow, gateway: Gateway, action: OpenPull) -> Pull | None:
    """The open one with this head and base, or the one that this action made, even if it is merged by now."""
    for pull in gateway.pulls.by_head(action.head):
        if deps.is_mine(row, pull.body):
            return pull
        ours = deps.marks.read(row.scope.repo_id, pull.body) is not None
        if ours and pull.state == "open" and pull.base.ref == action.base:
            return pull
    return None


def update_pull(deps: Deps, row: ActionRow, action: UpdatePull) -> Performed:
    gateway = deps.gateway(row)
    pull = gateway.pulls.get(action.pull)
    body = keep_marker(pull.body, pulltext.pull_body(action.text))
    if body != pull.body:
        gateway.pulls.edit(action.pull, body=body)
    return Performed()


def mark_ready(deps: Deps, row: ActionRow, action: MarkReady) -> Performed:
    gateway = deps.gateway(row)
    pull = gateway.pulls.get(action.pull)
    if pull.state != "open":
        return Performed(note="it is closed")
    gateway.pulls.mark_ready(pull)
    if action.reviewer and not gateway.pulls.request_review(action.pull, action.reviewer):
        return Performed(note=f"GitHub takes no review request for {action.reviewer}")
    return Performed()


def close_pull(deps: Deps, row: ActionRow, action: ClosePull) -> Performed:
    gateway = deps.gateway(row)
    pull = gateway.pulls.get(action.pull)
    if pull.state != "open":
        return Performed(note="closed already")
    rest = MARKER.sub("", pull.body or "").strip()
    body = keep_marker(pull.body, f"Nothing for you to do: closed, {action.reason}\n\n{rest}")
    gateway.pulls.edit(action.pull, state="closed", body=body)
    return Performed()


def answer_review(deps: Deps, row: ActionRow, action: AnswerReview) -> Performed:
    gateway = deps.gateway(row)
    body = pulltext.review_reply(action.sha, action.task_pull, action.task_title)
    if action.comments:
        answered = {c.in_reply_to_id for c in gateway.pulls.line_comments(action.pull) if deps.is_mine(row, c.body)}
        for comment in action.comments:
            if comment.id not in answered:
                marker = deps.mark(row, "reply", action.pull, comment=comment.id)
                gateway.pulls.reply(action.pull, comment.id, body + marker)
        wanted = {comment.id for comment in action.comments}
        for thread in gateway.pulls.threads(action.pull):
            if not thread.resolved and thread.first_comment in wanted:
                gateway.pulls.resolve(thread.id)
    gateway.pulls.request_review(action.pull, action.reviewer)
    return Performed()


def merge_pull(deps: Deps, row: ActionRow, action: MergePull) -> Performed:
    """The deciding state is read again: head, base and openness are what they were when it was decided."""
    gateway = deps.gateway(row)
    pull = gateway.pulls.get(action.pull)
    if pull.is_merged:
        return result(row, PullMerged(pull=action.pull, merge_sha=pull.merge_commit_sha or ""))
    if pull.state != "open":
        return _refused(row, action, "the pull request was closed", retry=False)
    if pull.draft:  # what makes it ready may come after this; or a person has made it a draft again
        return _refused(row, action, "the pull request is a draft", retry=True)
    if pull.head.sha != action.sha:
        return _refused(row, action, "its head moved", retry=True)
    if gateway.branch_sha(pull.base.ref) != action.base_sha:
        return _refused(row, action, f"{pull.base.ref} moved", retry=True)
    try:
        title = f"{action.title} (#{action.pull})"
        sha = gateway.pulls.merge(action.pull, action.sha, action.method, title, "")
    except NotFound as error:
        return _refused(row, action, str(error), retry=False)
    except Refused as error:
        again = gateway.pulls.get(action.pull)
        if again.is_merged:
            return result(row, PullMerged(pull=action.pull, merge_sha=again.merge_commit_sha or ""))
        return _refused(row, action, str(error), retry=error.status == 409)
    return result(row, PullMerged(pull=action.pull, merge_sha=sha))


def _refused(row: ActionRow, action: MergePull, reason: str, *, retry: bool) -> Performed:
    return result(row, MergeRefused(pull=action.pull, reason=reason, retry=retry))
