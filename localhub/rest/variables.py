"""Variables and secrets of a repository, which its workflow jobs see."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Response
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from localhub.db import Row
from localhub.errors import GitHubError, not_found
from localhub.http import PageDep, Paging, reply
from localhub.hub import Hub

Kind = Literal["variable", "secret"]
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_MOST_BYTES = 48 * 1024
#: Whose values: the column and the id.
Owner = tuple[str, int]


class _Values:
    """The rows of one kind."""

    def __init__(self, hub: Hub, kind: Kind) -> None:
        self.hub, self.kind = hub, kind

    def rows(self, owner: Owner) -> list[Row]:
        sql = f"SELECT * FROM action_values WHERE kind = ? AND {owner[0]} = ? ORDER BY name"  # noqa: S608
        return self.hub.db.rows(sql, self.kind, owner[1])

    def find(self, owner: Owner, name: str) -> Row:
        found = next((row for row in self.rows(owner) if row["name"] == name.upper()), None)
        if found is None:
            raise not_found()
        return found

    def shown(self, row: Row) -> dict[str, Any]:
        facts = {"name": row["name"], "created_at": row["created_at"], "updated_at": row["updated_at"]}
        facts |= {"value": row["value"]} if self.kind == "variable" else {}
        return facts | ({"visibility": "all"} if row["owner_id"] is not None else {})

    def page(self, owner: Owner, paging: Paging) -> Response:
        rows = self.rows(owner)
        shown = [self.shown(row) for row in paging.slice(rows)]
        return paging.reply(shown, len(rows), {"total_count": len(rows)}, f"{self.kind}s")

    def add(self, owner: Owner, name: str, value: str) -> None:
        now = self.hub.now()
        columns: dict[str, Any] = {owner[0]: owner[1]}
        self.hub.db.insert(
            "action_values", kind=self.kind, name=name.upper(), value=value, created_at=now, updated_at=now, **columns
        )

    def delete(self, owner: Owner, name: str) -> Response:
        with self.hub.tx():
            self.hub.db.execute("DELETE FROM action_values WHERE id = ?", self.find(owner, name)["id"])
        return reply(None, 204)


def checked(name: object, value: object) -> tuple[str, str]:
    """A name and value, or 422 in GitHub's words."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.upper().startswith("GITHUB_"):
        rule = "can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_)."
        raise GitHubError(422, f"Names {rule} They must not start with GITHUB_ or a number.")
    if not isinstance(value, str) or len(value.encode()) > _MOST_BYTES:
        raise GitHubError(422, f"Value must be a string of at most {_MOST_BYTES // 1024} KB.")
    return name, value


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    def of_repository(owner: str, name: str, permission: str, level: str) -> Owner:
        """Those of a repository, which collaborators see and not everyone who reads it."""
        return "repo_id", int(hub.access.repo(owner, name, permission, level, role="write")["id"])

    _variables(api, hub, of_repository)
    _secrets(api, hub, of_repository)
    return api


Find = Callable[[str, str, str, str], Owner]


def _variables(api: APIRouter, hub: Hub, find: Find) -> None:
    values = _Values(hub, "variable")
    root = "/repos/{owner}/{repository}/actions/variables"

    @api.get(root)
    def listing(owner: str, repository: str, paging: PageDep) -> Response:
        return values.page(find(owner, repository, "actions_variables", "read"), paging)

    @api.post(root)
    def create(owner: str, repository: str, data: dict[str, Any]) -> Response:
        of = find(owner, repository, "actions_variables", "write")
        name, value = checked(data.get("name"), data.get("value"))
        with hub.tx():
            if any(row["name"] == name.upper() for row in values.rows(of)):
                raise GitHubError(409, "Variable already exists")
            values.add(of, name, value)
        return reply({}, 201)

    @api.get(root + "/{name}")
    def get(owner: str, repository: str, name: str) -> Response:
        return reply(values.shown(values.find(find(owner, repository, "actions_variables", "read"), name)))

    @api.patch(root + "/{name}")
    def update(owner: str, repository: str, name: str, data: dict[str, Any]) -> Response:
        of = find(owner, repository, "actions_variables", "write")
        with hub.tx():
            row = values.find(of, name)
            new, value = checked(data.get("name", row["name"]), data.get("value", row["value"]))
            if any(each["name"] == new.upper() and each["id"] != row["id"] for each in values.rows(of)):
                raise GitHubError(409, "Variable already exists")
            hub.db.update("action_values", row["id"], name=new.upper(), value=value, updated_at=hub.now())
        return reply(None, 204)

    @api.delete(root + "/{name}")
    def delete(owner: str, repository: str, name: str) -> Response:
        return values.delete(find(owner, repository, "actions_variables", "write"), name)


def _secrets(api: APIRouter, hub: Hub, find: Find) -> None:
    values = _Values(hub, "secret")
    root = "/repos/{owner}/{repository}/actions/secrets"

    @api.get(root + "/public-key")
    def public_key(owner: str, repository: str) -> Response:
        find(owner, repository, "secrets", "read")
        key = _key(hub)
        text = base64.b64encode(bytes(key.public_key)).decode()
        return reply({"key_id": _key_id(key), "key": text})

    @api.get(root)
    def listing(owner: str, repository: str, paging: PageDep) -> Response:
        return values.page(find(owner, repository, "secrets", "read"), paging)

    @api.get(root + "/{name}")
    def get(owner: str, repository: str, name: str) -> Response:
        return reply(values.shown(values.find(find(owner, repository, "secrets", "read"), name)))

    @api.put(root + "/{name}")
    def put(owner: str, repository: str, name: str, data: dict[str, Any]) -> Response:
        of = find(owner, repository, "secrets", "write")
        name, value = checked(name, _opened(hub, data))
        with hub.tx():
            found = next((row for row in values.rows(of) if row["name"] == name.upper()), None)
            if found is None:
                values.add(of, name, value)
            else:
                hub.db.update("action_values", found["id"], value=value, updated_at=hub.now())
        return reply({}, 201) if found is None else reply(None, 204)

    @api.delete(root + "/{name}")
    def delete(owner: str, repository: str, name: str) -> Response:
        return values.delete(find(owner, repository, "secrets", "write"), name)


def _key(hub: Hub) -> PrivateKey:
    """The key pair that secrets are sealed for, made when it is first asked for."""
    saved = hub.setting("secrets_key")
    if saved is None:
        saved = base64.b64encode(bytes(PrivateKey.generate())).decode()
        hub.save_setting("secrets_key", saved)
    return PrivateKey(base64.b64decode(saved))


def _key_id(key: PrivateKey) -> str:
    return str(int.from_bytes(hashlib.sha256(bytes(key.public_key)).digest()[:8], "big"))


def _opened(hub: Hub, data: dict[str, Any]) -> str:
    key = _key(hub)
    if str(data.get("key_id")) != _key_id(key):
        raise GitHubError(422, "Unable to find a public key with the given key_id: " + json.dumps(data.get("key_id")))
    try:
        sealed = base64.b64decode(str(data.get("encrypted_value")), validate=True)
        return str(SealedBox(key).decrypt(sealed).decode())
    except (binascii.Error, CryptoError, ValueError):
        raise GitHubError(422, "Bad request - Secret encryption is invalid") from None
