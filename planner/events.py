"""Everything that can happen. An event's id comes from the fact (see `planner.keys`), never from its delivery."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.facts import (
    CheckFailure,
    ChildView,
    CommandResult,
    Diffstat,
    Goal,
    Report,
    ReviewComment,
    TrainItem,
    Usage,
)
from planner.judge import Verdict
from planner.model import Address, Person, Scope, Value
from planner.plan import Plan
from planner.policy import RepoConfig

# ── what people and GitHub do ────────────────────────────────────────────────────────────────────────


class RootLabeled(Value):
    """The label was put on an issue. Goes to the (perhaps new) tree."""

    type: Literal["root_labeled"] = "root_labeled"
    scope: Scope
    issue_id: int
    title: str
    body: str
    by: Person


class ConfigRead(Value):
    """The repository's configuration and the branch that work goes to."""

    type: Literal["config_read"] = "config_read"
    config: RepoConfig
    target: str
    target_sha: str


class ConfigInvalid(Value):
    """One sentence per mistake: file, line, field and the accepted values."""

    type: Literal["config_invalid"] = "config_invalid"
    problems: tuple[str, ...]


class Approved(Value):
    """A person approved the preview with this hash (`None`: the newest, by command)."""

    type: Literal["approved"] = "approved"
    by: Person
    plan_hash: str | None


class Said(Value):
    """A comment addressed to the bot. On a planner it redirects; on a parked node it is the answer."""

    type: Literal["said"] = "said"
    by: Person
    number: int
    """the issue or pull request it stands on"""
    comment_id: int
    words: str


class RetryAsked(Value):
    type: Literal["retry_asked"] = "retry_asked"
    by: Person


class Reviewed(Value):
    """A submitted review on a pull request of ours. Approval is bound to `sha`."""

    type: Literal["reviewed"] = "reviewed"
    by: Person
    pull: int
    review_id: int
    state: Literal["approved", "changes_requested", "commented", "dismissed"]
    sha: str
    body: str
    comments: tuple[ReviewComment, ...] = ()


class PullMerged(Value):
    """GitHub says merged: by us, by a person's click, or because the head became reachable."""

    type: Literal["pull_merged"] = "pull_merged"
    pull: int
    merge_sha: str


class PullClosed(Value):
    """Closed without merging."""

    type: Literal["pull_closed"] = "pull_closed"
    pull: int
    by: Person | None = None


class IssueClosed(Value):
    type: Literal["issue_closed"] = "issue_closed"
    number: int
    by: Person | None = None


class InstallationChanged(Value):
    """To the installation, which tells its trees."""

    type: Literal["installation_changed"] = "installation_changed"
    state: Literal["active", "suspended", "removed"]


# ── what our own actions found ───────────────────────────────────────────────────────────────────────


class ActionFailed(Value):
    """An action was given up after its retries."""

    type: Literal["action_failed"] = "action_failed"
    action_type: str
    action_key: str
    reason: str


class ActionsHeld(Value):
    """Actions of this tree wait for something outside (model server, disk, quota, suspension, a cap)."""

    type: Literal["actions_held"] = "actions_held"
    cause: Literal["model", "github", "disk", "quota", "budget", "suspended"]
    reason: str


class ActionsReleased(Value):
    type: Literal["actions_released"] = "actions_released"
    cause: Literal["model", "github", "disk", "quota", "budget", "suspended"]


class PlanAnswered(Value):
    type: Literal["plan_answered"] = "plan_answered"
    turn: int
    plan: Plan
    usage: Usage
    model: str
    prompt: str
    """version of the prompt"""


class AgentFailed(Value):
    """A planner or judge gave no usable answer: `errors` are what validation said, in sentences."""

    type: Literal["agent_failed"] = "agent_failed"
    role: Literal["planner", "judge"]
    turn: int
    errors: tuple[str, ...]
    usage: Usage = Usage()


class VerdictAnswered(Value):
    type: Literal["verdict_answered"] = "verdict_answered"
    turn: int
    verdict: Verdict
    sha: str
    evidence: tuple[CommandResult, ...]
    diff: Diffstat
    """the slice against the target at `sha`"""
    usage: Usage


class PreviewPosted(Value):
    type: Literal["preview_posted"] = "preview_posted"
    comment_id: int
    plan_hash: str


class IssueFiled(Value):
    """The sub-issue of the child `child` exists."""

    type: Literal["issue_filed"] = "issue_filed"
    child: str
    number: int
    issue_id: int


class BranchReady(Value):
    type: Literal["branch_ready"] = "branch_ready"
    branch: str
    sha: str


