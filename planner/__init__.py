"""Decides what a tree does next. Pure: no I/O, no clock, no randomness."""
