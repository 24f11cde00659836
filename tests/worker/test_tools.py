"""The tools on a real workspace: what a model sees, and that files stay inside."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.files import Files, split
from worker.harness.builtin import Builtin
from worker.messages import ModelAnswer, ToolFailure, ToolMistake, ToolResult
from worker.sandbox import Result, SandboxCommand, SandboxError
from worker.sandbox.bubblewrap import Bubblewrap
from worker.task import Acceptance, Brief, Limits
from worker.tools import SEARCH, Toolbox
from worker.workspace import Workspace

Use = Callable[..., str]


@pytest.fixture
def box(workspace: Workspace, sandbox: Bubblewrap) -> Toolbox:
    return Toolbox(workspace, sandbox, Limits(output_chars=2000))


@pytest.fixture
def use(box: Toolbox) -> Use:
    tools = {tool.spec.name: tool for tool in box.writing()}

    def call(name: str, **arguments: Any) -> str:
        return tools[name].call(json.dumps(arguments), 30)

    return call


def test_the_sets(box: Toolbox) -> None:
    reading = [tool.spec.name for tool in box.reading()]
    assert reading == ["list_files", "search", "read_file", "git_log"]
    writing = [tool.spec.name for tool in box.writing()]
    assert writing == [*reading, "write_file", "apply_patch", "delete_file", "run"]
    for tool in box.writing():
        assert tool.spec.parameters["additionalProperties"] is False


def test_list_files(use: Use) -> None:
    use("write_file", path="new.txt", content="x")
    use("write_file", path="x.log", content="ignored")
    use("delete_file", path="README.md")
    assert use("list_files").splitlines() == [".github/workflows/ci.yml", ".gitignore", "new.txt", "src/calc.py"]
    assert use("list_files", path="src") == "src/calc.py"
    assert use("list_files", glob="*.yml") == ".github/workflows/ci.yml"
    assert use("list_files", glob="*.c") == "no files"
    with pytest.raises(ToolMistake):
        use("list_files", path="../..")


def test_search(use: Use) -> None:
    assert use("search", pattern=r"return\s+a") == "src/calc.py:2:    return a + b\n"
    assert (
        use("search", pattern="RETURN", path="src", glob="*.py", ignore_case=True) == "src/calc.py:2:    return a + b\n"
    )
    assert use("search", pattern="-e nothing; echo x") == "no matches"
    with pytest.raises(ToolMistake, match=r"regex|parenthes|Unmatched"):
        use("search", pattern="(")


def test_search_without_ripgrep(use: Use, workspace: Workspace, sandbox: Bubblewrap) -> None:
    script = SEARCH.format(rg="", grep="-e 'return a'", path=".")
    without = f"mkdir /tmp/p; ln -s /usr/bin/grep /tmp/p/grep; PATH=/tmp/p\n{script}"
    assert sandbox.run(workspace.command(without)).output == "./" + use("search", pattern="return a")


def test_read_file(use: Use, workspace: Workspace) -> None:
    assert use("read_file", path="src/calc.py") == "     1\tdef add(a, b):\n     2\t    return a + b"
    assert use("read_file", path="/workspace/src/calc.py", start=2, count=1) == "     2\t    return a + b"
    assert use("read_file", path="src/calc.py", count=1).endswith("[lines 2 to 2 not shown]")
    (workspace.tree / "empty").touch()
    assert use("read_file", path="empty") == "[empty file]"
    (workspace.tree / "binary").write_bytes(b"\0\1")
    for path, told in [("nope", "does not exist"), ("src", "not a plain file"), ("binary", "binary file of 2 bytes"), ("../x", "not a path"),
                       ("/etc/passwd", "not in /workspace"), (".git/config", "cannot be reached"), ("a/.GIT/x", "cannot be reached"), ("", "not a path")]:  # fmt: skip
        with pytest.raises(ToolMistake, match=told):
            use("read_file", path=path)
    with pytest.raises(ToolMistake, match="has 2 lines"):
        use("read_file", path="src/calc.py", start=9)


def test_git_log(use: Use) -> None:
    assert use("git_log").endswith("a: Start")
    assert use("git_log", path="never") == "no commits"


def test_write_and_patch_and_delete(use: Use, box: Toolbox, workspace: Workspace) -> None:
    use("write_file", path="a/b/run.sh", content="#!/bin/sh\necho 1\n", executable=True)
    use("write_file", path="a/b/run.sh", content="#!/bin/sh\necho 2\n")
    assert use("run", command="a/b/run.sh").splitlines()[1:] == ["2"]
    patch = "*** Begin Patch\n*** Update File: src/calc.py\n-    return a + b\n+    return b + a\n*** Delete File: README.md\n*** End Patch"
    assert use("apply_patch", patch=patch) == "wrote src/calc.py\ndeleted README.md"
    assert (workspace.tree / "src/calc.py").read_text().endswith("return b + a\n")
    assert use("delete_file", path="a/b/run.sh") == "deleted a/b/run.sh"
    assert not (workspace.tree / "a").exists()
    assert box.written == {"a/b/run.sh", "src/calc.py"}
    assert {path.lstat().st_uid for path in workspace.tree.rglob("*")} == {workspace.uid}


def test_a_patch_that_does_not_fit_changes_nothing(use: Use, workspace: Workspace) -> None:
    patch = "*** Begin Patch\n*** Add File: new\n+x\n*** Update File: src/calc.py\n-nope\n+x\n*** End Patch"
    with pytest.raises(ToolMistake, match="these lines are not there"):
        use("apply_patch", patch=patch)
    assert not (workspace.tree / "new").exists()


def test_run_shows_head_and_tail_and_keeps_the_rest(use: Use) -> None:
    assert use("run", command="echo out; echo err >&2; exit 3").splitlines()[1:] == ["out", "err"]
    shown = use("run", command="seq 10000")
    assert shown.startswith("[exit code 0, ")
    assert "[whole output: /outputs/run-1.txt]\n1\n2\n" in shown
    assert shown.endswith("9999\n10000\n")
    assert len(shown) <= 2000
    assert use("read_file", path="/outputs/run-1.txt", start=5000, count=1).startswith("  5000\t5000\n")
    assert use("run", command="tail -n 1 /outputs/run-1.txt").endswith("\n10000\n")
    assert use("run", command="sleep 30", timeout_s=0.3).startswith("[killed: time limit")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("write_file", {"path": "x"}),
        ("run", {"command": "x", "user": "root"}),
        ("read_file", {"path": "x", "start": 0}),
        ("run", {"command": "a\0b"}),
    ],
)
def test_bad_arguments_are_told(use: Use, name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ToolMistake):
        use(name, **arguments)


# --- files of a tree that a worker controls


def test_no_link_is_followed(use: Use, workspace: Workspace, shared: Path) -> None:
    (shared / "host").mkdir()
    (shared / "host/secret").write_text("SECRET")
    use("run", command=f"ln -s {shared}/host dir; ln -s {shared}/host/secret file; ln -s nowhere dangling; mkfifo pipe")
    for path in ("dir/secret", "file", "pipe"):
        with pytest.raises(ToolMistake):
            use("read_file", path=path)
    for path in ("dir/new", "file", "dangling", "pipe", "src"):
        with pytest.raises(ToolMistake):
            use("write_file", path=path, content="x")
    with pytest.raises(ToolMistake):
        use("delete_file", path="dir/secret")
    assert use("delete_file", path="file") == "deleted file"
    assert sorted(os.listdir(shared / "host")) == ["secret"]
    assert (shared / "host/secret").read_text() == "SECRET"
    assert [name for name in os.listdir(workspace.tree) if name.endswith(".new")] == []


@given(
    st.text() | st.lists(st.sampled_from(["", ".", "..", "a", ".git", "/", "\0", "\ud800"]), max_size=6).map("/".join)
)
def test_no_path_leads_elsewhere(path: str) -> None:
    try:
        parts = split(path)
    except ToolMistake:
        return
    assert not set(parts) & {"", ".", "..", ".git"}
    assert all("/" not in part and "\0" not in part for part in parts)


def test_a_folder_cannot_be_deleted_or_overwritten(workspace: Workspace) -> None:
    files = Files(workspace.tree)
    for act in (files.delete, lambda path: files.write(path, b"")):
        with pytest.raises(ToolMistake):
            act("src")


# --- failures that are not the model's


class NoSandbox:
    name = "none"

    def path(self, source: Path, target: str) -> str:
        return target

    def run(self, command: SandboxCommand) -> Result:
        raise SandboxError("cannot be built")


def test_a_sandbox_that_fails_ends_the_attempt(workspace: Workspace) -> None:
    tools = {tool.spec.name: tool for tool in Toolbox(workspace, NoSandbox(), Limits()).writing()}
    with pytest.raises(ToolFailure, match="cannot be built"):
        tools["run"].call('{"command": "true"}', 5)


# --- the built-in harness


def test_a_brief_is_worked_on(
    scripted: Any, calls: Callable[..., ModelAnswer], workspace: Workspace, sandbox: Bubblewrap
) -> None:
    brief = Brief(goal="Greet", acceptance=(Acceptance(command="sh hello.sh"),), context="```\nlog\n```", attempt=2)
    model = scripted(
        calls(("write_file", {"path": "hello.sh", "content": "echo hello\n"}), ("run", {"command": "sh hello.sh"})),
        calls(("finish", {"status": "done", "summary": "Greets."})),
    )
    outcome = Builtin(model).work(brief, workspace, sandbox, Limits())
    assert outcome.handoff.status == "done"
    assert outcome.written == ("hello.sh",)
    last = model.requests[-1].items[-1]
    assert isinstance(last, ToolResult)
    assert last.output.endswith("\nhello\n")
    message = model.requests[0].items[0].text
    block = message.split("```json brief\n")[1]
    assert block.endswith("\n```")
    assert Brief.model_validate_json(block.removesuffix("```")) == brief
    assert model.requests[0].instructions.startswith("You carry out one task")
