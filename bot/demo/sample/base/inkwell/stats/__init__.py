"""Tools that measure text."""