class AttemptEnded(Value):
    """A worker's try is over. `sha` is the pushed commit on `branch`; without it there was nothing to push."""

    type: Literal["attempt_ended"] = "attempt_ended"
    attempt: int
    outcome: Literal["committed", "empty", "refused", "failed"]
    reason: str = ""
    sha: str | None = None
    base_sha: str | None = None
    diff: Diffstat = Diffstat()
    """the branch against its base"""
    patch: str = ""
    """the diff itself, cut to a bounded size, for a resolver's brief"""
    report: Report
    usage: Usage
    model: str
    prompt: str


class PullOpened(Value):
    type: Literal["pull_opened"] = "pull_opened"
    pull: int
    sha: str


class ChecksSettled(Value):
    """CI's word on one head. `absent`: the repository's workflows start nothing for it."""

    type: Literal["checks_settled"] = "checks_settled"
    sha: str
    verdict: Literal["green", "red", "absent"]
    failures: tuple[CheckFailure, ...] = ()
    runs: int = 0


class ChecksMissing(Value):
    """Workflows should have started for this head and did not within the window."""

    type: Literal["checks_missing"] = "checks_missing"
    sha: str
    reason: str


class Verified(Value):
    """The trusted side ran the commands on exactly this commit."""

    type: Literal["verified"] = "verified"
    sha: str
    results: tuple[CommandResult, ...]

    @property
    def ok(self) -> bool:
        return all(r.ok for r in self.results)


class CandidateBuilt(Value):
    """Merges of `items` on `base`; `conflicts` did not merge.

    `tested`: its tree equals that of a head whose checks were green.
    """

    type: Literal["candidate_built"] = "candidate_built"
    round: int
    base: str
    sha: str
    items: tuple[str, ...]
    conflicts: tuple[str, ...] = ()
    tested: bool = False
    gone: tuple[str, ...] = ()
    """items whose branch no longer is at the queued sha"""
    target_conflict: bool = False
    """the target's head does not merge into the branch; nothing was built"""


class BranchMoved(Value):
    type: Literal["branch_moved"] = "branch_moved"
    branch: str
    sha: str


class MoveRefused(Value):
    """The branch was not where it was expected (somebody pushed), or GitHub refused; build again."""

    type: Literal["move_refused"] = "move_refused"
    branch: str
    reason: str


class HeadPrepared(Value):
    """A pull request for people contains its base's head now. `sha` is its head; `conflict` when it could not."""

    type: Literal["head_prepared"] = "head_prepared"
    pull: int
    sha: str
    base_sha: str
    changed: bool = False
    conflict: bool = False


class MergeRefused(Value):
    type: Literal["merge_refused"] = "merge_refused"
    pull: int
    reason: str
    retry: bool
    """the head or base moved: prepare again"""


class Tick(Value):
    """A timer that an aggregate asked for."""

    type: Literal["tick"] = "tick"
    name: str


# ── what aggregates tell each other ──────────────────────────────────────────────────────────────────


class BeginPlanner(Value):
    type: Literal["begin_planner"] = "begin_planner"
    scope: Scope
    config: RepoConfig
    goal: Goal
    parent: str | None
    """key of the parent planner; None at the root"""
    id: str
    depth: int
    number: int
    issue_id: int
    target: str
    started_by: Person


class BeginTask(Value):
    type: Literal["begin_task"] = "begin_task"
    scope: Scope
    config: RepoConfig
    goal: Goal
    parent: str
    id: str
    number: int
    issue_id: int | None
    """None: the task lives in its planner's own issue (a plan of one task)"""
    base: str
    """branch that its pull request goes to"""
    lands_on_target: bool
    waits_for: tuple[str, ...]
    priority: int
    started_by: Person


class DependencyMet(Value):
    type: Literal["dependency_met"] = "dependency_met"
    id: str
    report: Report | None = None


class GoalChanged(Value):
    type: Literal["goal_changed"] = "goal_changed"
    goal: Goal
    reason: str


class CancelAsked(Value):
    type: Literal["cancel_asked"] = "cancel_asked"
    reason: str


class ReviseAsked(Value):
    """Review comments on the slice's pull request that concern this landed task."""

    type: Literal["revise_asked"] = "revise_asked"
    review_id: int
    by: Person
    body: str
    comments: tuple[ReviewComment, ...]


class ChildChanged(Value):
    """A child tells its planner what it is now."""

    type: Literal["child_changed"] = "child_changed"
    view: ChildView
    files: tuple[str, ...] = ()
    landed_sha: str | None = None
    revised: int | None = None
    """review id that this landing answers"""
    wake: bool = False
    """the planner should plan its next round"""


