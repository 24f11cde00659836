"""The life of an installation: made, suspended, narrowed, removed; each told to its app by a webhook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from localhub import subscriptions
from localhub.events import Event
from localhub.render import apps as render
from localhub.render import repos

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def install(
    hub: Hub,
    app: Row,
    account_id: int,
    *,
    repositories: Sequence[int] | None = None,
    permissions: dict[str, str] | None = None,
    events: list[str] | None = None,
    by: int | None = None,
    installation_id: int | None = None,
) -> Row:
    """Install the app on an account: on all its repositories, or on these (ids)."""
    with hub.tx():
        columns: dict[str, Any] = {} if installation_id is None else {"id": installation_id}
        made = hub.db.insert(
            "installations",
            **columns,
            app_id=app["id"],
            account_id=account_id,
            repository_selection="all" if repositories is None else "selected",
            permissions=json.dumps(json.loads(app["permissions"]) if permissions is None else permissions),
            events=json.dumps(json.loads(app["events"]) if events is None else events),
            created_at=hub.now(),
            updated_at=hub.now(),
        )
        for each in repositories or []:
            hub.db.insert("installation_repos", installation_id=made, repo_id=each)
        row = hub.db.get("installations", made)
        _tell(hub, row, "created", by or account_id, listed=True, extra={"requester": None})
    return row


def suspend(hub: Hub, installation: Row, *, by: int) -> None:
    with hub.tx():
        if not installation["suspended_at"]:
            hub.db.update("installations", installation["id"], suspended_at=hub.now(), suspended_by=by)
            _tell(hub, hub.db.get("installations", installation["id"]), "suspend", by, listed=True)


def unsuspend(hub: Hub, installation: Row, *, by: int) -> None:
    with hub.tx():
        if installation["suspended_at"]:
            hub.db.update("installations", installation["id"], suspended_at=None, suspended_by=None)
            _tell(hub, hub.db.get("installations", installation["id"]), "unsuspend", by, listed=True)


def uninstall(hub: Hub, installation: Row, *, by: int) -> None:
    with hub.tx():
        _tell(hub, installation, "deleted", by, listed=True)
        hub.db.execute("DELETE FROM installations WHERE id = ?", installation["id"])


def change_permissions(
    hub: Hub, installation: Row, permissions: dict[str, str], events: list[str] | None, *, by: int
) -> None:
    """The owner accepts (or an administrator reduces) what the app may do; events that want more are gone with it."""
    wanted = json.loads(installation["events"]) if events is None else events
    with hub.tx():
        hub.db.update(
            "installations",
            installation["id"],
            permissions=json.dumps(permissions),
            updated_at=hub.now(),
            events=json.dumps(subscriptions.kept(wanted, permissions)),
        )
        _tell(hub, hub.db.get("installations", installation["id"]), "new_permissions_accepted", by, listed=True)


def change_repositories(
    hub: Hub, installation: Row, *, add: Sequence[int] = (), remove: Sequence[int] = (), by: int
) -> None:
    """Add or remove selected repositories; one webhook for each of both."""
    with hub.tx():
        before = set(hub.access.installed(installation["id"]))
        if installation["repository_selection"] == "all":
            hub.db.update("installations", installation["id"], repository_selection="selected")
            for each in before:
                hub.db.insert("installation_repos", installation_id=installation["id"], repo_id=each)
        added = [each for each in add if each not in before]
        removed = [each for each in remove if each in before]
        for each in added:
            hub.db.insert("installation_repos", installation_id=installation["id"], repo_id=each)
        for each in removed:
            hub.db.execute(
                "DELETE FROM installation_repos WHERE installation_id = ? AND repo_id = ?", installation["id"], each
            )
        row = hub.db.get("installations", installation["id"])
        for action, changed in (("added", added), ("removed", removed)):
            if changed:
                _tell_repositories(hub, row, action, changed, by)


def _tell(
    hub: Hub, row: Row, action: str, by: int, *, listed: bool = False, extra: dict[str, Any] | None = None
) -> None:
    payload: dict[str, Any] = {"installation": render.installation(hub, row)} | (extra or {})
    if listed:
        ids = hub.access.installed(row["id"])
        payload["repositories"] = [repos.brief(hub, hub.access.repo_by_id(each)) for each in ids]
    hub.emit(Event("installation", action, None, by, payload, installation=row["id"]))


def _tell_repositories(hub: Hub, row: Row, action: str, changed: Sequence[int], by: int) -> None:
    listed = [repos.brief(hub, hub.access.repo_by_id(each)) for each in changed]
    payload = {
        "installation": render.installation(hub, row),
        "repository_selection": row["repository_selection"],
        "repositories_added": listed if action == "added" else [],
        "repositories_removed": listed if action == "removed" else [],
        "requester": None,
    }
    hub.emit(Event("installation_repositories", action, None, by, payload, installation=row["id"]))
