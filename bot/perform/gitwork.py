"""Candidates, moves and merges of branches, in the trusted mirror."""

from __future__ import annotations

from bot.contract import ActionRow, GiveUp, Performed
from bot.mirror import Mirror, PushRefused
from bot.perform.checks import read_checks
from bot.perform.context import Deps, result
from planner.actions import BuildCandidate, DeleteBranch, MoveBranch, PrepareHead
from planner.events import BranchMoved, CandidateBuilt, HeadPrepared, MoveRefused
from planner.facts import TrainItem


def build_candidate(deps: Deps, row: ActionRow, action: BuildCandidate) -> Performed:
    mirror = deps.mirrors(row.scope)
    mirror.fetch()
    base = mirror.head(action.branch)
    if base is None:
        raise GiveUp(f"the branch {action.branch} does not exist")
    head = base
    if action.target and (target := mirror.head(action.target)) and not mirror.contains(base, target):
        refreshed = mirror.merge(base, target, f"Merge {action.target} into {action.branch}\n")
        if refreshed is None:
            stuck = CandidateBuilt(round=action.round, base=base, sha=base, items=(), target_conflict=True)
            return result(row, stuck)
        head = refreshed
    merged: list[TrainItem] = []
    conflicts: list[str] = []
    gone: list[str] = []
    for item in action.items:
        if mirror.head(item.branch) != item.sha:
            gone.append(item.node)
        elif (sha := mirror.merge(head, item.sha, f"Merge #{item.pull}: {item.title}\n")) is None:
            conflicts.append(item.node)
        else:
            head = sha
            merged.append(item)
    tested = len(merged) == 1 and _tested(deps, row, mirror, base, head, merged[0])
    if head != base:
        mirror.keep(f"candidates/{action.train}", head)
        if not tested and mirror.head(action.train) != head:
            # The train's branch is ours alone and starts anew with each candidate.
            mirror.push(action.train, head, mirror.head(action.train))
    event = CandidateBuilt(
        round=action.round,
        base=base,
        sha=head,
        items=tuple(i.node for i in merged),
        conflicts=tuple(conflicts),
        tested=tested,
        gone=tuple(gone),
    )
    return result(row, event)


def _tested(deps: Deps, row: ActionRow, mirror: Mirror, base: str, candidate: str, item: TrainItem) -> bool:
    """Whether CI has seen exactly this tree already: on the head of the one pull request, which contains the base."""
    if not mirror.contains(item.sha, base) or mirror.tree(item.sha) != mirror.tree(candidate):
        return False
    return read_checks(deps.gateway(row), item.sha).verdict == "green"


def move_branch(deps: Deps, row: ActionRow, action: MoveBranch) -> Performed:
    mirror = deps.mirrors(row.scope)
    mirror.fetch()
    there = mirror.head(action.branch)
    # Found before done: a crash after the push, perhaps with more pushed on top of it since.
    if there == action.sha or (there and mirror.has(action.sha) and mirror.contains(there, action.sha)):
        return result(row, BranchMoved(branch=action.branch, sha=action.sha))
    if there != action.expect:
        return result(row, MoveRefused(branch=action.branch, reason=f"{action.branch} moved meanwhile"))
    if not mirror.has(action.sha):
        return result(row, MoveRefused(branch=action.branch, reason="the candidate is not at hand: build it again"))
    if not mirror.contains(action.sha, action.expect):
        raise GiveUp(f"{action.sha} does not contain {action.expect}: that would not be a fast-forward")
    try:
        mirror.push(action.branch, action.sha, action.expect)
    except PushRefused as error:
        return result(row, MoveRefused(branch=action.branch, reason=error.reason))
    return result(row, BranchMoved(branch=action.branch, sha=action.sha))


def delete_branch(deps: Deps, row: ActionRow, action: DeleteBranch) -> Performed:
    """A branch with a person's commit that is nowhere else stays; a push while we delete is refused by the lease."""
    mirror = deps.mirrors(row.scope)
    mirror.fetch()
    if mirror.holds_others(action.branch):
        return Performed(note="somebody else's commits are only here: left alone")
    try:
        mirror.delete(action.branch)
    except PushRefused as error:
        if not error.moved:
            raise GiveUp(f"GitHub refuses to delete {action.branch}: {error.reason}") from error
        return Performed(note="it is gone, or somebody pushed to it: left alone")
    return Performed()


def prepare_head(deps: Deps, row: ActionRow, action: PrepareHead) -> Performed:
    mirror = deps.mirrors(row.scope)
    mirror.fetch()
    head, target = mirror.head(action.branch), mirror.head(action.target)
    if head is None or target is None:
        raise GiveUp(f"the branch {action.branch if head is None else action.target} does not exist")

    def prepared(sha: str, **more: bool) -> Performed:
        return result(row, HeadPrepared(pull=action.pull, sha=sha, base_sha=target or "", **more))

    if mirror.contains(head, target):
        return prepared(head, changed=head != action.sha)
    merge = mirror.merge(head, target, f"Merge {action.target} into {action.branch}\n")
    if merge is None:
        return prepared(head, conflict=True)
    try:
        mirror.push(action.branch, merge, head)
    except PushRefused as error:
        if not error.moved:
            raise GiveUp(f"GitHub refuses the push to {action.branch}: {error.reason}") from error
        mirror.fetch()
        return prepared(mirror.head(action.branch) or head, changed=True)
    return prepared(merge, changed=True)
