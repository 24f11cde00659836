"""Runs inside a job: unpacks artifacts of the run, which localhub laid beside it."""

import fnmatch
import json
import os
import sys
import zipfile


def main() -> None:
    with open("/run/input/artifacts.json") as file:
        there = json.load(file)
    name, ids = os.environ["NAME"], os.environ["IDS"].split(",") if os.environ["IDS"] else []
    target = os.path.abspath(os.path.expanduser(os.environ["TARGET"] or os.environ["GITHUB_WORKSPACE"]))
    if os.environ["OTHER"] not in ("", os.environ["GITHUB_RUN_ID"]):
        print("::error::artifacts of another run are not available inside of a job in localhub")
        sys.exit(1)
    if name:
        wanted = [name] if name in there else []
    elif ids:
        wanted = [one for one, facts in there.items() if str(facts["id"]) in [each.strip() for each in ids]]
    else:
        wanted = [one for one in there if fnmatch.fnmatchcase(one, os.environ["PATTERN"] or "*")]
    if (name or ids) and not wanted:
        print(f"::error::Unable to download artifact(s): Artifact not found for name: {name or ids}")
        sys.exit(1)
    alone = bool(name) or os.environ["MERGE"] == "true" or (bool(ids) and len(wanted) == 1)
    for one in wanted:
        folder = target if alone else os.path.join(target, one)
        os.makedirs(folder, exist_ok=True)
        with zipfile.ZipFile(f"/run/artifacts/{there[one]['id']}.zip") as archive:
            archive.extractall(folder)
        print(f"Artifact {one} is in {folder}")
    with open(os.environ["GITHUB_OUTPUT"], "a") as output:
        output.write(f"path={target}\n")


main()
