"""What our own actions found."""

from __future__ import annotations

from typing import Literal

from planner.facts import CheckFailure, CommandResult, Diffstat, Report, Usage
from planner.judge import Verdict
from planner.model import Value
from planner.plan import Plan


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
    conflict: bool = False
    """They start on the merge with the base, of which there is none: the base has got something else meanwhile."""


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
