"""Everything a tree may ask for. `bot.perform` is the one place that does them; results return as events.

`key` is unique for ever and comes from the event that caused the action, so an action asked for twice is one.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from planner.facts import CheckFailure, CommandResult, Diffstat, Goal, Report, ReviewComment, TrainItem
from planner.model import Address, Value
from planner.policy import Commands, Limits, RoleModel

Queue = Literal["github", "agents", "git", "timer"]


class Base(Value):
    queue: ClassVar[Queue] = "github"
    key: str = ""
    """filled by `planner.step`: event id and index"""
    coalesce: str | None = None
    delay_s: float = 0


class Vet(Base):
    """→ the real event(s), with the sender's permission read from the API and what the webhook left out fetched."""

    type: Literal["vet"] = "vet"
    to: Address
    fact: str
    """which kind of fact; `bot.intake` names them"""
    login: str
    facts: dict[str, object]


class ReadConfig(Base):
    """→ ConfigRead | ConfigInvalid. `label_profile`: overrides chosen by a `<label>-profile:<name>` label."""

    type: Literal["read_config"] = "read_config"


class Say(Base):
    """One comment, which notifies: only when a person must act or the tree ends. `text` names the sentence."""

    type: Literal["say"] = "say"
    number: int
    text: Literal["refused", "config_invalid", "question", "parked", "final", "help", "unknown_command"]
    facts: dict[str, str | int | float | list[str]] = {}


class PostPreview(Base):
    """→ PreviewPosted. A new comment with the plan, its cost and a box to tick."""

    type: Literal["post_preview"] = "post_preview"
    number: int
    plan_hash: str


class RefreshStatus(Base):
    """The one status comment of a planner's issue, edited in place; the performer reads the newest state."""

    type: Literal["refresh_status"] = "refresh_status"
    number: int


class AnswerRedirect(Base):
    """One comment that says child by child what is kept, changed, cancelled and added."""

    type: Literal["answer_redirect"] = "answer_redirect"
    number: int
    comment_id: int
    summary: str
    rows: tuple[tuple[Literal["keep", "change", "cancel", "add"], str, str], ...]
    """(what, title, reason)"""


class FileIssue(Base):
    """→ IssueFiled. Creates the sub-issue under `parent_number`, finding it by its marker first."""

    type: Literal["file_issue"] = "file_issue"
    child: str
    """key of the child node"""
    child_id: str
    kind: Literal["task", "planner"]
    parent_number: int
    parent_issue_id: int
    goal: Goal
    depends_on: tuple[str, ...] = ()


class LinkDependency(Base):
    """A native `blocked_by` link."""

    type: Literal["link_dependency"] = "link_dependency"
    number: int
    blocker_id: int


class UpdateIssue(Base):
    """A child's goal changed: its body is rewritten in place."""

    type: Literal["update_issue"] = "update_issue"
    number: int
    goal: Goal
    note: str


class CloseIssue(Base):
    """→ nothing. Already closed is fine. With `note`, the body's first line says why."""

    type: Literal["close_issue"] = "close_issue"
    number: int
    reason: Literal["completed", "not_planned"]
    note: str = ""


class EnsureBranch(Base):
    """→ BranchReady. The branch at the target's head unless it exists already."""

    type: Literal["ensure_branch"] = "ensure_branch"
    branch: str
    source: str


class DeleteBranch(Base):
    """By a push, which costs no REST points."""

    queue: ClassVar[Queue] = "git"
    type: Literal["delete_branch"] = "delete_branch"
    branch: str


class PullText(Value):
    """What a pull request says: rebuilt from the diff and trusted evidence at every push."""

    goal: Goal
    diff: Diffstat
    report: Report | None
    sha: str
    checks: Literal["waiting", "green", "red", "absent"]
    results: tuple[CommandResult, ...]
    attempts: int
    closes: tuple[int, ...] = ()
    """issues that its merge into the target closes"""
    part_of: int | None = None
    """the task's own issue, where another pull request closes it"""
    started_by: str
    tasks: tuple[tuple[int | None, int | None, str], ...] = ()
    """for a slice: (issue, pull request, title) of each task in it"""


class OpenPull(Base):
    """→ PullOpened. A draft; finds an open or merged one with this head and our marker first."""

    type: Literal["open_pull"] = "open_pull"
    head: str
    base: str
    title: str
    sha: str
    text: PullText


class UpdatePull(Base):
    """Rewrites the pull request's body."""

    type: Literal["update_pull"] = "update_pull"
    pull: int
    text: PullText


class MarkReady(Base):
    """Out of draft; asks `reviewer` where one is given."""

    type: Literal["mark_ready"] = "mark_ready"
    pull: int
    reviewer: str | None = None


class ClosePull(Base):
    type: Literal["close_pull"] = "close_pull"
    pull: int
    reason: str


