"""Checkouts for attempts: made from one bare mirror, committed through a second sandbox, gone without a trace.

    root/attempts/ID/       an attempt's workspace: tree (its /workspace), git (its read-only .git), outputs, meta.json
    root/scratch/OWNER-N/   what is being built, checked or verified; of no use after a crash
    root/slots/N            taken uids: as root, each workspace has a uid of its own, so that none can starve another
    root/owners/OWNER       locked while its process runs; `sweep` removes what others have left

The mirror belongs to the trusted side, and workers' commits enter it under refs/branchwork/attempts/ID alone.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from worker import intake
from worker.git import git, make_git_dir
from worker.intake import Change, Committed, Empty, Refused, Rules
from worker.owners import Owners
from worker.sandbox import WORKSPACE, Mount, Sandbox, SandboxCommand, SandboxLimits
from worker.slots import Slots, reachable, readable
from worker.task import Frozen

__all__ = ["Change", "CommandResult", "Committed", "Empty", "Refused", "Rules", "Workspace", "Workspaces"]

MIRROR_OBJECTS = "/mirror/objects"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SHA = re.compile(r"[0-9a-f]{40}")
_counter = itertools.count()


@dataclass(frozen=True)
class Workspace:
    """One attempt's checkout. `tree` belongs to `uid` and holds whatever a worker put there: never trust it."""

    id: str
    folder: Path
    mirror: Path
    base: str
    uid: int
    toolchain: Path | None = None

    @property
    def tree(self) -> Path:
        """What a sandbox sees as /workspace."""
        return self.folder / "tree"

    @property
    def git_dir(self) -> Path:
        """What a sandbox sees, read-only, as /workspace/.git. The trusted side never runs git on it."""
        return self.folder / "git"

    @property
    def outputs(self) -> Path:
        """What a sandbox sees, read-only, as /outputs: long outputs of commands."""
        return self.folder / "outputs"

    def command(self, text: str, *, writable: bool = True, limits: SandboxLimits | None = None) -> SandboxCommand:
        """A command in this workspace, with .git and all of the toolchain read-only."""
        return SandboxCommand(
            command=text,
            workspace=self.tree,
            writable=writable,
            git_dir=self.git_dir,
            mounts=(
                Mount(source=self.mirror / "objects", target=MIRROR_OBJECTS),
                Mount(source=self.outputs, target="/outputs"),
            ),
            toolchain=self.toolchain,
            limits=limits or SandboxLimits(),
        )


class CommandResult(Frozen):
    """What a trusted command did on a committed tree. `ok`: it ended by itself with exit code 0."""

    command: str
    ok: bool
    exit_code: int
    ending: str
    output: str
    wall_s: float


