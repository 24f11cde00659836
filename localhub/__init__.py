"""A GitHub on this machine: REST, GraphQL, git over HTTP, webhooks and checks on one port."""
