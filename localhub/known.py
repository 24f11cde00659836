"""Facts that seldom change (who has which token, role, installation or hook), kept until a table of theirs does.

Whatever writes to one of those tables through the hub's writer is noticed by a trigger; with the commit everything is
forgotten at once. Before it the writer asks the database, others have what was true, as with any transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from localhub.db import Database

T = TypeVar("T")
MOST = 20_000
_ANY = (
    "accounts",
    "org_members",
    "collaborators",
    "contributors",
    "installation_repos",
    "protections",
    "repo_redirects",
    "rulesets",
    "watchers",
)
_COLUMNS = {
    "repos": (
        "owner_id", "name", "description", "homepage", "private", "default_branch", "archived", "has_issues",
        "allow_merge_commit", "allow_squash_merge", "allow_rebase_merge", "allow_auto_merge", "allow_update_branch",
        "delete_branch_on_merge", "topics", "parent_id", "source_id", "size", "created_at", "updated_at",
    ),
    "hooks": ("url", "secret", "content_type", "insecure_ssl", "events", "active"),
}  # fmt: skip
"""A change of other columns (counters, what happened last) forgets nothing: rows that are kept have old ones."""
_TABLES = (*_ANY, "apps", "installations", "tokens", *_COLUMNS)


class Known:
    """Answers by key; `get` asks the database for those that it has not."""

    def __init__(self, db: Database) -> None:
        self._db, self._writer = db, db.writer
        self._facts: dict[Hashable, Any] = {}
        self._version = 0
        db.watch({table: _COLUMNS.get(table, ()) for table in _TABLES})

    def forget(self) -> None:
        """Ask for everything anew: the file was changed behind the hub's back."""
        self._facts, self._version = {}, -1

    def get(self, key: Hashable, find: Callable[[], T]) -> T:
        """What `find` says, or said before, which must depend on these tables, the key and nothing else."""
        writer = self._writer
        if writer.changed and self._db.holding:
            return find()
        version, facts = writer.version, self._facts
        if version != self._version or len(facts) > MOST:
            facts = {}
            self._facts, self._version = facts, version
        try:
            found: T = facts[key]
        except KeyError:
            # Should a commit come now, `facts` is not looked at any more.
            found = facts[key] = find()
        return found
