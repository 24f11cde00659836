"""What the finished sample must do. No worker sees this file; it runs on the target branch at the end."""

import io
import pathlib
import unittest

import inkwell
from inkwell.cli import main
from inkwell.stats.readability import ease, sentences
from inkwell.stats.summary import summary
from inkwell.stats.words import common, variety
from inkwell.text.case import camel, snake
from inkwell.text.indent import dedent, indent
from inkwell.text.slug import slugify
from inkwell.text.table import table
from inkwell.text.wrap import wrap
from inkwell.version import banner

ROOT = pathlib.Path(inkwell.__file__).parent


def said(*arguments: str, text: str = "") -> str:
    out = io.StringIO()
    main(list(arguments), io.StringIO(text), out)
    return out.getvalue()


class Toolbox(unittest.TestCase):
    def test_slugs_and_wrapping_are_on_the_command_line(self) -> None:
        self.assertEqual(said("slug", text="Two Words"), "two-words\n")
        self.assertEqual(said("wrap", text="two\nlines"), "two lines\n")
        self.assertEqual(slugify("Ärger mit Ö"), "arger-mit-o")
        self.assertEqual(wrap("a b", 1), "a\nb")

    def test_tables_leave_no_blanks_at_the_ends_of_lines(self) -> None:
        lines = table([["long cell", "x"], ["a", ""]]).split("\n")
        self.assertEqual(lines, [line.rstrip() for line in lines])
        self.assertEqual(lines, ["long cell  x", "a"])

    def test_indentation_is_there_and_banners_are_not(self) -> None:
        self.assertEqual(dedent(indent("a\n b", 2)), "a\n b")
        self.assertFalse((ROOT / "text" / "banner.py").exists())

    def test_names(self) -> None:
        self.assertEqual((snake("parseHTTPHeader"), camel("parse_http_header")), ("parse_http_header", "ParseHttpHeader"))

    def test_measures(self) -> None:
        self.assertEqual(common("x y x", 1), [("x", 2)])
        self.assertEqual(variety("a a a a"), 0.25)
        self.assertEqual(len(sentences("One. Two. Three.")), 3)
        self.assertGreater(ease("We go. We see."), 80)
        self.assertIn("lines: 1", summary("no end"))
        self.assertEqual(said("summary", text="a b\n").split("\n")[0], "words: 2")

    def test_every_public_function_is_documented(self) -> None:
        self.assertIn("sentences", sentences.__doc__ or "")

    def test_the_tools_are_listed(self) -> None:
        self.assertIn("slug", said("tools"))

    def test_the_version_can_be_quoted(self) -> None:
        self.assertEqual(banner(), "inkwell 1.1")


if __name__ == "__main__":
    unittest.main()
