"""A GitHub on this machine: REST, git over HTTP, Apps, signed webhooks and limits, for bots and their tests."""