class ReachedTarget(Value):
    """The slice's change is on the target branch: the task's issue can close."""

    type: Literal["reached_target"] = "reached_target"
    pull: int


class DispatchAsked(Value):
    """A task is ready for an attempt."""

    type: Literal["dispatch_asked"] = "dispatch_asked"
    node: str
    paths: tuple[str, ...]
    priority: int
    order: int
    """number of the issue: older first"""


class DispatchWithdrawn(Value):
    type: Literal["dispatch_withdrawn"] = "dispatch_withdrawn"
    node: str


class Dispatched(Value):
    type: Literal["dispatched"] = "dispatched"


class SlotFreed(Value):
    """An attempt of this node is over."""

    type: Literal["slot_freed"] = "slot_freed"
    node: str
    usage: Usage


class Spent(Value):
    """A planner's or judge's usage, for the tree's ledger."""

    type: Literal["spent"] = "spent"
    usage: Usage


class FilingAsked(Value):
    """A planner wants to file children: the tree's cap on issues decides."""

    type: Literal["filing_asked"] = "filing_asked"
    node: str
    turn: int
    count: int


class FilingAnswered(Value):
    type: Literal["filing_answered"] = "filing_answered"
    turn: int
    granted: bool
    reason: str = ""


class LandAsked(Value):
    """To a train: this pull request may land."""

    type: Literal["land_asked"] = "land_asked"
    scope: Scope
    branch: str
    target: str
    """the repository's target branch"""
    mode: Literal["slice", "target"]
    method: Literal["merge", "squash", "rebase"]
    test: str | None
    item: TrainItem


class RefreshAsked(Value):
    """To a slice's train: bring the slice up to date with the target, where `ids` have arrived."""

    type: Literal["refresh_asked"] = "refresh_asked"
    scope: Scope
    branch: str
    target: str
    planner: str
    """key of the slice's planner"""
    method: Literal["merge", "squash", "rebase"]
    test: str | None
    ids: tuple[str, ...]


class SliceRefreshed(Value):
    """The slice holds what `ids` brought to the target; with `reason` it could not be done."""

    type: Literal["slice_refreshed"] = "slice_refreshed"
    sha: str
    ids: tuple[str, ...]
    reason: str = ""


class TrainHeld(Value):
    """A part of the slice is with people: nothing lands on it but answers to their review."""

    type: Literal["train_held"] = "train_held"
    held: bool


class LandWithdrawn(Value):
    type: Literal["land_withdrawn"] = "land_withdrawn"
    node: str


class Landed(Value):
    type: Literal["landed"] = "landed"
    pull: int
    sha: str


class LandRefused(Value):
    """The train sends it back. `rivals`: nodes whose landed changes it conflicts with, newest last."""

    type: Literal["land_refused"] = "land_refused"
    pull: int
    cause: Literal["conflict", "red", "stale", "refused"]
    reason: str
    failures: tuple[CheckFailure, ...] = ()
    rivals: tuple[str, ...] = ()
    base_sha: str = ""


class RivalWork(Value):
    """A landed task's own account, for the resolver of a conflict with it."""

    type: Literal["rival_work"] = "rival_work"
    node: str
    goal: Goal
    report: Report | None
    patch: str


class RivalAsked(Value):
    type: Literal["rival_asked"] = "rival_asked"
    reply_to: Address


class TreeEnded(Value):
    type: Literal["tree_ended"] = "tree_ended"
    outcome: Literal["done", "stopped"]


Event = Annotated[
    RootLabeled | ConfigRead | ConfigInvalid | Approved | Said | RetryAsked | Reviewed | PullMerged | PullClosed
    | IssueClosed | InstallationChanged | ActionFailed | ActionsHeld | ActionsReleased | PlanAnswered
    | AgentFailed | VerdictAnswered | PreviewPosted | IssueFiled | BranchReady | AttemptEnded | PullOpened
    | ChecksSettled | ChecksMissing | Verified | CandidateBuilt | BranchMoved | MoveRefused | HeadPrepared
    | MergeRefused | Tick | BeginPlanner | BeginTask | DependencyMet | GoalChanged | CancelAsked | ReviseAsked
    | ChildChanged | ReachedTarget | DispatchAsked | DispatchWithdrawn | Dispatched | SlotFreed | Spent
    | FilingAsked | FilingAnswered | LandAsked | RefreshAsked | SliceRefreshed | TrainHeld | LandWithdrawn
    | Landed | LandRefused | RivalWork | RivalAsked | TreeEnded,
    Field(discriminator="type"),
]  # fmt: skip
