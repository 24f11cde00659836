import unittest

from inkwell.stats.count import count, longest, report


class Count(unittest.TestCase):
    def test_counts(self) -> None:
        self.assertEqual(count("one two\nthree\n"), {"words": 3, "lines": 2, "characters": 14})

    def test_a_last_line_without_end_counts(self) -> None:
        self.assertEqual(count("a\nb")["lines"], 2)

    def test_longest(self) -> None:
        self.assertEqual((longest("a\nbcd\n"), longest("")), (3, 0))

    def test_report(self) -> None:
        self.assertEqual(report("a\n"), "words: 1\nlines: 1\ncharacters: 2")


if __name__ == "__main__":
    unittest.main()
