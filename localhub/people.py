"""Accounts as git knows them: who writes a commit, and whose mail address a commit bears."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localhub.gitcore import Person

if TYPE_CHECKING:
    from localhub.hub import Hub

_NOREPLY = re.compile(r"(\d+)\+.+@users\.noreply\.localhub\Z")
WEB_NAME, WEB_MAIL = "GitHub", "noreply@localhub"  # the committer of what is merged on the server


def identity(hub: Hub, account_id: int) -> Person:
    """The account as author of a commit made now."""
    row = hub.account(account_id)
    mail = row["email"] or f"{row['id']}+{row['login']}@users.noreply.localhub"
    return Person(row["name"] or row["login"], mail, stamp(hub))


def web_committer(hub: Hub) -> Person:
    return Person(WEB_NAME, WEB_MAIL, stamp(hub))


def stamp(hub: Hub) -> str:
    """Now, in git's raw form."""
    return f"{int(hub.clock.timestamp())} +0000"


def account_of(hub: Hub, mail: str) -> int | None:
    """The account that a mail address in a commit belongs to."""
    return hub.known.get(("mail", mail), lambda: _account_of(hub, mail))


def _account_of(hub: Hub, mail: str) -> int | None:
    match = _NOREPLY.match(mail)
    if match:
        found: int | None = hub.db.value("SELECT id FROM accounts WHERE id = ?", int(match[1]))
    else:
        found = hub.db.value("SELECT id FROM accounts WHERE email = ? ORDER BY id LIMIT 1", mail or None)
    return found
