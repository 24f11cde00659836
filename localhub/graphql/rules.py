"""The protection of branches: classic rules and rulesets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localhub.graphql.base import Connection, Object
from localhub.ids import node_id, text_node_id
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


class RepositoryRuleset(Object):
    COLUMNS = {"name": "name", "createdAt": "created_at", "updatedAt": "updated_at"}
    target = "BRANCH"

    def id(self) -> str:
        return node_id("Ruleset", self.row["id"])

    def repository(self) -> Repository:
        from localhub.graphql.repository import repository

        return repository(self.scope, self.row["repo_id"])

    def source(self) -> Repository:
        return self.repository()

    def enforcement(self) -> str:
        return str(self.row["enforcement"]).upper()

    def conditions(self) -> dict[str, Any]:
        names = json.loads(self.row["conditions"]).get("ref_name")
        return {"refName": names and {key: names.get(key, []) for key in ("include", "exclude")}}

    def rules(self, type: str | None = None, **page: Any) -> Connection:
        found = [rule for rule in json.loads(self.row["rules"]) if type in (None, rule["type"].upper())]
        return Connection(found, self._rule, **page)

    def _rule(self, rule: dict[str, Any]) -> dict[str, Any]:
        id = text_node_id("RepositoryRule", self.row["repo_id"], f"{self.row['id']}:{rule['type']}")
        return {"__typename": "RepositoryRule", "id": id, "type": rule["type"].upper(), "repositoryRuleset": self}
