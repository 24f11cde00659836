import unittest

from inkwell.text.case import title


class Title(unittest.TestCase):
    def test_small_words_stay_small(self) -> None:
        self.assertEqual(title("a tale of two cities"), "A Tale of Two Cities")


if __name__ == "__main__":
    unittest.main()
