"""The tools of an agent: a read-only set for planner and judge, a writing set for worker and resolver.

What reads or writes single files goes by `Files`; what runs a program goes into the sandbox, one start each.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.files import Files, split
from worker.globs import matches
from worker.messages import Tool, ToolFailure, ToolMistake, ToolSpec, readable
from worker.patch import PatchError, apply
from worker.sandbox import Result, Sandbox, SandboxError, SandboxLimits
from worker.task import Limits
from worker.watch import clip
from worker.workspace import Workspace

A = TypeVar("A", bound=BaseModel)
OUTPUTS = "/outputs/"
SEARCH = """if command -v rg >/dev/null; then
  set -- --line-number --no-heading --color=never --max-columns=300 --max-columns-preview --hidden --sort=path
  exec rg "$@" {rg} -- {path}
fi
exec grep -rnIE --exclude-dir=.git {grep} -- {path}
"""


class Arguments(BaseModel):
    """What a model may say to a tool: nothing beyond the fields."""

    model_config = ConfigDict(extra="forbid")


class ListFiles(Arguments):
    path: str = Field(default=".", description="folder, relative to the root")
    glob: str | None = Field(default=None, description="such as **/*.py")


class Search(Arguments):
    pattern: str = Field(description="regular expression")
    path: str = Field(default=".", description="file or folder to search in")
    glob: str | None = Field(default=None, description="only files like this, such as *.py")
    ignore_case: bool = False


class ReadFile(Arguments):
    path: str
    start: int = Field(default=1, ge=1, description="first line, from 1")
    count: int = Field(default=800, ge=1, le=5000, description="lines")


class GitLog(Arguments):
    path: str | None = Field(default=None, description="only commits that touch it")
    count: int = Field(default=20, ge=1, le=200)


class WriteFile(Arguments):
    path: str
    content: str
    executable: bool | None = Field(default=None, description="leave out to keep what it is")


class ApplyPatch(Arguments):
    patch: str = Field(description="V4A: *** Begin Patch … *** End Patch")


class DeleteFile(Arguments):
    path: str


class Run(Arguments):
    command: str = Field(description="for /bin/sh, at the root of the checkout")
    timeout_s: float = Field(default=300, gt=0, description="seconds, then it is killed")


class FunctionTool(Generic[A]):
    """A tool made of a pydantic type and a function of it and the seconds that are left."""

    def __init__(self, name: str, description: str, arguments: type[A], function: Callable[[A, float], str]) -> None:
        self.spec = ToolSpec(name=name, description=description, parameters=arguments.model_json_schema())
        self._arguments, self._function = arguments, function

    def call(self, arguments: str, timeout_s: float) -> str:
        """Validate, then do it."""
        try:
            parsed = self._arguments.model_validate_json(arguments)
        except ValidationError as error:
            raise ToolMistake(f"bad arguments for {self.spec.name}:\n{readable(error)}") from error
        return self._function(parsed, timeout_s)


class Toolbox:
    """The tools of one workspace. `written` collects the paths that were written by tool."""

    def __init__(self, workspace: Workspace, sandbox: Sandbox, limits: Limits) -> None:
        self._workspace, self._sandbox, self._limits = workspace, sandbox, limits
        self._files = Files(workspace.tree)
        self._outputs = Files(workspace.outputs)
        self._runs = len(list(workspace.outputs.iterdir()))
        self.written: set[str] = set()

    def reading(self) -> tuple[Tool, ...]:
        """Nothing that changes the tree."""
        return (
            FunctionTool("list_files", "List files, without ignored ones.", ListFiles, self._list),
            FunctionTool("search", "Search file contents; answers path:line:text.", Search, self._search),
            FunctionTool("read_file", "Read a text file, with line numbers.", ReadFile, self._read),
            FunctionTool("git_log", "Commits, newest first.", GitLog, self._log),
        )

    def writing(self) -> tuple[Tool, ...]:
        """The read-only tools, and those that change the tree."""
        return (
            *self.reading(),
            FunctionTool("write_file", "Write a whole file; folders are made.", WriteFile, self._write),
            FunctionTool("apply_patch", "Change files by a V4A patch, whole or not at all.", ApplyPatch, self._patch),
            FunctionTool("delete_file", "Delete a file.", DeleteFile, self._delete),
            FunctionTool("run", "Run a shell command in a sandbox without network.", Run, self._run),
        )

    def _list(self, wanted: ListFiles, timeout_s: float) -> str:
        path = shlex.quote(wanted.path)
        script = f"git ls-files -cot --exclude-standard -z -- {path}; echo; git ls-files -d -z -- {path}"
        result = self._sandboxed(script, timeout_s, writable=False)
        if not result.ok:
            raise ToolMistake(f"{wanted.path}: {result.output[-500:]}")
        present, _, deleted = result.output.rpartition("\n")
        gone = set(deleted.split("\0"))
        names = sorted({entry[2:] for entry in present.split("\0") if entry} - gone)
        if wanted.glob is not None:
            names = [name for name in names if matches(name, [wanted.glob])]
        return "\n".join(names) or "no files"

    def _search(self, wanted: Search, timeout_s: float) -> str:
        pattern, path = shlex.quote(wanted.pattern), shlex.quote(wanted.path)
        rg, grep = ["--glob='!.git'", "-e", pattern], ["-e", pattern]
        if wanted.ignore_case:
            rg, grep = ["-i", *rg], ["-i", *grep]
        if wanted.glob is not None:
            rg.append(f"--glob={shlex.quote(wanted.glob)}")
            grep.append(f"--include={shlex.quote(wanted.glob)}")
        script = SEARCH.format(rg=" ".join(rg), grep=" ".join(grep), path=path)
        result = self._sandboxed(script, timeout_s, writable=False)
        if result.exit_code == 1 and not result.output:
            return "no matches"
        if result.exit_code > 1 and not result.output_capped:
            raise ToolMistake(result.output[-1000:] or result.ending)
        return "".join(line.removeprefix("./") for line in result.output.splitlines(keepends=True))

    def _read(self, wanted: ReadFile, timeout_s: float) -> str:
        if wanted.path.startswith(OUTPUTS):
            data = self._outputs.read(wanted.path.removeprefix(OUTPUTS))
        else:
            data = self._files.read(wanted.path)
        if data is None:
            raise ToolMistake(f"{wanted.path} does not exist")
        if b"\0" in data[:8000]:
            raise ToolMistake(f"{wanted.path} is a binary file of {len(data)} bytes")
        lines = data.decode("utf-8", "replace").split("\n")
        if lines[-1] == "":
            lines.pop()
        if wanted.start > max(1, len(lines)):
            raise ToolMistake(f"{wanted.path} has {len(lines)} lines")
        end = min(len(lines), wanted.start - 1 + wanted.count)
        shown = [f"{at:>6}\t{lines[at - 1]}" for at in range(wanted.start, end + 1)]
        if end < len(lines):
            shown.append(f"[lines {end + 1} to {len(lines)} not shown]")
        return "\n".join(shown) or "[empty file]"

    def _log(self, wanted: GitLog, timeout_s: float) -> str:
        path = f"-- {shlex.quote(wanted.path)}" if wanted.path else ""
        script = f"git log --no-color --date=short --format='%h %ad %an: %s' -n {wanted.count} {path}"
        result = self._sandboxed(script, timeout_s, writable=False)
        if not result.ok:
            raise ToolMistake(result.output[-500:])
        return result.output.strip() or "no commits"

    def _write(self, wanted: WriteFile, timeout_s: float) -> str:
        self._put(wanted.path, wanted.content, wanted.executable)
        return f"wrote {wanted.path} ({len(wanted.content)} characters)"

    def _patch(self, wanted: ApplyPatch, timeout_s: float) -> str:
        try:
            after = apply(wanted.patch, self._text)
        except PatchError as error:
            raise ToolMistake(str(error)) from error
        for path, text in after.items():
            if text is None:
                self._files.delete(path)
            else:
                self._put(path, text, None)
        return "\n".join(f"{'deleted' if text is None else 'wrote'} {path}" for path, text in after.items())

    def _delete(self, wanted: DeleteFile, timeout_s: float) -> str:
        self._files.delete(wanted.path)
        return f"deleted {wanted.path}"

    def _run(self, wanted: Run, timeout_s: float) -> str:
        if "\0" in wanted.command:
            raise ToolMistake("a command cannot hold a NUL character")
        result = self._sandboxed(wanted.command, min(wanted.timeout_s, timeout_s), writable=True)
        told = f"[{result.ending}, {result.wall_s:.1f} s]"
        room = self._limits.output_chars - 300
        if len(result.output) <= room:
            return f"{told}\n{result.output}"
        self._runs += 1
        name = f"run-{self._runs}.txt"
        try:
            path = self._workspace.outputs / name
            path.write_text(result.output)
            path.chmod(0o644)
        except OSError as error:
            raise ToolFailure("sandbox", f"no room for the output of a command: {error.strerror}") from error
        return f"{told} [whole output: {OUTPUTS}{name}]\n{clip(result.output, room)}"

    def _text(self, path: str) -> str | None:
        data = self._files.read(path)
        if data is None:
            return None
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ToolMistake(f"{path} is not UTF-8 text: it cannot be patched") from error

    def _put(self, path: str, text: str, executable: bool | None) -> None:
        self._files.write(path, text.encode("utf-8"), executable=executable)
        self.written.add("/".join(split(path)))

    def _sandboxed(self, script: str, timeout_s: float, *, writable: bool) -> Result:
        limits = SandboxLimits(wall_s=max(0.1, timeout_s))
        try:
            return self._sandbox.run(self._workspace.command(script, writable=writable, limits=limits))
        except SandboxError as error:
            raise ToolFailure("sandbox", str(error)) from error
