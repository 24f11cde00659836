"""Pinned issues, and branches that were made for an issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub.graphql.accounts import account
from localhub.graphql.base import Object
from localhub.ids import node_id

if TYPE_CHECKING:
    from localhub.graphql.commits import Ref
    from localhub.graphql.issues import Issue
    from localhub.graphql.repository import Repository


class PinnedIssue(Object):
    def id(self) -> str:
        return node_id("PinnedIssue", self.row["id"])

    def issue(self) -> Issue:
        from localhub.graphql.issues import Issue

        return Issue(self.scope, self.hub.db.get("issues", self.row["issue_id"]))

    def repository(self) -> Repository:
        return self.issue().repository()

    def pinnedBy(self) -> Any:
        return account(self.scope, self.row["pinned_by"])


class LinkedBranch(Object):
    def id(self) -> str:
        return node_id("LinkedBranch", self.row["id"])

    def repository(self) -> Repository:
        from localhub.graphql.repository import repository

        return repository(self.scope, self.row["repo_id"])

    def ref(self) -> Ref | None:
        return self.repository().ref(self.row["ref"])
