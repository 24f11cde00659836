"""What holds a backend together: its self-test, its death with its launcher, other users, and the external backend."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from worker.intake import Change
from worker.sandbox import Result, SandboxCommand, SandboxError, SandboxLimits, SandboxUnavailable
from worker.sandbox.bubblewrap import Bubblewrap
from worker.sandbox.cgroups import detect
from worker.sandbox.external import External
from worker.sandbox.selftest import remedy, selftest
from worker.workspace import Committed, Workspace, Workspaces

PACKAGES = next(path for path in sys.path if path.endswith("site-packages"))
ROOT = Path(__file__).parents[2]


def test_bubblewrap_proves_itself_and_is_asked_once(sandbox: Bubblewrap) -> None:
    selftest(sandbox)
    started = time.monotonic()
    selftest(sandbox)
    assert time.monotonic() - started < 0.002


def test_a_backend_that_does_not_hold_is_refused() -> None:
    with pytest.raises(
        SandboxUnavailable, match="external sandbox does not hold on this machine: a file of the host can be read"
    ):
        selftest(External(the_machine_is_disposable=True))


class Unbuildable:
    name = "unbuildable"

    def path(self, source: Path, target: str) -> str:
        return target

    def run(self, command: SandboxCommand) -> Result:
        raise SandboxError("bwrap: No permissions to create new namespace")


def test_a_backend_that_cannot_be_built_says_what_to_do() -> None:
    with pytest.raises(
        SandboxUnavailable, match=r"No permissions to create new namespace\n.*[Rr]un: sysctl|--security-opt"
    ):
        selftest(Unbuildable())


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "bwrap-userns-restrict"),
        ("kernel/apparmor_restrict_unprivileged_userns", "0", "--security-opt seccomp=unconfined"),
    ],
)
def test_remedies(tmp_path: Path, setting: str, value: str, told: str) -> None:
    path = tmp_path / "sys" / setting
    path.parent.mkdir(parents=True)
    path.write_text(f"{value}\n")
    assert told in remedy(tmp_path)


def test_long_commands_and_any_text_get_through(sandbox: Bubblewrap, workspace: Workspace) -> None:
    text = "ä\u2028'\"$\\" * 60_000
    result = sandbox.run(workspace.command(f"cat <<'EOF' | wc -m\n{text}\nEOF\n"))
    assert result.output.strip() == str(len(text) + 1)


LAUNCHER = """
import sys
from pathlib import Path
from worker.sandbox import SandboxCommand
from worker.sandbox.bubblewrap import Bubblewrap
Bubblewrap().run(SandboxCommand(command="exec sleep " + sys.argv[2], workspace=Path(sys.argv[1])))
"""


def test_a_group_left_by_a_dead_process_is_swept(sandbox: Bubblewrap) -> None:
    if sandbox.limits_by == "rlimits":
        pytest.skip("no control groups here")
    with subprocess.Popen([sys.executable, "-c", LEAVE], env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        process.wait()
    assert groups_of(process.pid)
    detect()
    assert not groups_of(process.pid)


LEAVE = """
import subprocess
from worker.sandbox import SandboxLimits
from worker.sandbox.cgroups import detect, JOIN
group = detect().open(SandboxLimits())
subprocess.Popen(["/bin/sh", "-c", JOIN + "; exec sleep 300", "join", *group.join])
"""


def groups_of(pid: int) -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"**/branchwork-{pid}-*"))


def test_a_sandbox_dies_with_its_launcher(workspace: Workspace) -> None:
    env, marker = {**os.environ, "PYTHONPATH": str(ROOT)}, f"4{os.getpid():08}"
    with subprocess.Popen([sys.executable, "-c", LAUNCHER, str(workspace.tree), marker], env=env) as launcher:
        until = time.monotonic() + 20
        try:
            while not sleeping(marker) and time.monotonic() < until:
                time.sleep(0.02)
            assert sleeping(marker)
        finally:
            launcher.send_signal(signal.SIGKILL)
    while sleeping(marker) and time.monotonic() < until:
        time.sleep(0.02)
    assert not sleeping(marker)


def sleeping(marker: str) -> bool:
    found = False
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found = found or path.read_bytes() == f"sleep\0{marker}\0".encode()
        except OSError:
            continue
    return found


def other_users_python(uid: int) -> str | None:
    """An interpreter that another uid can start with our packages; a private one in a home cannot be."""
    for python in (sys.executable, "/usr/bin/python3"):
        command = [
            "setpriv",
            f"--reuid={uid}",
            f"--regid={uid}",
            "--clear-groups",
            python,
            "-c",
            "import pytest, pydantic_core",
        ]
        if (
            Path(python).exists()
            and subprocess.run(command, env={"PYTHONPATH": PACKAGES}, capture_output=True).returncode == 0
        ):
            return python
    return None


def test_an_ordinary_user_is_held_as_well(as_root: bool, shared: Path) -> None:
    """The escapes that depend on who starts bwrap, run by a user without any privilege."""
    uid = 54321
    python = other_users_python(uid) if as_root else None
    if python is None:
        pytest.skip("runs as an ordinary user already" if not as_root else "no interpreter that another user can start")
    home = shared / "home"
    home.mkdir()
    os.chown(home, uid, uid)
    chosen = (
        "environment or bwrap or families or starve or pids or memory or survives or privilege or dev or key_of or git"
    )
    done = subprocess.run(
        ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", python, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         f"--basetemp={home}/t", "-k", chosen, "tests/worker/test_escape.py", "tests/worker/test_escape_calls.py",
         "tests/worker/test_limits.py", "tests/worker/test_planted.py"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": PACKAGES, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]


# --- external: limits and a clean environment, no isolation


@pytest.fixture
def external() -> External:
    return External(the_machine_is_disposable=True)


def test_external_must_be_stated() -> None:
    with pytest.raises(SandboxError, match="the operator must say"):
        External(the_machine_is_disposable=False)


def test_external_does_the_whole_way(
    external: External, shared: Path, repo: Any, change: Change, monkeypatch: pytest.MonkeyPatch, as_root: bool
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    workspaces = Workspaces(shared / "external", external)
    workspace = workspaces.create(repo.mirror, repo.base, "x1")
    result = external.run(workspace.command("env; id -u; git status --porcelain; echo new > new; exit 4"))
    assert result.exit_code == 4
    assert "sk-canary" not in result.output
    assert str(workspace.uid) in result.output.split()
    committed = workspaces.commit(workspace, change)
    assert isinstance(committed, Committed)
    assert committed.files == ("new",)
    assert workspaces.verify(repo.mirror, committed.sha, ["cat new"])[0].output == "new\n"
    workspaces.remove(workspace.id)


def test_external_holds_limits(external: External, workspace: Workspace) -> None:
    def run(command: str, **limits: Any) -> Result:
        return external.run(workspace.command(command, limits=SandboxLimits(**limits)))

    assert run("sleep 60", wall_s=0.3).timed_out
    assert run("yes", output_bytes=1000).output_capped
    assert not run("head -c 9M /dev/zero > big", file_bytes=1 << 20).ok
