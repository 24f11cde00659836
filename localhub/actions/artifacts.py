"""What jobs upload: taken from their folder when they end, kept beside the database, laid out for later jobs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from localhub.actions.act_log import Annotation
from localhub.clock import iso

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_LIMIT = 500
_DAYS = 90


def path_of(hub: Hub, artifact_id: int) -> Path:
    """The zip file of an artifact."""
    return hub.data / "artifacts" / f"{artifact_id}.zip"


def of_run(hub: Hub, run: Row) -> list[Row]:
    """The artifacts of a run that have not expired; of one name the newest."""
    return hub.db.rows(
        """SELECT * FROM artifacts WHERE id IN (SELECT max(id) FROM artifacts WHERE run_id = ? GROUP BY name)
           AND expires_at > ? ORDER BY id""",
        run["id"],
        hub.now(),
    )


def lay(hub: Hub, run: Row, folder: Path) -> dict[str, Any]:
    """Put the run's artifacts into `folder`, where a job can read them; name -> id."""
    folder.mkdir(mode=0o755)
    found = {}
    for row in of_run(hub, run):
        if path_of(hub, row["id"]).is_file():
            shutil.copyfile(path_of(hub, row["id"]), folder / f"{row['id']}.zip")
            (folder / f"{row['id']}.zip").chmod(0o644)
            found[row["name"]] = {"id": row["id"]}
    return found


def take(hub: Hub, run: Row, folder: Path) -> list[Annotation]:
    """Keep what a job left in `folder`, which is the job's own and may hold anything; what went wrong."""
    if folder.parent.is_symlink() or folder.is_symlink() or not folder.is_dir():
        return []
    wrong = []
    for facts in sorted(folder.glob("*.json"))[:_LIMIT]:
        told = _read(facts, 10_000)
        packed = facts.with_suffix(".zip")
        try:
            wish = json.loads(told or b"null")
            name, days = str(wish["name"]), int(wish["days"] or _DAYS)
        except (ValueError, TypeError, KeyError):
            continue
        there = any(row["name"] == name and row["attempt"] == run["attempt"] for row in of_run(hub, run))
        if there and wish.get("overwrite") is not True:
            wrong.append(f"(409) Conflict: an artifact with this name already exists on the workflow run: {name}")
        elif not _keep(hub, run, name, packed, min(max(days, 1), _DAYS)):
            wrong.append(f"Artifact {name} is no zip file")
    return [Annotation(".github", 1, 1, "failure", f"Failed to CreateArtifact: {text}") for text in wrong]


def _read(path: Path, most: int) -> bytes | None:
    """The start of a plain file; None for a link, a pipe or a device."""
    file = _opened(path)
    if file is None:
        return None
    with file:
        return file.read(most)


def _opened(path: Path) -> BinaryIO | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    file = os.fdopen(handle, "rb")
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return file
    file.close()
    return None


def _keep(hub: Hub, run: Row, name: str, packed: Path, days: int) -> bool:
    if (_read(packed, 2) or b"") != b"PK":
        return False
    now = hub.clock.now()
    staged = path_of(hub, 0).with_name(f"new-{run['id']}-{threading.get_ident()}")
    staged.parent.mkdir(exist_ok=True)
    file = _opened(packed)
    assert file is not None
    with file, staged.open("wb") as copy:
        shutil.copyfileobj(file, copy)
    with staged.open("rb") as copy:
        digest = hashlib.file_digest(copy, "sha256").hexdigest()
    with hub.tx():
        artifact = hub.db.insert(
            "artifacts",
            repo_id=run["repo_id"],
            run_id=run["id"],
            attempt=run["attempt"],
            name=name,
            size=staged.stat().st_size,
            digest=f"sha256:{digest}",
            created_at=iso(now),
            expires_at=iso(now + timedelta(days=days)),
        )
        staged.rename(path_of(hub, artifact))
    return True
