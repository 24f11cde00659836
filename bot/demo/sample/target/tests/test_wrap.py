import unittest

from inkwell.registry import find
from inkwell.text.wrap import wrap


class Wrap(unittest.TestCase):
    def test_fills_lines(self) -> None:
        self.assertEqual(wrap("a bb ccc dddd", 6), "a bb\nccc\ndddd")

    def test_keeps_paragraphs(self) -> None:
        self.assertEqual(wrap("one\ntwo\n\n\n\nthree", 20), "one two\n\nthree")

    def test_long_words_stay_whole(self) -> None:
        self.assertEqual(wrap("a incomprehensible b", 5), "a\nincomprehensible\nb")

    def test_a_width_of_nothing_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            wrap("a", 0)

    def test_on_the_command_line(self) -> None:
        self.assertIs(find("wrap"), wrap)


if __name__ == "__main__":
    unittest.main()
