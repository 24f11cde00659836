"""Which inkwell this is."""

VERSION = "1.0"
