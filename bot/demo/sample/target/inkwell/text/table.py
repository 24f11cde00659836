"""Columns that stand under each other."""

from inkwell.text.wrap import wrap


def table(rows: list[list[str]], widest: int = 30) -> str:
    """Rows of cells as aligned text; a cell wider than `widest` is wrapped onto lines of its own."""
    folded = [[wrap(cell, widest).split("\n") for cell in row] for row in rows]
    columns = max((len(row) for row in folded), default=0)
    widths = [max((_width(row[at]) for row in folded if at < len(row)), default=0) for at in range(columns)]
    return "\n".join(line for row in folded for line in _lines(row, widths))


def _width(cell: list[str]) -> int:
    return max(len(line) for line in cell)


def _lines(row: list[list[str]], widths: list[int]) -> list[str]:
    height = max((len(cell) for cell in row), default=0)
    lines = []
    for at in range(height):
        cells = [cell[at] if at < len(cell) else "" for cell in row]
        padded = [text.ljust(width) for text, width in zip(cells, widths)]
        lines.append("  ".join(padded).rstrip())
    return lines
