"""The command line. No logic here: each command reads its words, imports what it needs, and calls it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

cli = typer.Typer(
    name="branchwork",
    help="A GitHub App that turns a labelled issue into merged, tested code.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="The last line is one JSON object.")]
Workers = Annotated[int, typer.Option(min=1, max=256, help="Agents at work at once.")]
MaxMinutes = Annotated[float, typer.Option(min=0.1, help="Give up after this long.")]


@cli.command()
def serve() -> None:
    """Listen to GitHub's webhooks and do the work. Settings come from the environment; `doctor` checks them."""
    from bot.app import serve as run
    from bot.config import SettingsError, load
    from worker.sandbox import SandboxUnavailable

    try:
        run(load())
    except (SettingsError, SandboxUnavailable) as error:
        _refuse(str(error))


@cli.command()
def worker() -> None:
    """Do agents' work for a bot on another machine, which shares its PostgreSQL database."""
    from bot.config import SettingsError, load
    from bot.fleet import NotShared
    from bot.fleet import work as run
    from worker.sandbox import SandboxUnavailable

    try:
        run(load())
    except (SettingsError, NotShared, SandboxUnavailable) as error:
        _refuse(str(error))


@cli.command()
def demo(
    as_json: AsJson = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the local GitHub's pages up until Ctrl-C.")] = False,
    hands_on: Annotated[
        bool, typer.Option("--hands-on", help="You approve, review and redirect in the browser.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the local GitHub; 0 takes a free one.")] = 0,
    max_minutes: MaxMinutes = 5,
) -> None:
    """The whole loop on this machine, without account, key or network, in under a minute."""
    from bot.demo.commands import demo as run

    raise typer.Exit(run(as_json=as_json, keep=keep, hands_on=hands_on, port=port, max_minutes=max_minutes))


@cli.command()
def replay(
    base: Annotated[str, typer.Argument(help="A folder, or a commit of the git repository here.")],
    target: Annotated[str, typer.Argument(help="The folder or commit that shall come out.")],
    ci: Annotated[str | None, typer.Option(help="Command that CI runs; by default the base's own workflows.")] = None,
    workers: Workers = 4,
    as_json: AsJson = False,
    keep_repo: Annotated[Path | None, typer.Option(help="Leave the resulting repository in this folder.")] = None,
    toolchain: Annotated[
        Path | None, typer.Option(help="Folder with bin/ and lib/ that commands see at /toolchain.")
    ] = None,
    script: Annotated[Path | None, typer.Option(help="YAML with limits and planned mistakes of the replay.")] = None,
    max_minutes: MaxMinutes = 60,
) -> None:
    """Play any change as a tree of work: from BASE to TARGET, byte for byte."""
    from bot.demo.commands import replay as run

    raise typer.Exit(
        run(
            base,
            target,
            ci=ci,
            workers=workers,
            as_json=as_json,
            keep_repo=keep_repo,
            toolchain=toolchain,
            script=script,
            max_minutes=max_minutes,
        )
    )


@cli.command("run")
def run_own(
    repo: Annotated[Path, typer.Option(help="Your git repository.")],
    issue: Annotated[Path, typer.Option(help="Markdown: a title line, then what shall be done.")],
    workers: Workers = 4,
    as_json: AsJson = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the local GitHub's pages up until Ctrl-C.")] = False,
    hands_on: Annotated[bool, typer.Option("--hands-on", help="You approve and review in the browser.")] = False,
    max_minutes: MaxMinutes = 120,
) -> None:
    """The same loop on your own repository, in a local GitHub, with a real model (OPENAI_API_KEY)."""
    from bot.demo.commands import own as run

    raise typer.Exit(
        run(repo, issue, workers=workers, as_json=as_json, keep=keep, hands_on=hands_on, max_minutes=max_minutes)
    )


@cli.command()
def status(
    url: Annotated[str, typer.Option(help="Address of a running bot.")] = "http://127.0.0.1:8000",
    as_json: AsJson = False,
) -> None:
    """What a running bot is doing: its trees, and what they wait for."""
    from bot.demo.live import print_status

    raise typer.Exit(print_status(url, as_json=as_json))


@cli.command()
def doctor() -> None:
    """Check this machine and the settings, and say what to do about each finding."""
    from bot.doctor import report

    raise typer.Exit(report())


def _refuse(words: str) -> None:
    typer.echo(words, err=True)
    raise typer.Exit(2)


def main() -> None:
    """The `branchwork` command."""
    cli()


if __name__ == "__main__":
    main()
