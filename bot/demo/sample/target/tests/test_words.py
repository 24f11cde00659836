import unittest

from inkwell.stats.words import common, variety, words


class Words(unittest.TestCase):
    def test_apostrophes_stay_inside(self) -> None:
        self.assertEqual(words("It's 'so', isn't it?"), ["it's", "so", "isn't", "it"])

    def test_common_words_in_order(self) -> None:
        self.assertEqual(common("b a b c a d", 3), [("a", 2), ("b", 2), ("c", 1)])

    def test_variety(self) -> None:
        self.assertEqual(variety("a b a b"), 0.5)

    def test_an_empty_text_has_no_variety(self) -> None:
        self.assertEqual(variety(""), 0.0)


if __name__ == "__main__":
    unittest.main()
