"""The pieces of GitHub's payloads that we read. Lenient: what is not used may change."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A piece of a payload: only what is used is read, everything else may change."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Actor(Part):
    """Who did it, as the payload says; what they may do is asked of the API."""

    login: str
    id: int
    type: str = "User"


class Repo(Part):
    id: int
    full_name: str
    default_branch: str = "main"


class AppRef(Part):
    id: int


class Installation(Part):
    id: int


class Label(Part):
    name: str


class Issue(Part):
    id: int
    number: int
    title: str = ""
    body: str | None = None
    state: str = "open"
    updated_at: str = ""
    closed_at: str | None = None
    pull_request: dict[str, Any] | None = None


class Comment(Part):
    id: int
    body: str | None = None
    updated_at: str = ""
    user: Actor | None = None
    performed_via_github_app: AppRef | None = None


class Ref(Part):
    sha: str = ""
    ref: str = ""


class Pull(Part):
    number: int
    merged: bool = False
    merge_commit_sha: str | None = None
    closed_at: str | None = None
    head: Ref = Ref()


class Review(Part):
    id: int
    state: str
    body: str | None = None
    commit_id: str | None = None
    user: Actor | None = None


class HeadSha(Part):
    head_sha: str


class InstallationFull(Part):
    id: int
    updated_at: str = ""
    account: Actor | None = None
