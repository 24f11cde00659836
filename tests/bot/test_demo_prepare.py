"""What runs need before and after the stage: trees in and out of git, one CI on both sides, hidden tests, commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from bot.cli import cli
from bot.demo import commands, prepare, repository, stage
from bot.demo.proof import accepted
from bot.demo.replay.trees import Entry, read_tree

SAMPLE = commands.SAMPLE
ODD = {
    ".gitattributes": Entry("100644", b"* text=auto eol=crlf\n"),
    ".gitignore": Entry("100644", b"*.log\n"),
    "a b/c\td.txt": Entry("100644", b"one\r\ntwo\n"),
    "caf\u00e9.txt": Entry("100644", b""),
    "kept.log": Entry("100644", b"\0\1\2"),
    'quote".sh': Entry("100755", b"#!/bin/sh\n"),
    "link": Entry("120000", b"a b"),
}


def test_trees_pass_through_git_byte_for_byte(tmp_path: Path) -> None:
    made = repository.make(tmp_path / "r.git", ODD, "Odd")
    assert repository.read(made, "main") == ODD
    more = {"extra/x.py": Entry("100644", b"x = 1\n")}
    sha = repository.with_files(made, "main", more)
    assert repository.read(made, sha) == {**ODD, **more}
    assert repository.read(made, "main") == ODD
    assert read_tree(prepare.write(tmp_path / "out", ODD)) == ODD


def test_a_command_becomes_the_ci_of_both_sides() -> None:
    before = {"x": Entry("100644", b"1"), ".github/workflows/old.yml": Entry("100644", b"on: push")}
    after = {"x": Entry("100644", b"2"), ".github/workflows/new.yaml": Entry("100644", b"on: push")}
    base, target, aside = prepare.same_workflows(before, after, "make check")
    assert set(base) == set(target) == {"x", ".github/workflows/ci.yml"}
    assert base[".github/workflows/ci.yml"] == target[".github/workflows/ci.yml"]
    assert aside == (".github/workflows/ci.yml", ".github/workflows/new.yaml", ".github/workflows/old.yml")
    said = yaml.load(base[".github/workflows/ci.yml"].data, yaml.BaseLoader)
    assert said["on"] == {"pull_request": "null", "push": {"branches": ["main", "branchwork/**/train"]}}
    assert said["jobs"]["tests"]["steps"][1]["run"] == "make check"


def test_without_a_command_the_targets_workflows_hold_on_both_sides() -> None:
    mine = Entry("100644", b"on: pull_request")
    base, target, aside = prepare.same_workflows({}, {".github/workflows/ci.yml": mine}, None)
    assert base == target == {".github/workflows/ci.yml": mine}
    assert aside == (".github/workflows/ci.yml",)
    with pytest.raises(prepare.Unusable, match="give --ci COMMAND"):
        prepare.same_workflows({}, {}, None)


def test_commits_and_folders_name_trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = repository.make(tmp_path / "r.git", ODD, "Odd")
    monkeypatch.chdir(made)
    assert prepare.tree_of("main") == ODD
    with pytest.raises(prepare.Unusable, match="neither a folder nor a commit"):
        prepare.tree_of("nothing")
    with pytest.raises(prepare.Unusable, match="nothing to replay"):
        prepare.set_up("main", "main", "true", tmp_path / "work", 2)


@pytest.mark.parametrize(("config", "people"), [
    (None, True), (b"merge: {who: when_green}\n", False), (b"merge: {who: people}\n", True), (b"label: x\n", True),
])  # fmt: skip
def test_who_merges_is_read_from_the_configuration(tmp_path: Path, config: bytes | None, people: bool) -> None:
    tree = {"x": Entry("100644", b"")} | ({prepare.CONFIG: Entry("100644", config)} if config else {})
    assert prepare.people_merge(repository.make(tmp_path / "r.git", tree, "One")) is people


def test_only_the_finished_sample_passes_its_hidden_tests(tmp_path: Path) -> None:
    tests = read_tree(SAMPLE / "acceptance")
    for name, passes in (("target", True), ("base", False)):
        made = repository.make(tmp_path / name, read_tree(SAMPLE / name), name)
        ok, words = accepted(made, tests)
        assert ok is passes, words


def test_the_demos_app_is_the_one_of_the_manifest() -> None:
    manifest = yaml.safe_load((Path(__file__).parents[2] / "app.yml").read_text())
    assert manifest["default_permissions"] == stage.PERMISSIONS
    assert manifest["default_events"] == stage.EVENTS


def test_a_run_without_a_model_says_what_to_set(tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": "", "BRANCHWORK_MODEL": ""}
    said = CliRunner().invoke(cli, ["run", "--repo", str(tmp_path), "--issue", str(tmp_path / "x.md")], env=env)
    assert said.exit_code == 2
    assert said.stderr.strip() == (
        "no model: set OPENAI_API_KEY, or OPENAI_BASE_URL and BRANCHWORK_MODEL for a server of your own"
    )


def test_heavy_libraries_are_imported_by_the_commands_that_need_them() -> None:
    probe = "import sys, json, bot.cli; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not {"dbos", "openai", "github", "sqlalchemy", "fastapi", "httpx"} & set(json.loads(done.stdout))
