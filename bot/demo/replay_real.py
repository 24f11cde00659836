"""Two releases of a real package from the package index, replayed with the package's own tests as CI.

`python -m bot.demo.replay_real [--json] [--keep-repo DIR] [--workers N]`; boltons has over 20,000 lines of Python.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
from pathlib import Path

from bot.demo import commands
from bot.demo.stage import scratch

PACKAGE = "boltons"
RELEASES = {
    "24.0.0": "7153feccaea1ff2e1472f68d4b57fadb796a2ee49d29f638f1c9cd8fb5ebd916",
    "25.0.0": "e110fbdc30b7b9868cb604e3f71d4722dd8f4dcb4a5ddd06028ba8f1ab0b5ace",
}
"""version → SHA-256 of its source distribution: another file is refused by pip"""
RUNNER = "pytest==8.4.2"
TESTS = "python3 -m pytest -q -p no:cacheprovider tests"


class FetchFailed(Exception):
    """The package index did not give what was asked for."""


def pip(*arguments: str) -> None:
    """This environment's own pip."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise FetchFailed(f"pip {arguments[0]} failed; is the package index reachable?\n{done.stderr.strip()[-2000:]}")


def release(version: str, folder: Path) -> Path:
    """The files of a release, unpacked."""
    pinned = folder / f"{version}.txt"
    pinned.write_text(f"{PACKAGE}=={version} --hash=sha256:{RELEASES[version]}\n")
    pip("download", "--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", str(pinned), "-d", str(folder))
    with tarfile.open(folder / f"{PACKAGE}-{version}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / f"{PACKAGE}-{version}"


def toolchain(folder: Path) -> Path:
    """A folder with the test runner, which sandboxes see read-only at /toolchain."""
    pip("install", "--target", str(folder / "lib"), RUNNER)
    (folder / "bin").mkdir()
    return folder


def main() -> int:
    """Fetch, then replay."""
    parser = argparse.ArgumentParser(prog="python -m bot.demo.replay_real", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--keep-repo", type=Path, help="leave the resulting repository in this folder")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--max-minutes", type=float, default=30)
    chosen = parser.parse_args()
    with scratch() as folder:
        folder.chmod(0o711)  # sandboxes run under another uid and must find the toolchain
        try:
            before, after = (release(version, folder) for version in RELEASES)
            tools = toolchain(folder / "toolchain")
        except FetchFailed as error:
            print(error, file=sys.stderr)
            return 1
        return commands.replay(
            str(before), str(after), ci=TESTS, workers=chosen.workers, as_json=chosen.json,
            keep_repo=chosen.keep_repo, toolchain=tools, script=None, max_minutes=chosen.max_minutes,
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
