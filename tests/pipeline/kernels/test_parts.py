"""Parts of kernels are called by kernels alone: what Python would need to call them is not compiled."""

import ast
from pathlib import Path

HOUSE = Path(__file__).parents[3]
MODULES = [
    path
    for room in ("pipeline", "filters", "scorers", "dedup", "tests")
    for path in sorted((HOUSE / room).rglob("*.py"))
    if "__pycache__" not in path.parts
]


def decorators(node: ast.AST) -> set[str]:
    found = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return {decorator.id for decorator in found if isinstance(decorator, ast.Name)}


def module_of(path: Path) -> str:
    return ".".join(("textmill", *path.relative_to(HOUSE).with_suffix("").parts)).removesuffix(".__init__")


def test_only_kernels_and_parts_name_parts():
    trees = {path: ast.parse(path.read_text()) for path in MODULES}
    parts = {
        (module_of(path), node.name) for path, tree in trees.items() for node in tree.body if "part" in decorators(node)
    }
    assert len(parts) > 50
    wrong = []
    for path, tree in trees.items():
        here = {name: (module, name) for module, name in parts if module == module_of(path)}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                here |= {alias.asname or alias.name: (str(node.module), alias.name) for alias in node.names}
        for node in tree.body:
            if {"kernel", "part"}.isdisjoint(decorators(node)):
                names = [name.id for name in ast.walk(node) if isinstance(name, ast.Name)]
                wrong += [f"{path.name}: {name}" for name in names if here.get(name) in parts]
    assert not wrong
