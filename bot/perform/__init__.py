"""Action in, effect out: the one `match` from what a tree asks for to what is done."""

from __future__ import annotations

import shutil
from typing import assert_never

from bot.contract import ActionRow, Hold, Performed
from bot.perform import agents, attempt, checks, comments, gitwork, issues, pulls, vet
from bot.perform.context import Books, Deps, Mark, Marks, Timing, result, translated
from planner import actions as a
from planner.events import Tick

MIB = 1024 * 1024

__all__ = ["Books", "Deps", "Mark", "Marks", "Performer", "Timing"]


class Performer:
    """The engine's `perform`. Errors from outside become `Hold`, `Later` or `GiveUp`; bugs stay what they are."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def __call__(self, row: ActionRow) -> Performed:
        if row.action.queue in ("agents", "git"):
            _needs_room(self._deps)
        try:
            return perform(self._deps, row, row.action)
        except Exception as error:
            known = translated(error)
            if known is error:
                raise
            raise known from error


def _needs_room(deps: Deps) -> None:
    """Work that fills the disk does not start on one that is nearly full: the store must go on being written."""
    free = shutil.disk_usage(deps.data_dir).free
    if free < deps.min_free:
        raise Hold(
            f"the disk is nearly full: {free // MIB} MiB are free and {deps.min_free // MIB} are needed to start work; "
            "free some space",
            "disk",
        )


def perform(deps: Deps, row: ActionRow, action: a.Action) -> Performed:  # noqa: C901 - one case for each action
    """Do it, and say what was found."""
    match action:
        case a.Vet():
            return vet.vet(deps, row, action)
        case a.ReadConfig():
            return issues.read_config(deps, row)
        case a.Say():
            return comments.say(deps, row, action)
        case a.PostPreview():
            return comments.post_preview(deps, row, action)
        case a.RefreshStatus():
            return comments.refresh_status(deps, row, action)
        case a.AnswerRedirect():
            return comments.answer_redirect(deps, row, action)
        case a.FileIssue():
            return issues.file_issue(deps, row, action)
        case a.LinkDependency():
            return issues.link_dependency(deps, row, action)
        case a.UpdateIssue():
            return issues.update_issue(deps, row, action)
        case a.CloseIssue():
            return issues.close_issue(deps, row, action)
        case a.EnsureBranch():
            return issues.ensure_branch(deps, row, action)
        case a.DeleteBranch():
            return gitwork.delete_branch(deps, row, action)
        case a.OpenPull():
            return pulls.open_pull(deps, row, action)
        case a.UpdatePull():
            return pulls.update_pull(deps, row, action)
        case a.MarkReady():
            return pulls.mark_ready(deps, row, action)
        case a.ClosePull():
            return pulls.close_pull(deps, row, action)
        case a.AnswerReview():
            return pulls.answer_review(deps, row, action)
        case a.WatchChecks():
            return checks.watch(deps, row, action)
        case a.Verify():
            return checks.verify(deps, row, action)
        case a.RunPlanner():
            return agents.run_planner(deps, row, action)
        case a.RunJudge():
            return agents.run_judge(deps, row, action)
        case a.RunAttempt():
            return attempt.run_attempt(deps, row, action)
        case a.BuildCandidate():
            return gitwork.build_candidate(deps, row, action)
        case a.MoveBranch():
            return gitwork.move_branch(deps, row, action)
        case a.PrepareHead():
            return gitwork.prepare_head(deps, row, action)
        case a.MergePull():
            return pulls.merge_pull(deps, row, action)
        case a.WakeAt():
            return result(row, Tick(name=action.name))
        case a.SetLabels():
            return comments.set_labels(deps, row, action)
        case a.React():
            return comments.react(deps, row, action)
        case _:
            assert_never(action)
