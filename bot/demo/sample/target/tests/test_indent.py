import unittest

from inkwell.text.indent import dedent, indent


class Indent(unittest.TestCase):
    def test_blank_lines_stay_blank(self) -> None:
        self.assertEqual(indent("a\n\nb", 2), "  a\n\n  b")

    def test_there_and_back(self) -> None:
        text = "a\n  b\n\nc"
        self.assertEqual(dedent(indent(text, 3)), text)

    def test_without_lines(self) -> None:
        self.assertEqual(dedent(""), "")


if __name__ == "__main__":
    unittest.main()
