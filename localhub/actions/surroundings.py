"""What a run finds around it: its variables and its place on the disk."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localhub import protection
from localhub.actions.sandbox import own_folder

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_LOCK = "lock"
_YOUNG = 60.0  # seconds in which another process may be between making its folder and locking it


def github_context(hub: Hub, run: Row, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The `github` context of a run, as far as it is the same in all of its jobs."""
    repo = hub.access.repo_by_id(run["repo_id"])
    name = f"{repo['owner_login']}/{repo['name']}"
    flow = hub.db.get("workflows", run["workflow_id"])
    pull = payload.get("pull_request") if run["pull_number"] is not None else None
    actor = hub.db.get("accounts", run["actor_id"])
    ref = str(run["ref"])
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None
    return {
        "actor": actor["login"],
        "actor_id": str(actor["id"]),
        "api_url": hub.api(),
        "base_ref": pull["base"]["ref"] if pull else "",
        "event": payload,
        "event_name": run["event"],
        "graphql_url": f"{hub.root}/api/graphql",
        "head_ref": pull["head"]["ref"] if pull else "",
        "ref": ref,
        "ref_name": ref.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/pull/"),
        "ref_protected": branch is not None and protection.rules_for(hub, repo, branch) is not None,
        "ref_type": "tag" if ref.startswith("refs/tags/") else "branch",
        "repository": name,
        "repository_id": str(repo["id"]),
        "repository_owner": repo["owner_login"],
        "repository_owner_id": str(repo["owner_id"]),
        "repository_visibility": "private" if repo["private"] else "public",
        "repositoryurl": f"git://{hub.root.split('://')[-1]}/{name}.git",
        "run_attempt": str(run["attempt"]),
        "run_id": str(run["id"]),
        "run_number": str(run["number"]),
        "server_url": hub.html(),
        "sha": run["checkout_sha"],
        "triggering_actor": hub.db.get("accounts", run["triggering_actor_id"])["login"],
        "workflow": flow["name"],
        "workflow_ref": f"{name}/{flow['path']}@{ref}",
        "workflow_sha": run["checkout_sha"],
    }


_AS_VARIABLES = (
    "actor_id", "api_url", "graphql_url", "head_ref", "base_ref", "ref", "ref_name", "ref_type", "repository",
    "repository_id", "repository_owner", "repository_owner_id", "run_attempt", "run_id", "run_number", "server_url",
    "sha", "triggering_actor", "workflow_ref", "workflow_sha",
)  # fmt: skip


def environment(github: Mapping[str, Any]) -> dict[str, str]:
    """The GITHUB_ and RUNNER_ variables of a job, as far as act does not set them itself."""
    found = {f"GITHUB_{name.upper()}": str(github[name]) for name in _AS_VARIABLES}
    found["GITHUB_REF_PROTECTED"] = str(github["ref_protected"]).lower()
    return found | {"RUNNER_NAME": "localhub", "RUNNER_ENVIRONMENT": "self-hosted"}


def scratch_for(data: Path) -> Path:
    """A folder outside of `data`, which may be closed to the uid that jobs run under; the same after a restart."""
    mark = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"{_prefix()}{mark}"


def _prefix() -> str:
    return f"localhub-{os.geteuid()}-"


def hold(scratch: Path) -> int:
    """Take the folder for this process, empty; a descriptor that says so until it is closed or the process ends.

    Folders of hubs that were killed are cleared away, too: theirs are of this user, and nobody holds them.
    """
    for folder in scratch.parent.glob(f"{_prefix()}*"):
        facts = folder.lstat()
        if facts.st_uid == os.geteuid() and (folder == scratch or time.time() - facts.st_ctime > _YOUNG):
            _remove_unheld(folder)
    own_folder(scratch)
    handle = os.open(scratch / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise RuntimeError(f"{scratch} is held: another localhub runs on this data directory; stop it first") from None
    return handle


def _remove_unheld(folder: Path) -> None:
    try:
        handle = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(handle)
