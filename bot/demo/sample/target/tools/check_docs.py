"""Fails when a public function or class of the library has no docstring. CI runs it; the tests do not."""

import ast
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
wrong = []
for path in sorted((ROOT / "inkwell").rglob("*.py")):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if ast.get_docstring(tree) is None:
        wrong.append(f"{path.relative_to(ROOT)}:1: the module has no docstring")
    for node in tree.body:
        public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
        if public and ast.get_docstring(node) is None:
            wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: error: {node.name} has no docstring")
for line in wrong:
    print(line)
sys.exit(1 if wrong else 0)
