"""Workflow files: which ones an event starts, and running them with act inside a sandbox."""
