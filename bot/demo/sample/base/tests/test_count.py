import unittest

from inkwell.stats.count import count, report


class Count(unittest.TestCase):
    def test_counts(self) -> None:
        self.assertEqual(count("one two\nthree\n"), {"words": 3, "lines": 2, "characters": 14})

    def test_report(self) -> None:
        self.assertEqual(report("a\n"), "words: 1\nlines: 1\ncharacters: 2")


if __name__ == "__main__":
    unittest.main()
