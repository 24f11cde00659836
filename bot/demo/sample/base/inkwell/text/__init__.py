"""Tools that turn text into text."""
