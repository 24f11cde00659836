"""The protection of branches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localhub.graphql.base import Object
from localhub.ids import node_id
from localhub.protection import Rules, classic

if TYPE_CHECKING:
    from localhub.graphql.repository import Repository


class BranchProtectionRule(Object):
    """A classic protection; its pattern is the name of one branch."""

    COLUMNS = {"pattern": "branch"}

    @property
    def _settings(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.row["settings"])
        return found

    @property
    def _rules(self) -> Rules:
        return classic(self._settings)

    def id(self) -> str:
        return node_id("BranchProtectionRule", self.row["id"])

    def repository(self) -> Repository:
        from localhub.graphql.repository import repository

        return repository(self.scope, self.row["repo_id"])

    def allowsDeletions(self) -> bool:
        return self._rules.allow_delete

    def allowsForcePushes(self) -> bool:
        return self._rules.allow_force

    def dismissesStaleReviews(self) -> bool:
        return self._rules.dismiss_stale

    def isAdminEnforced(self) -> bool:
        return self._rules.for_admins

    def requiresLinearHistory(self) -> bool:
        return self._rules.linear

    def requiresStatusChecks(self) -> bool:
        return self._settings.get("required_status_checks") is not None

    def requiresStrictStatusChecks(self) -> bool:
        return self._rules.strict

    def requiredStatusCheckContexts(self) -> list[str]:
        return [name for name, _ in self._rules.checks]

    def requiresApprovingReviews(self) -> bool:
        return self._rules.pull_request

    def requiredApprovingReviewCount(self) -> int | None:
        return self._rules.approvals if self._rules.pull_request else None
