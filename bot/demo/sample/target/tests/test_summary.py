import unittest

from inkwell.stats.summary import summary


class Summary(unittest.TestCase):
    def test_says_everything(self) -> None:
        said = summary("The cat sat. The cat ran.\n").split("\n")
        self.assertEqual(said[0], "words: 6")
        self.assertIn("minutes to read: 1", said)
        self.assertIn("variety: 0.67", said)
        self.assertEqual(said[-1], "common: cat (2), the (2), ran (1), sat (1)")

    def test_an_empty_text(self) -> None:
        self.assertIn("minutes to read: 0", summary(""))


if __name__ == "__main__":
    unittest.main()
