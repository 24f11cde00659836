"""What a repository's configuration says, and the rules that follow from it: who may command, when work may land."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.model import Person, Value

Glob = Annotated[str, Field(min_length=1, max_length=500)]


class RoleModel(Value):
    """The model of one role. Prices are dollars per million tokens; without them the price list's are used."""

    name: str | None = None
    base_url: str | None = None
    input_price: float | None = Field(default=None, ge=0)
    output_price: float | None = Field(default=None, ge=0)
    context: int | None = Field(default=None, ge=1000)
    effort: Literal["minimal", "low", "medium", "high"] | None = None


class Models(Value):
    planner: RoleModel = RoleModel()
    worker: RoleModel = RoleModel()
    judge: RoleModel = RoleModel()
    resolver: RoleModel = RoleModel()


class Merge(Value):
    """Who merges what reaches the target branch, and how."""

    who: Literal["people", "when_approved", "when_green"] = "people"
    method: Literal["merge", "squash", "rebase"] = "merge"
    approvals: int = Field(default=1, ge=0, le=6)
    people_for: tuple[Glob, ...] = ()


class Limits(Value):
    """Caps of one tree. At a cap no new work starts and the tree parks with the reason."""

    dollars: float = Field(default=20, ge=0)
    tokens: int = Field(default=20_000_000, ge=0)
    hours: float = Field(default=24, gt=0)
    ci_minutes: float = Field(default=600, ge=0)
    depth: int = Field(default=4, ge=1, le=8)
    workers: int = Field(default=8, ge=1, le=300)
    open_prs: int = Field(default=10, ge=1, le=1000)
    review_lines: int = Field(default=400, ge=1)
    issues: int = Field(default=200, ge=1, le=100_000)
    attempts: int = Field(default=3, ge=1, le=20)
    review_rounds: int = Field(default=5, ge=0, le=50)


class Commands(Value):
    """Shell commands of the repository, each run in a fresh sandbox."""

    setup: str | None = None
    test: str | None = None
    lint: str | None = None


class Network(Value):
    allow: tuple[str, ...] = ()


class CommandHarness(Value):
    command: str


class Overrides(Value):
    """What a profile may change."""

    approve: Literal["root", "every", "never"] | None = None
    land: Literal["planner", "task"] | None = None
    merge: Merge | None = None
    models: Models | None = None
    limits: Limits | None = None


class RepoConfig(Value):
    """`.github/branchwork.yml` on the default branch. Every field has a default: an absent file is a valid one."""

    label: str = Field(default="branchwork", min_length=1, max_length=50)
    profiles: dict[str, Overrides] = {}
    models: Models = Models()
    approve: Literal["root", "every", "never"] = "root"
    land: Literal["planner", "task"] = "planner"
    merge: Merge = Merge()
    limits: Limits = Limits()
    commands: Commands = Commands()
    network: Network = Network()
    protect: tuple[Glob, ...] = (".github/**", ".git*")
    harness: Literal["builtin", "codex", "claude", "gemini", "opencode"] | CommandHarness = "builtin"
    bots: tuple[int, ...] = ()
    trailers: tuple[str, ...] = ()

    def with_profile(self, name: str) -> RepoConfig:
        """The configuration with one profile's overrides; raises KeyError for an unknown name."""
        changes = self.profiles[name].model_dump(exclude_none=True, exclude_unset=True)
        return RepoConfig.model_validate(self.model_dump() | changes)


def may_command(person: Person, config: RepoConfig) -> bool:
    """People with write permission command; bots only when listed by app id; a name is never trust."""
    if person.app_id is not None:
        return person.app_id in config.bots
    return person.may_write
