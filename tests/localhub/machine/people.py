"""Who acts: people by their role in the repository, and tokens of an app by their permissions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RANK = {"none": 0, "read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}
LEVEL = {"read": 1, "write": 2}
BOT = "branchwork[bot]"


@dataclass(frozen=True)
class Person:
    """`role` is a person's; `permissions` are a token's of the app, whose account is the bot."""

    name: str
    role: str = "none"
    permissions: Mapping[str, str] | None = None

    @property
    def login(self) -> str:
        return self.name if self.permissions is None else BOT

    @property
    def is_bot(self) -> bool:
        return self.permissions is not None

    @property
    def sees(self) -> bool:
        """The repository is private: for a stranger it is not there."""
        return self.is_bot or self.role != "none"

    def may(self, role: str, *permissions: str, level: str = "write") -> bool:
        """A person needs the role, an app one of the permissions at the level."""
        if self.permissions is None:
            return RANK[self.role] >= RANK[role]
        return any(LEVEL.get(self.permissions.get(each, ""), 0) >= LEVEL[level] for each in permissions)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.name.upper().replace(" ", "_"))


ALICE = Person("alice", "admin")
BOB = Person("bob", "write")
TRIAGER = Person("octo-owner", "triage")
CAROL = Person("carol", "read")
MALLORY = Person("mallory", "none")
FULL_BOT = Person(
    "bot", permissions={"contents": "write", "issues": "write", "pull_requests": "write", "statuses": "write"}
)
ISSUE_BOT = Person("bot for issues", permissions={"issues": "write", "contents": "read"})
PULL_BOT = Person("bot for pull requests", permissions={"pull_requests": "write", "contents": "read", "issues": "read"})
CODE_BOT = Person("bot for code", permissions={"contents": "write", "pull_requests": "read", "statuses": "write"})

PEOPLE = (ALICE, BOB, TRIAGER, CAROL, MALLORY)
BOTS = (FULL_BOT, ISSUE_BOT, PULL_BOT, CODE_BOT)
ROLES = {person.login: person.role for person in PEOPLE}
