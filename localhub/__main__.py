"""`python -m localhub --data DIR --port P [--seed FILE] [--public-url URL] [--toolchain DIR]`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationError

from localhub import seed
from localhub.actions.service import Actions
from localhub.errors import GitHubError
from localhub.gitcore import GitError
from localhub.hub import Hub
from localhub.server import Server
from localhub.tls import own_certificate


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("localhub", description="A GitHub on this machine.")
    parser.add_argument("--data", type=Path, required=True, help="directory of the database and the git repositories")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--seed", type=Path, help="YAML or JSON: users, repositories, apps (see localhub/seed.py)")
    parser.add_argument("--public-url", help="root of the URLs in answers; by default what the client used")
    parser.add_argument("--tls", action="store_true", help="serve HTTPS with an own certificate, DIR/tls-cert.pem")
    parser.add_argument("--tls-cert", type=Path, help="serve HTTPS with this certificate (PEM)")
    parser.add_argument("--tls-key", type=Path, help="and this key")
    parser.add_argument("--toolchain", type=Path, help="shown to workflow jobs at /toolchain, its bin first on PATH")
    parser.add_argument("--jobs", type=int, default=2, help="workflow runs at once (2)")
    parser.add_argument("--job-seconds", type=float, default=3600.0, help="time limit of a workflow run (3600)")
    options = parser.parse_args(arguments)
    if options.toolchain and not options.toolchain.is_dir():
        parser.error(f"--toolchain {options.toolchain} is not a directory")
    if (options.tls_cert is None) != (options.tls_key is None):
        parser.error("--tls-cert and --tls-key come together")
    hub = Hub(options.data.resolve(), options.public_url.rstrip("/") if options.public_url else None)
    try:
        if options.seed:
            seed.plant(hub, seed.Seed.model_validate(yaml.safe_load(options.seed.read_text()) or {}))
    except (OSError, yaml.YAMLError, ValidationError, GitHubError, GitError) as error:
        print(f"localhub: --seed {options.seed}: {error}", file=sys.stderr)
        hub.close()
        return 2
    Actions(hub, options.toolchain, slots=options.jobs, time_limit=options.job_seconds)
    certificate, key = options.tls_cert, options.tls_key
    if options.tls and certificate is None:
        certificate, key = own_certificate(hub.data, urlsplit(hub.public_url).hostname if hub.public_url else None)
    # uvicorn raises the signal again when it has ended; by default that would end us before the hub is closed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = Server(hub, options.port, certificate, key)
    print(f"localhub listening on {server.url}", flush=True)
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
