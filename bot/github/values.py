"""What we keep of GitHub's answers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Seen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class User(_Seen):
    login: str
    id: int
    type: str = "User"


class AppRef(_Seen):
    id: int
    slug: str = ""


class Label(_Seen):
    name: str


class Repository(_Seen):
    id: int
    full_name: str
    default_branch: str
    html_url: str = ""
    clone_url: str = ""


class Issue(_Seen):
    id: int
    number: int
    node_id: str = ""
    title: str = ""
    body: str | None = None
    state: str = "open"
    state_reason: str | None = None
    updated_at: str = ""
    closed_at: str | None = None
    html_url: str = ""
    labels: tuple[Label, ...] = ()
    user: User | None = None
    pull_request: dict[str, object] | None = None
    performed_via_github_app: AppRef | None = None


class Comment(_Seen):
    id: int
    body: str | None = None
    html_url: str = ""
    updated_at: str = ""
    user: User | None = None


class Ref(_Seen):
    ref: str
    sha: str


class Pull(_Seen):
    id: int
    number: int
    node_id: str
    state: str
    title: str = ""
    body: str | None = None
    draft: bool = False
    merged: bool = False
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    closed_at: str | None = None
    html_url: str = ""
    head: Ref
    base: Ref
    user: User | None = None

    @property
    def is_merged(self) -> bool:
        """Lists carry `merged_at` only, single answers both."""
        return self.merged or self.merged_at is not None


class Review(_Seen):
    id: int
    state: str
    body: str | None = None
    commit_id: str | None = None
    user: User | None = None
    submitted_at: str | None = None


class LineComment(_Seen):
    id: int
    path: str
    line: int | None = None
    original_line: int | None = None
    body: str = ""
    diff_hunk: str = ""
    in_reply_to_id: int | None = None
    user: User | None = None


class Thread(_Seen):
    """A review thread: its GraphQL id and the database id of its first comment."""

    id: str
    resolved: bool
    first_comment: int


class Output(_Seen):
    title: str | None = None
    summary: str | None = None
    text: str | None = None


class CheckRun(_Seen):
    id: int
    name: str
    status: str
    conclusion: str | None = None
    html_url: str | None = None
    details_url: str | None = None
    output: Output = Output()
    app: AppRef | None = None


class CheckSuite(_Seen):
    id: int
    status: str | None = None
    conclusion: str | None = None
    latest_check_runs_count: int = 0
    app: AppRef | None = None


class Status(_Seen):
    context: str
    state: str
    description: str | None = None
    target_url: str | None = None


class Delivery(_Seen):
    """One webhook as GitHub kept it."""

    id: int
    guid: str
    event: str
    action: str | None = None
    status_code: int = 0
    delivered_at: str = ""
    redelivery: bool = False


class InstallationInfo(_Seen):
    id: int
    suspended_at: str | None = None


class IssueEvent(_Seen):
    id: int
    event: str
    actor: User | None = None
    label: Label | None = None
    created_at: str = ""


class AppInfo(_Seen):
    id: int
    slug: str
    name: str = ""
    permissions: dict[str, str] = Field(default_factory=dict)
