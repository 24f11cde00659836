"""Which inkwell this is."""

VERSION = "1.1"


def banner() -> str:
    """The name and the version, as bug reports should quote them."""
    return f"inkwell {VERSION}"