class Workspaces:
    """All workspaces of one machine."""

    def __init__(self, root: Path, sandbox: Sandbox) -> None:
        self._root = root.resolve()
        self._sandbox = sandbox
        for name in ("attempts", "scratch", "slots", "owners"):
            (self._root / name).mkdir(parents=True, exist_ok=True)
        for path in (self._root, self._root / "attempts", self._root / "scratch"):
            path.chmod(0o711)
        self._owners = Owners(self._root / "owners")
        self._slots = Slots(self._root / "slots", self._owners.name)

    def create(self, mirror: Path, base_sha: str, attempt_id: str, *, toolchain: Path | None = None) -> Workspace:
        """A pristine checkout of `base_sha`; one that exists under this id is replaced."""
        if not NAME.fullmatch(attempt_id):
            raise ValueError(f"{attempt_id!r} is no attempt id")
        self.remove(attempt_id)
        with self._scratch() as scratch, self._slot(attempt_id) as uid:
            building = scratch / "workspace"
            self._build(building, mirror.resolve(), base_sha, uid)
            meta = {"mirror": str(mirror.resolve()), "base": base_sha, "uid": uid, "owner": self._owners.name}
            meta["toolchain"] = str(toolchain.resolve()) if toolchain else None
            (building / "meta.json").write_text(json.dumps(meta))
            building.rename(self._root / "attempts" / attempt_id)
        workspace = self.open(attempt_id)
        assert workspace is not None
        return workspace

    def open(self, attempt_id: str) -> Workspace | None:
        """The workspace of an attempt as it is, or None."""
        folder = self._root / "attempts" / attempt_id
        if not NAME.fullmatch(attempt_id) or not (folder / "meta.json").exists():
            return None
        meta = json.loads((folder / "meta.json").read_text())
        toolchain = Path(meta["toolchain"]) if meta["toolchain"] else None
        return Workspace(attempt_id, folder, Path(meta["mirror"]), meta["base"], meta["uid"], toolchain)

    def commit(self, workspace: Workspace, change: Change, rules: Rules | None = None) -> Committed | Refused | Empty:
        """Take what the worker left in the tree into the mirror as one commit on the base, if the rules allow it."""
        with self._scratch() as scratch:
            git_dir = scratch / "git"
            seen = self._sandbox.path
            make_git_dir(git_dir, workspace.base, seen(workspace.mirror / "objects", MIRROR_OBJECTS))
            intake.write_inputs(git_dir, change, workspace.tree)
            self._slots.give(git_dir, workspace.uid)
            command = SandboxCommand(
                command=intake.script(workspace.base, change, seen(git_dir, "/git"), seen(workspace.tree, WORKSPACE)),
                workspace=workspace.tree,
                writable=False,
                mounts=(
                    Mount(source=workspace.mirror / "objects", target=MIRROR_OBJECTS),
                    Mount(source=git_dir, target="/git", writable=True),
                ),
                limits=SandboxLimits(wall_s=300),
            )
            result = self._sandbox.run(command)
            return intake.take(
                intake.Target(workspace.mirror, workspace.base, workspace.id), scratch, result, change, rules or Rules()
            )

    def verify(
        self,
        mirror: Path,
        sha: str,
        commands: Sequence[str],
        *,
        toolchain: Path | None = None,
        limits: SandboxLimits | None = None,
    ) -> tuple[CommandResult, ...]:
        """Run each trusted command in a fresh sandbox on a fresh checkout of a committed tree."""
        return tuple(self._verify(mirror.resolve(), sha, command, toolchain, limits) for command in commands)

    def _verify(
        self, mirror: Path, sha: str, command: str, toolchain: Path | None, limits: SandboxLimits | None
    ) -> CommandResult:
        with self._scratch() as scratch:
            name = scratch.name
            with self._slot(name) as uid:
                self._build(scratch / "workspace", mirror, sha, uid)
                workspace = Workspace(name, scratch / "workspace", mirror, sha, uid, toolchain)
                result = self._sandbox.run(workspace.command(command, limits=limits))
            self._slots.release(name)
        return CommandResult(
            command=command,
            ok=result.ok,
            exit_code=result.exit_code,
            ending=result.ending,
            output=result.output,
            wall_s=result.wall_s,
        )

    def remove(self, attempt_id: str) -> None:
        """Delete a workspace, whatever a worker made of it; may be called twice."""
        folder = self._root / "attempts" / attempt_id
        if NAME.fullmatch(attempt_id) and folder.exists():
            with self._scratch() as scratch, contextlib.suppress(FileNotFoundError):  # another one sweeps too
                folder.rename(scratch / "gone")
        self._slots.release(attempt_id)

    def sweep(self) -> tuple[str, ...]:
        """Remove the workspaces of processes that have died, and all else that they left; returns the ids removed."""
        for folder in (self._root / "scratch").iterdir():
            if not self._owners.alive(folder.name.partition("-")[0]):
                delete(folder)
        gone = tuple(sorted(f.name for f in (self._root / "attempts").iterdir() if not self._owners.alive(_owner(f))))
        for name in gone:
            self.remove(name)
        self._slots.sweep(self._owners.alive)
        self._owners.forget_dead()
        return gone

    @contextlib.contextmanager
    def _slot(self, name: str) -> Iterator[int]:
        """The uid of `name`, which keeps it unless something fails."""
        uid = self._slots.claim(name)
        try:
            yield uid
        except BaseException:
            self._slots.release(name)
            raise

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[Path]:
        folder = self._root / "scratch" / f"{self._owners.name}-{next(_counter)}"
        try:
            folder.mkdir(mode=0o711)
            folder.chmod(0o711)
            yield folder
        finally:
            delete(folder)

    def _build(self, folder: Path, mirror: Path, sha: str, uid: int) -> None:
        """A checkout whose files belong to `uid`: one `git reset --hard` on a GIT_DIR that borrows all objects."""
        if not SHA.fullmatch(sha):
            raise ValueError(f"{sha!r} is no full commit SHA")
        readable(mirror / "objects", uid)
        reachable(self._root, uid)
        if (mirror / "objects/info/alternates").exists():
            raise ValueError(f"{mirror} borrows objects from elsewhere, which a sandbox does not see: clone it whole")
        folder.mkdir(mode=0o711)
        folder.chmod(0o711)
        tree, git_dir, outputs = folder / "tree", folder / "git", folder / "outputs"
        for path in (tree, tree / ".git", outputs):
            path.mkdir()
        make_git_dir(git_dir, sha, self._sandbox.path(mirror / "objects", MIRROR_OBJECTS))
        self._slots.give(tree, uid)
        self._slots.give(git_dir, uid)
        tree.chmod(0o700)
        outputs.chmod(0o755)
        env = {"GIT_WORK_TREE": str(tree), "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(mirror / "objects")}
        # The alternates file names the path inside the sandbox; outside, git would warn that it is not there.
        git("reset", "--hard", "--quiet", sha, git_dir=git_dir, env=env, user=self._slots.user(uid))


def _owner(attempt: Path) -> str:
    """Who made a workspace; nobody, when another process is just taking it away."""
    try:
        return str(json.loads((attempt / "meta.json").read_text())["owner"])
    except (FileNotFoundError, KeyError):
        return ""


def delete(folder: Path) -> None:
    """Remove a folder that a worker may have filled: any depth, any modes; links are not followed."""
    if not folder.exists():
        return
    subprocess.run(["chmod", "-R", "u+rwX", "--", str(folder)], check=False, capture_output=True, env={"PATH": PATH})
    subprocess.run(["rm", "-rf", "--one-file-system", "--", str(folder)], check=True, env={"PATH": PATH})


PATH = "/usr/bin:/bin"
