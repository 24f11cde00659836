import io
import unittest

from inkwell.cli import main


class Cli(unittest.TestCase):
    def run_tool(self, *arguments: str, text: str = "") -> tuple[int, str]:
        out = io.StringIO()
        return main(list(arguments), io.StringIO(text), out), out.getvalue()

    def test_runs_a_tool(self) -> None:
        self.assertEqual(self.run_tool("title", text="the end"), (0, "The End\n"))

    def test_names_the_tools_for_an_unknown_one(self) -> None:
        code, said = self.run_tool("nothing")
        self.assertEqual(code, 2)
        self.assertIn("title", said)


if __name__ == "__main__":
    unittest.main()
