"""Search: issues and pull requests as late as REST finds them, repositories and people as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import issuesearch, othersearch
from localhub.graphql.accounts import account
from localhub.graphql.base import Connection
from localhub.graphql.issues import thread
from localhub.graphql.repository import Repository

if TYPE_CHECKING:
    from localhub.graphql.base import Scope


class SearchConnection(Connection):
    """A page of what was found, with the count of its kind."""

    codeCount = discussionCount = wikiCount = 0

    def __init__(self, scope: Scope, kind: str, query: str, page: dict[str, Any]) -> None:
        hub, actor = scope.hub, scope.actor
        self.issueCount = self.repositoryCount = self.userCount = 0
        if kind == "ISSUE":
            ids, self.issueCount = issuesearch.ids(hub, actor, query, 0, issuesearch.FOUND)
            super().__init__(ids, lambda id: thread(scope, hub.db.get("issues", id)), **page)
        elif kind == "REPOSITORY":
            found = othersearch.repositories(hub, actor, query)
            self.repositoryCount = len(found)
            super().__init__(found, lambda row: Repository(scope, row), **page)
        elif kind == "USER":
            people = othersearch.accounts(hub, query)
            self.userCount = len(people)
            super().__init__(people, lambda row: account(scope, row), **page)
        else:  # there are no discussions
            super().__init__([], lambda row: row, **page)
