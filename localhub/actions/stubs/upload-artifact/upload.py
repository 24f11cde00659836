"""Runs inside a job: packs the files that `path` names for localhub to take."""

import glob
import hashlib
import json
import os
import sys
import urllib.parse
import zipfile
from typing import NoReturn

KEPT = "/home/runner/.localhub/artifacts"


def fail(message: str) -> NoReturn:
    print(f"::error::{message}")
    sys.exit(1)


def files_of(pattern: str, hidden: bool) -> set[str]:
    found: set[str] = set()
    for path in glob.glob(os.path.expanduser(pattern.rstrip("/")), recursive=True, include_hidden=hidden):
        if os.path.isfile(path):
            found.add(os.path.abspath(path))
        for folder, folders, names in os.walk(path):
            if not hidden:
                folders[:] = [name for name in folders if not name.startswith(".")]
                names = [name for name in names if not name.startswith(".")]
            found.update(os.path.abspath(os.path.join(folder, name)) for name in names)
    return found


def root_of(patterns: list[str], files: set[str]) -> str:
    """One pattern: what it names without its wildcards. Several: the folder they have in common."""
    plain = [pattern for pattern in patterns if not pattern.startswith("!")]
    if len(plain) == 1:
        head = plain[0].split("*")[0].split("?")[0].split("[")[0]
        whole = head == plain[0]
        folder = os.path.abspath(head if whole or head.endswith("/") else os.path.dirname(head) or ".")
        return os.path.dirname(folder) if os.path.isfile(folder) else folder
    return os.path.commonpath([os.path.dirname(file) for file in files])


def main() -> None:
    name, hidden = os.environ["NAME"], os.environ["HIDDEN"] == "true"
    if not name or any(sign in name for sign in '\\/":<>|*?\r\n'):
        fail(f"The artifact name is not valid: {name}")
    patterns = [line.strip() for line in os.environ["PATTERNS"].splitlines() if line.strip()]
    files: set[str] = set()
    for pattern in patterns:
        if pattern.startswith("!"):
            files -= files_of(pattern[1:], hidden)
        else:
            files |= files_of(pattern, hidden)
    if not files:
        text = "No files were found with the provided path: {}. No artifacts will be uploaded.".format(
            ", ".join(patterns)
        )
        missing = os.environ["MISSING"]
        if missing == "error":
            fail(text)
        print(text if missing == "ignore" else f"::warning::{text}")
        return
    with open("/run/input/artifacts.json") as file:
        there = json.load(file)
    target = os.path.join(KEPT, urllib.parse.quote(name, safe=""))
    if os.environ["OVERWRITE"] != "true" and (name in there or os.path.exists(target + ".zip")):
        fail(
            "Failed to CreateArtifact: (409) Conflict: an artifact with this name already exists on the workflow run: "
            + name
        )
    os.makedirs(KEPT, exist_ok=True)
    root = root_of(patterns, files)
    with zipfile.ZipFile(target + ".zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            archive.write(path, os.path.relpath(path, root))
    with open(target + ".json", "w") as facts:
        json.dump({"name": name, "days": os.environ["DAYS"], "overwrite": os.environ["OVERWRITE"] == "true"}, facts)
    with open(target + ".zip", "rb") as packed:
        digest = hashlib.sha256(packed.read()).hexdigest()
    with open(os.environ["GITHUB_OUTPUT"], "a") as output:
        output.write(f"digest={digest}\n")
    print(f"Artifact {name} of {len(files)} files is kept by localhub when the job has ended")


main()
