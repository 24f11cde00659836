import io
import unittest

from inkwell.cli import main


class Cli(unittest.TestCase):
    def run_tool(self, *arguments: str, text: str = "") -> tuple[int, str]:
        out = io.StringIO()
        return main(list(arguments), io.StringIO(text), out), out.getvalue()

    def test_runs_a_tool(self) -> None:
        self.assertEqual(self.run_tool("title", text="the end"), (0, "The End\n"))

    def test_lists_the_tools(self) -> None:
        code, said = self.run_tool("tools")
        self.assertEqual(code, 0)
        self.assertEqual([line.split()[0] for line in said.split("\n") if line[:1].strip()],
                         ["count", "slug", "title", "wrap"])

    def test_summary(self) -> None:
        self.assertIn("words: 2", self.run_tool("summary", text="the end")[1])

    def test_says_how_it_is_called(self) -> None:
        code, said = self.run_tool()
        self.assertEqual(code, 2)
        self.assertIn("usage:", said)

    def test_names_the_tools_for_an_unknown_one(self) -> None:
        code, said = self.run_tool("nothing")
        self.assertEqual(code, 2)
        self.assertIn("title", said)


if __name__ == "__main__":
    unittest.main()
