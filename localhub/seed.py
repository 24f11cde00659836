"""Filling a hub from a file: accounts with tokens, repositories, apps, installations. Seeding twice changes nothing.

users: [{login: alice, name: Alice, email: alice@example.org, token: ghp_…, site_admin: false}]
organizations: [{login: acme, name: Acme, members: {alice: admin, bob: member}}]
repositories: [{full_name: alice/sample, private: false, source: /path/of/a/git/repository,
                collaborators: {bob: write}, watchers: [bob], settings: {allow_auto_merge: true}}]
apps: [{id: 1, slug: my-bot, name: My bot, owner: alice, private_key_pem: …, webhook_url: …, webhook_secret: …,
        permissions: {issues: write}, events: [issues]}]
installations: [{app: my-bot, account: alice, repositories: [alice/sample]}]
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from localhub import auth, installing, repositories
from localhub.errors import GitHubError, invalid
from localhub.gitcore import GitError
from localhub.gitstore import GitRepo

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub
    from localhub.seedfile import Seed, SeedApp, SeedInstallation, SeedOrganization, SeedRepository, SeedUser


def plant(hub: Hub, seed: Seed) -> dict[str, Any]:
    """Make what is not there yet, all of it or (with an error) nothing; returns ids by name."""
    made: list[GitRepo] = []
    try:
        with hub.tx():
            for user in seed.users:
                _user(hub, user)
            for organization in seed.organizations:
                _organization(hub, organization)
            for repository in seed.repositories:
                _repository(hub, repository, made)
            for app in seed.apps:
                make_app(hub, app)
            for installation in seed.installations:
                _installation(hub, installation)
    except BaseException:
        for git in made:
            git.remove()
        raise
    return summary(hub)


def summary(hub: Hub) -> dict[str, Any]:
    return {
        "accounts": {row["login"]: row["id"] for row in hub.db.rows("SELECT login, id FROM accounts")},
        "repositories": {
            f"{row['login']}/{row['name']}": row["id"]
            for row in hub.db.rows("SELECT a.login, r.name, r.id FROM repos r JOIN accounts a ON a.id = r.owner_id")
        },
        "apps": {row["slug"]: row["id"] for row in hub.db.rows("SELECT slug, id FROM apps")},
        "installations": {
            f"{row['slug']} on {row['login']}": row["id"]
            for row in hub.db.rows(
                """SELECT p.slug, a.login, i.id FROM installations i
                   JOIN apps p ON p.id = i.app_id JOIN accounts a ON a.id = i.account_id"""
            )
        },
    }


def account(hub: Hub, login: str) -> Row:
    found = hub.db.row("SELECT * FROM accounts WHERE login = ?", login)
    if found is None:
        raise invalid(f"There is no account {login!r}: seed it before what refers to it.")
    return found


def _user(hub: Hub, user: SeedUser) -> None:
    row = hub.db.row("SELECT * FROM accounts WHERE login = ?", user.login)
    account_id = row["id"] if row else hub.db.insert(
        "accounts", login=user.login, type="User", name=user.name, email=user.email,
        site_admin=int(user.site_admin), created_at=hub.now(),
    )  # fmt: skip
    if user.token:
        auth.mint(hub, "pat", account_id, token=user.token)


def _organization(hub: Hub, organization: SeedOrganization) -> None:
    row = hub.db.row("SELECT * FROM accounts WHERE login = ?", organization.login)
    org_id = row["id"] if row else hub.db.insert(
        "accounts", login=organization.login, type="Organization", name=organization.name, created_at=hub.now()
    )  # fmt: skip
    for login, role in organization.members.items():
        hub.db.execute("INSERT OR REPLACE INTO org_members VALUES (?, ?, ?)", org_id, account(hub, login)["id"], role)


def _repository(hub: Hub, wanted: SeedRepository, made: list[GitRepo]) -> None:
    owner, _, name = wanted.full_name.partition("/")
    repo = hub.access.repo_row(owner, name)
    if repo is None:
        owner_id = account(hub, owner)["id"]
        try:
            repo = repositories.create(
                hub,
                owner_id,
                name,
                by=owner_id,
                description=wanted.description,
                private=wanted.private,
                auto_init=wanted.auto_init,
                source=wanted.source,
                default_branch=wanted.default_branch,
            )
        except GitError as error:
            why = error.stderr.partition("\n")[0].removeprefix("fatal: ")
            raise invalid(f"{wanted.full_name}: {why}") from error
        made.append(GitRepo(hub.git_dir(repo)))
    for login, role in wanted.collaborators.items():
        hub.db.execute(
            "INSERT OR REPLACE INTO collaborators VALUES (?, ?, ?)", repo["id"], account(hub, login)["id"], role
        )
    for login in wanted.watchers:
        hub.db.execute(
            "INSERT OR IGNORE INTO watchers (repo_id, account_id) VALUES (?, ?)", repo["id"], account(hub, login)["id"]
        )
    if wanted.settings:
        repositories.change(hub, repo, dict(wanted.settings), by=repo["owner_id"])


def make_app(hub: Hub, wanted: SeedApp) -> Row:
    """The app and its bot account; an app of this slug gets the new hook, permissions and events."""
    hook = {
        "webhook_url": wanted.webhook_url,
        "webhook_secret": wanted.webhook_secret,
        "permissions": json.dumps(wanted.permissions | {"metadata": "read"}),
        "events": json.dumps(wanted.events),
        "updated_at": hub.now(),
    }
    with hub.tx():
        row = hub.db.row("SELECT * FROM apps WHERE slug = ?", wanted.slug)
        if row is not None:
            hub.db.update("apps", row["id"], **hook)
            return hub.db.get("apps", row["id"])
        taken = wanted.id is not None and hub.db.row("SELECT slug FROM apps WHERE id = ?", wanted.id)
        if taken:
            raise invalid(f"App {wanted.slug!r} cannot have the id {wanted.id}: it is that of {taken['slug']!r}.")
        bot = hub.db.insert("accounts", login=f"{wanted.slug}[bot]", type="Bot", created_at=hub.now())
        columns: dict[str, Any] = {} if wanted.id is None else {"id": wanted.id}
        app_id = hub.db.insert(
            "apps",
            **columns,
            slug=wanted.slug,
            name=wanted.name or wanted.slug,
            description=wanted.description,
            owner_id=account(hub, wanted.owner)["id"],
            bot_id=bot,
            client_id=wanted.client_id or f"Iv23li{secrets.token_hex(7)}",
            client_secret=secrets.token_hex(20),
            public_key=public_part(wanted),
            public=int(wanted.public),
            created_at=hub.now(),
            **hook,
        )
        return hub.db.get("apps", app_id)


def public_part(wanted: SeedApp) -> str:
    try:
        if wanted.private_key_pem:
            key = load_pem_private_key(wanted.private_key_pem.encode(), None).public_key()
        elif wanted.public_key_pem:
            key = load_pem_public_key(wanted.public_key_pem.encode())
        else:
            raise invalid(f"App {wanted.slug!r} needs private_key_pem or public_key_pem.")
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise invalid(f"The key of app {wanted.slug!r} is no PEM of an RSA key without a password.") from error
    if not isinstance(key, RSAPublicKey):
        raise invalid(f"The key of app {wanted.slug!r} is not RSA, of which GitHub's keys are.")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _installation(hub: Hub, wanted: SeedInstallation) -> None:
    app = hub.db.row("SELECT * FROM apps WHERE slug = ?", wanted.app)
    if app is None:
        raise invalid(f"There is no app {wanted.app!r}: seed it before its installations.")
    owner = account(hub, wanted.account)
    if hub.db.row("SELECT 1 FROM installations WHERE app_id = ? AND account_id = ?", app["id"], owner["id"]):
        return
    ids: list[int] | None = None
    if wanted.repositories is not None:
        rows = [repo_by_name(hub, full_name) for full_name in wanted.repositories]
        for row in rows:
            if row["owner_id"] != owner["id"]:
                raise invalid(f"{row['owner_login']}/{row['name']} does not belong to {wanted.account}.")
        ids = [row["id"] for row in rows]
    installing.install(hub, app, owner["id"], repositories=ids, installation_id=wanted.id)


def repo_by_name(hub: Hub, full_name: str) -> Row:
    owner, _, name = full_name.partition("/")
    repo = hub.access.repo_row(owner, name)
    if repo is None:
        raise GitHubError(404, f"There is no repository {full_name}.")
    return repo
