"""`python -m localhub --data DIR [--port P] [--seed FILE] [--limits …]`: see `--help`."""

from __future__ import annotations

import argparse
import fcntl
import gc
import signal
import sqlite3
import sys
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationError

from localhub import seed
from localhub.actions.service import Actions
from localhub.errors import GitHubError, sentences
from localhub.gitcore import GitError
from localhub.hub import Hub
from localhub.seedfile import Seed
from localhub.server import Server
from localhub.tls import own_certificate


class Refused(Exception):
    """Why localhub does not start, for a person to read."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser("localhub", description="A GitHub on this machine.")
    add = made.add_argument
    add("--data", type=Path, required=True, help="directory of the database and the git repositories")
    add("--port", type=int, default=0, help="0, the default, takes a free one")
    add("--seed", type=Path, help="YAML or JSON: users, repositories, apps (see localhub/README.md)")
    add(
        "--limits",
        help="'off', or a JSON object, or a YAML file of the limits to change (see localhub/limitsettings.py)",
    )
    add("--public-url", help="root of the URLs in answers; by default what the client used")
    add("--tls", action="store_true", help="serve HTTPS with an own certificate, DIR/tls-cert.pem")
    add("--tls-cert", type=Path, help="serve HTTPS with this certificate (PEM)")
    add("--tls-key", type=Path, help="and this key")
    add("--toolchain", type=Path, help="shown to workflow jobs at /toolchain, its bin first on PATH")
    add("--jobs", type=int, default=2, help="workflow jobs at once (2)")
    add("--job-seconds", type=float, default=3600.0, help="time limit of a workflow job (3600)")
    return made


def main(arguments: list[str] | None = None) -> int:
    arguments_of = parser()
    options = arguments_of.parse_args(arguments)
    if options.toolchain and not options.toolchain.is_dir():
        arguments_of.error(f"--toolchain {options.toolchain} is not a directory")
    if (options.tls_cert is None) != (options.tls_key is None):
        arguments_of.error("--tls-cert and --tls-key come together")
    try:
        with _alone(options.data.resolve()):
            return _run(options)
    except Refused as why:
        print(f"localhub: {why}", file=sys.stderr)
        return 2


def _alone(data: Path) -> IO[str]:
    """Make sure that no other process serves this directory; two would give the same numbers twice."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / "lock").open("w")
    except OSError as error:
        raise Refused(f"--data {data} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Refused(f"--data {data} is in use by another localhub: stop it or choose another directory") from error
    return lock


def _run(options: argparse.Namespace) -> int:
    data = options.data.resolve()
    try:
        hub = Hub(data, options.public_url.rstrip("/") if options.public_url else None)
    except (OSError, sqlite3.Error, ValueError) as error:
        raise Refused(f"--data {data} cannot be used: {error}") from error
    try:
        _prepare(hub, options)
        Actions(hub, options.toolchain, slots=options.jobs, time_limit=options.job_seconds)
        certificate, key = options.tls_cert, options.tls_key
        if options.tls and certificate is None:
            certificate, key = own_certificate(hub.data, urlsplit(hub.public_url).hostname if hub.public_url else None)
        try:
            server = Server(hub, options.port, certificate, key)
        except (OSError, OverflowError) as error:
            raise Refused(f"--port {options.port}: {error}") from error
    except Refused:
        hub.close()
        raise
    # Never by an exception: it could come while the hub starts or closes, and leave threads that nobody ends.
    # (uvicorn has its own handlers while it serves, and raises the signal again when it has ended.)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: server.end())
    print(f"localhub listening on {server.url}", flush=True)
    _spare_collections()
    server.run()
    return 0


def _spare_collections() -> None:
    """Leave what was made to serve out of every search for garbage: it stays until the process ends."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _prepare(hub: Hub, options: argparse.Namespace) -> None:
    """The limits and the seed that were asked for."""
    try:
        if options.limits:
            hub.limits.change(_limits(options.limits))
    except (OSError, yaml.YAMLError, ValidationError, TypeError, ValueError) as error:
        raise Refused(f"--limits {options.limits}: {sentences(error)}") from error
    try:
        if options.seed:
            seed.plant(hub, Seed.model_validate(yaml.safe_load(options.seed.read_text()) or {}))
    except (OSError, ValueError, yaml.YAMLError, GitHubError, GitError, sqlite3.IntegrityError) as error:
        raise Refused(f"--seed {options.seed}: {sentences(error)}") from error


def _limits(text: str) -> dict[str, Any]:
    if text == "off":
        return {"enforced": False}
    found = yaml.safe_load(text if text.lstrip().startswith("{") else Path(text).read_text())
    if not isinstance(found, dict):
        raise ValueError("an object of limits is expected, such as {primary: 100}")
    return found


if __name__ == "__main__":
    sys.exit(main())
