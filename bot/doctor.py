"""`branchwork doctor`: what this machine and the settings lack, and what to do about it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable

OLDEST_PYTHON = (3, 11)


class Lacking(Exception):
    """A check found something missing; the text says what to do."""


def report() -> int:
    """Run every check and print one line for each; the exit code is 1 when something is missing."""
    wrong = 0
    for name, check in CHECKS.items():
        try:
            print(f"ok      {name}: {check()}")
        except Lacking as lacking:
            wrong += 1
            print(f"missing {name}: {lacking}")
    return 1 if wrong else 0


def python() -> str:
    """The interpreter's version."""
    if sys.version_info < OLDEST_PYTHON:
        raise Lacking(f"python {sys.version.split()[0]} is too old; install python 3.11 or newer")
    return sys.version.split()[0]


def git() -> str:
    """Git's version."""
    if shutil.which("git") is None:
        raise Lacking("git is not installed: sudo apt-get install git")
    return subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def sandbox() -> str:
    """Whether commands can be confined here: the same self-test that `serve` begins with."""
    from worker.sandbox import SandboxError
    from worker.sandbox.bubblewrap import Bubblewrap
    from worker.sandbox.selftest import selftest

    try:
        selftest(Bubblewrap())
    except SandboxError as error:
        raise Lacking(str(error)) from error
    return "bubblewrap confines commands"


def settings() -> str:
    """The service's settings, as `serve` reads them."""
    from bot import agent_settings
    from bot.config import SettingsError, load

    try:
        found = load()
        agent_settings.load()
    except SettingsError as error:
        raise Lacking("; ".join(str(error).splitlines())) from error
    return f"app {found.app_id} at {found.github_api_url}"


def github() -> str:
    """Whether GitHub knows the app by its key."""
    from bot.config import SettingsError, load
    from bot.github.errors import GitHubError
    from bot.github.gateway import Gateways

    try:
        found = load()
    except SettingsError as error:
        raise Lacking("needs the settings above") from error
    gateways = Gateways(found.app_id, found.private_key_pem(), found.github_api_url)
    try:
        return f"the app is {gateways.app().slug}"
    except GitHubError as error:
        raise Lacking(f"{found.github_api_url} does not accept the app's key: {error}") from error
    finally:
        gateways.close()


CHECKS: dict[str, Callable[[], str]] = {
    "python": python,
    "git": git,
    "sandbox": sandbox,
    "settings": settings,
    "github": github,
}
