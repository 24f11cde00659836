import unittest

from inkwell.registry import find
from inkwell.text.slug import slugify


class Slug(unittest.TestCase):
    def test_accents_and_signs_go(self) -> None:
        self.assertEqual(slugify("Crème brûlée, twice!"), "creme-brulee-twice")

    def test_cut_at_a_word(self) -> None:
        self.assertEqual(slugify("one two three", longest=8), "one-two")

    def test_a_single_long_word_is_cut(self) -> None:
        self.assertEqual(slugify("abcdefghij", longest=4), "abcd")

    def test_nothing_left(self) -> None:
        self.assertEqual(slugify("!!!"), "")

    def test_on_the_command_line(self) -> None:
        self.assertIs(find("slug"), slugify)


if __name__ == "__main__":
    unittest.main()
