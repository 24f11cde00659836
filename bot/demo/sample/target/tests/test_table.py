import unittest

from inkwell.text.table import table


class Table(unittest.TestCase):
    def test_columns_are_aligned(self) -> None:
        lines = table([["tool", "does"], ["wrap", "fills lines"]]).split("\n")
        self.assertEqual([line.index(word) for line, word in zip(lines, ["does", "fills"])], [6, 6])

    def test_wide_cells_are_wrapped(self) -> None:
        self.assertEqual(len(table([["a b c", "d"]], widest=1).split("\n")), 3)

    def test_rows_of_different_length(self) -> None:
        self.assertEqual(table([["a"], ["b", "c"]]).split("\n")[1], "b  c")

    def test_no_rows(self) -> None:
        self.assertEqual(table([]), "")


if __name__ == "__main__":
    unittest.main()
