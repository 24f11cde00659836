"""What a seed may hold: its shape, and which words GitHub has for events, permissions and settings."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from localhub.events import WEBHOOKS

UNSENT = frozenset({
    "branch_protection_configuration", "branch_protection_rule", "code_scanning_alert", "commit_comment",
    "custom_property", "custom_property_values", "dependabot_alert", "deploy_key", "deployment",
    "deployment_protection_rule", "deployment_review", "deployment_status", "discussion", "discussion_comment",
    "github_app_authorization", "gollum", "installation_target", "issue_relates_to", "marketplace_purchase", "member",
    "membership", "merge_group", "meta", "org_block", "organization", "package", "page_build",
    "personal_access_token_request", "ping", "project", "project_card", "project_column", "projects_v2",
    "projects_v2_item", "projects_v2_status_update", "public", "registry_package", "release", "repository_advisory",
    "repository_import", "repository_ruleset", "repository_vulnerability_alert", "secret_scanning_alert",
    "secret_scanning_alert_location", "secret_scanning_scan", "security_advisory", "security_and_analysis",
    "sponsorship", "star", "team", "team_add", "watch",
})  # fmt: skip
"""GitHub's events that localhub never sends; an app may ask for them all the same."""

PERMISSIONS = frozenset({
    "actions", "administration", "artifact_metadata", "attestations", "checks", "code_quality", "codespaces",
    "contents", "custom_properties_for_organizations", "dependabot_secrets", "deployments", "discussions",
    "email_addresses", "enterprise_custom_properties_for_organizations", "environments", "followers", "git_ssh_keys",
    "gpg_keys", "interaction_limits", "issues", "members", "merge_queues", "metadata", "organization_administration",
    "organization_announcement_banners", "organization_copilot_agent_settings", "organization_copilot_requests",
    "organization_copilot_seat_management", "organization_custom_org_roles", "organization_custom_properties",
    "organization_custom_roles", "organization_events", "organization_external_properties_for_repos",
    "organization_hooks", "organization_packages", "organization_personal_access_token_requests",
    "organization_personal_access_tokens", "organization_plan", "organization_projects", "organization_secrets",
    "organization_self_hosted_runners", "organization_user_blocking", "packages", "pages", "profile", "pull_requests",
    "repository_custom_properties", "repository_hooks", "repository_projects", "secret_scanning_alerts", "secrets",
    "security_events", "single_file", "starring", "statuses", "vulnerability_alerts", "workflows",
})  # fmt: skip

SETTINGS = frozenset({
    "allow_auto_merge", "allow_merge_commit", "allow_rebase_merge", "allow_squash_merge", "allow_update_branch",
    "archived", "delete_branch_on_merge", "has_issues",
})  # fmt: skip
"""What a repository's settings may switch."""


def _known(kind: str, known: frozenset[str]) -> AfterValidator:
    """Every word of a list, or every key of a table, must be a known one."""

    def check(words: Any) -> Any:
        for word in words:
            if word not in known:
                near = get_close_matches(word, sorted(known), 1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                raise PydanticCustomError(
                    "unknown", "there is no {kind} '{word}'{hint}", {"kind": kind, "word": word, "hint": hint}
                )
        return words

    return AfterValidator(check)


Role = Literal["read", "triage", "write", "maintain", "admin"]
Events = Annotated[list[str], _known("event", UNSENT | frozenset(WEBHOOKS))]
Permissions = Annotated[dict[str, Literal["read", "write", "admin"]], _known("permission", PERMISSIONS)]
Settings = Annotated[dict[str, bool], _known("setting", SETTINGS)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SeedUser(_Strict):
    login: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")
    name: str | None = None
    email: str | None = None
    token: str | None = Field(None, description="a personal access token; none is made when absent")
    site_admin: bool = False


class SeedOrganization(_Strict):
    login: str
    name: str | None = None
    members: dict[str, Literal["admin", "member"]] = {}


class SeedRepository(_Strict):
    full_name: str = Field(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]{1,100}$")
    description: str | None = None
    private: bool = False
    source: Path | None = Field(None, description="a git repository on this disk whose branches and tags are copied")
    auto_init: bool = True
    default_branch: str = "main"
    collaborators: dict[str, Role] = {}
    watchers: list[str] = []
    settings: Settings = {}


class SeedApp(_Strict):
    id: int | None = None
    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    name: str | None = None
    owner: str
    description: str | None = None
    private_key_pem: str | None = Field(None, description="only its public part is kept")
    public_key_pem: str | None = None
    client_id: str | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = None
    permissions: Permissions = {"metadata": "read"}
    events: Events = []
    public: bool = False


class SeedInstallation(_Strict):
    id: int | None = None
    app: str
    account: str
    repositories: list[str] | None = Field(None, description="full names; all of the account when absent")


class Seed(_Strict):
    users: list[SeedUser] = []
    organizations: list[SeedOrganization] = []
    repositories: list[SeedRepository] = []
    apps: list[SeedApp] = []
    installations: list[SeedInstallation] = []

    @model_validator(mode="after")
    def _each_token_is_one_users(self) -> Self:
        owners: dict[str, str] = {}
        for user in self.users:
            if user.token and owners.setdefault(user.token, user.login) != user.login:
                words = {"one": owners[user.token], "other": user.login}
                raise PydanticCustomError("shared", "{one} and {other} have the same token", words)
        return self