class AnswerReview(Base):
    """A reply in each thread, threads resolved, the reviewer asked again."""

    type: Literal["answer_review"] = "answer_review"
    pull: int
    review_id: int
    reviewer: str
    comments: tuple[ReviewComment, ...]
    sha: str
    task_pull: int | None
    task_title: str


class WatchChecks(Base):
    """→ ChecksSettled | ChecksMissing, when CI on `sha` has settled; polled gently, woken by webhooks."""

    type: Literal["watch_checks"] = "watch_checks"
    sha: str
    event: Literal["pull_request", "push"]
    branch: str
    """the pull request's base, or the pushed branch"""


class Verify(Base):
    """→ Verified."""

    queue: ClassVar[Queue] = "git"
    type: Literal["verify"] = "verify"
    sha: str
    commands: tuple[str, ...]


class RunPlanner(Base):
    """→ PlanAnswered | AgentFailed. `input` is the whole of what the planner is told, built fresh each turn."""

    queue: ClassVar[Queue] = "agents"
    type: Literal["run_planner"] = "run_planner"
    turn: int
    branch: str
    model: RoleModel
    input: dict[str, object]


class RunJudge(Base):
    """→ VerdictAnswered | AgentFailed. Acceptance commands are run on the head of `branch` first."""

    queue: ClassVar[Queue] = "agents"
    type: Literal["run_judge"] = "run_judge"
    turn: int
    branch: str
    target: str
    commands: tuple[str, ...]
    model: RoleModel
    input: dict[str, object]


class Brief(Value):
    """What one attempt is told. `context` are fenced blocks of Markdown, oldest first."""

    goal: Goal
    test: str | None
    attempt: int
    context: tuple[tuple[str, str], ...] = ()
    """(heading, text): predecessors' handoffs, CI log excerpts, review threads, both sides of a conflict"""


class RunAttempt(Base):
    """→ AttemptEnded. Workspace on the head of `base` (or of `branch` when it exists), agent, commit, push."""

    queue: ClassVar[Queue] = "agents"
    type: Literal["run_attempt"] = "run_attempt"
    attempt: int
    role: Literal["worker", "resolver"]
    base: str
    branch: str
    model: RoleModel
    brief: Brief
    limits: Limits
    commands: Commands
    protect: tuple[str, ...]
    trailers: tuple[str, ...]
    started_by: str


class BuildCandidate(Base):
    """→ CandidateBuilt. `--no-ff` merges of the items on the branch's head, pushed as `train`.

    With `target` that branch's head is merged first: the slice is brought up to date.
    """

    queue: ClassVar[Queue] = "git"
    type: Literal["build_candidate"] = "build_candidate"
    round: int
    branch: str
    train: str
    items: tuple[TrainItem, ...]
    target: str | None = None


class MoveBranch(Base):
    """→ BranchMoved | MoveRefused. A fast-forward push from `expect` to `sha`."""

    queue: ClassVar[Queue] = "git"
    type: Literal["move_branch"] = "move_branch"
    branch: str
    expect: str
    sha: str


class PrepareHead(Base):
    """→ HeadPrepared. Merges the target's head into the pull request's branch when it is behind."""

    queue: ClassVar[Queue] = "git"
    type: Literal["prepare_head"] = "prepare_head"
    pull: int
    branch: str
    target: str
    sha: str


class MergePull(Base):
    """→ PullMerged | MergeRefused. By the merge API with `sha`; the deciding state is read again first."""

    type: Literal["merge_pull"] = "merge_pull"
    pull: int
    sha: str
    base_sha: str
    method: Literal["merge", "squash", "rebase"]
    title: str


class WakeAt(Base):
    """→ Tick after `delay_s`."""

    queue: ClassVar[Queue] = "timer"
    type: Literal["wake_at"] = "wake_at"
    name: str


class SetLabels(Base):
    """Adds and removes the state labels of an issue."""

    type: Literal["set_labels"] = "set_labels"
    number: int
    state: Literal["planning", "running", "parked", "done"]


class React(Base):
    """Acknowledges a comment."""

    type: Literal["react"] = "react"
    comment_id: int
    content: Literal["eyes", "rocket", "confused"]


Action = Annotated[
    Vet | ReadConfig | Say | PostPreview | RefreshStatus | AnswerRedirect | FileIssue | LinkDependency | UpdateIssue
    | CloseIssue | EnsureBranch | DeleteBranch | OpenPull | UpdatePull | MarkReady | ClosePull | AnswerReview
    | WatchChecks | Verify | RunPlanner | RunJudge | RunAttempt | BuildCandidate | MoveBranch | PrepareHead
    | MergePull | WakeAt | SetLabels | React,
    Field(discriminator="type"),
]  # fmt: skip

__all__ = ["Action", "Base", "Brief", "CheckFailure", "PullText"]
