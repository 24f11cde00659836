"""What a replay or a run on one's own repository needs before the stage opens; a person's mistake is `Unusable`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.demo import repository
from bot.demo.replay.trees import Entry, Tree, changes, read_tree
from bot.demo.stage import ModelChoice

CONFIG = ".github/branchwork.yml"
WORKFLOWS = ".github/workflows/"


class Unusable(Exception):
    """What was asked for cannot be done; the text says what to change."""


@dataclass(frozen=True)
class Given:
    """A replay, ready to be staged."""

    base_folder: Path
    target_folder: Path
    target: Tree
    source: Path
    issue: tuple[str, str]
    set_aside: tuple[str, ...]
    """paths that stand on both sides in one form, because a bot may not or should not change them"""


def set_up(base: str, target: str, ci: str | None, folder: Path, workers: int) -> Given:
    """Read both trees; give them the same CI and configuration; make the repository to start from."""
    before, after = tree_of(base), tree_of(target)
    before, after, aside = same_workflows(before, after, ci)
    config = Entry("100644", replay_config(ci, workers).encode())
    aside = tuple(dict.fromkeys([*aside, CONFIG]))
    before, after = {**before, CONFIG: config}, {**after, CONFIG: config}
    count = len(changes(before, after))
    if not count:
        raise Unusable(f"{base} and {target} hold the same files: there is nothing to replay")
    body = f"{count} files differ between {base} and {target}. Bring the repository from the one to the other."
    return Given(
        base_folder=write(folder / "base", before),
        target_folder=write(folder / "target", after),
        target=after,
        source=repository.make(folder / "source.git", before, f"The state of {base}"),
        issue=(f"Bring the repository to {Path(target).name or target}", body),
        set_aside=aside,
    )


def tree_of(name: str) -> dict[str, Entry]:
    """A folder's files, or those of a commit of the repository in the current folder."""
    if Path(name).is_dir():
        return read_tree(Path(name))
    here = Path.cwd()
    try:
        return repository.read(here, repository.resolve(here, name))
    except repository.GitTrouble as error:
        raise Unusable(f"{name} is neither a folder nor a commit of a git repository in {here}") from error


def same_workflows(
    base: Tree, target: Tree, ci: str | None
) -> tuple[dict[str, Entry], dict[str, Entry], tuple[str, ...]]:
    """One CI on both sides: the given command, else the target's own workflows. The third value names what changed.

    A bot's token may not change workflow files on GitHub, so they cannot be part of what is replayed.
    """
    if ci is None and not any(p.startswith(WORKFLOWS) for p in {*base, *target}):
        raise Unusable("neither side has a workflow in .github/workflows: give --ci COMMAND, which CI shall run")
    wanted = (
        {f"{WORKFLOWS}ci.yml": Entry("100644", workflow(ci).encode())}
        if ci is not None
        else {p: e for p, e in target.items() if p.startswith(WORKFLOWS)}
    )
    names = {p for p in {*base, *target, *wanted} if p.startswith(WORKFLOWS)}
    aside = sorted(p for p in names if not (base.get(p) == target.get(p) == wanted.get(p)))
    sides = [{**{p: e for p, e in side.items() if p not in names}, **wanted} for side in (base, target)]
    return sides[0], sides[1], tuple(aside)


def workflow(command: str) -> str:
    """A workflow file that runs one command on pull requests, the target branch and trains."""
    return yaml.safe_dump(
        {
            "name": "CI",
            "on": {"pull_request": None, "push": {"branches": ["main", "branchwork/**/train"]}},
            "jobs": {
                "tests": {
                    "runs-on": "ubuntu-latest",
                    "steps": [{"uses": "actions/checkout@v4"}, {"name": "Tests", "run": command}],
                }
            },
        },
        sort_keys=False,
    )


def replay_config(ci: str | None, workers: int) -> str:
    """Nobody is asked, everything that is green lands; caps wide enough for a large change."""
    return yaml.safe_dump(
        {
            "approve": "never",
            "merge": {"who": "when_green"},
            "limits": {"depth": 6, "workers": workers, "issues": 2000, "review_lines": 1_000_000,
                       "tokens": 2_000_000_000},
            "commands": {"test": ci} if ci else {},
            "protect": [".github/**"],
        },
        sort_keys=False,
    )  # fmt: skip


def write(folder: Path, tree: Tree) -> Path:
    """A tree as a folder."""
    for path, entry in tree.items():
        at = folder / path
        at.parent.mkdir(parents=True, exist_ok=True)
        if entry.mode == "120000":
            at.symlink_to(entry.data.decode("utf-8", "surrogateescape"))
        else:
            at.write_bytes(entry.data)
            at.chmod(0o755 if entry.mode == "100755" else 0o644)
    return folder


def own_model(environment: Mapping[str, str]) -> ModelChoice:
    """The real model that the environment names."""
    key, url = environment.get("OPENAI_API_KEY", ""), environment.get("OPENAI_BASE_URL")
    name = environment.get("BRANCHWORK_MODEL", "")
    if not key and not url:
        raise Unusable("no model: set OPENAI_API_KEY, or OPENAI_BASE_URL and BRANCHWORK_MODEL for a server of your own")
    if url and not name:
        raise Unusable("OPENAI_BASE_URL is set: set BRANCHWORK_MODEL to the name of the model there")
    return ModelChoice(key=key or "none", base_url=url, name=name)


def prepared(repo: Path, folder: Path) -> tuple[Path, str]:
    """A copy of the person's repository with its checked-out branch as `main`, and its name."""
    if not repo.is_dir():
        raise Unusable(f"--repo {repo}: there is no such folder")
    try:
        sha = repository.resolve(repo, "HEAD")
    except repository.GitTrouble as error:
        raise Unusable(f"--repo {repo}: it is no git repository with a commit ({error})") from error
    source = folder / "source.git"
    source.mkdir()
    repository.git(source, "init", "-q", "--bare", "-b", "main", ".")
    repository.git(source, "fetch", "-q", "--no-tags", str(repo.absolute()), f"{sha}:refs/heads/main")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", repo.absolute().name).strip("-.") or "project"
    return source, name


def people_merge(source: Path) -> bool:
    """Whether the repository's configuration leaves merging to people, which is the default."""
    entry = repository.read(source, "main").get(CONFIG)
    try:
        config = yaml.safe_load(entry.data) if entry else None
    except yaml.YAMLError:
        return False  # the bot itself answers a broken configuration, with the line
    merge = config.get("merge") if isinstance(config, dict) else None
    return not isinstance(merge, dict) or merge.get("who", "people") == "people"
