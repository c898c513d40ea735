"""Laws about the shape of the code: sizes, names, what a file says of itself."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.house.law import Module, functions, law, modules, within

LINES_OF_A_FILE = 250
LINES_OF_A_BANK = 400
"""One file a bank, whatever its protocol says: cutting it in two would give a bank two names."""
LINES_OF_A_FUNCTION = 40

#: All that is Python and written by hand.
EVERYWHERE = ("payment_hub", "bank_adapters", "reconciliation", "wsgi.py", "tests", "docs", "benchmarks")

#: Names of drawers: whoever looks for something cannot guess that it lies there.
DRAWERS = {
    "common",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "services",
    "shared",
    "util",
    "utils",
}


@law({"payment_hub/store/long.py": '"""Long."""\n' + "x = 1\n" * LINES_OF_A_FILE})
def a_file_fits_on_a_few_screens(house: Path) -> list[str]:
    return [
        f"{module.path} has {count} lines"
        for module in modules(house, *EVERYWHERE)
        if (count := len(module.text.splitlines())) > _most_lines(module)
    ]


def _most_lines(module: Module) -> int:
    a_bank = module.path.startswith("bank_adapters/") and module.path.count("/") == 1
    return LINES_OF_A_BANK if a_bank else LINES_OF_A_FILE


@law({"payment_hub/domain/long.py": "def long():\n" + "    x = 1\n" * LINES_OF_A_FUNCTION})
def a_function_fits_on_a_screen(house: Path) -> list[str]:
    return [
        f"{module.path}: {node.name} has {count} lines"
        for module in modules(house, *EVERYWHERE)
        for node in functions(module)
        if (count := (node.end_lineno or 0) - node.lineno + 1) > LINES_OF_A_FUNCTION
    ]


@law({"payment_hub/domain/silent.py": "x = 1\n"})
def a_module_says_what_it_is(house: Path) -> list[str]:
    return [
        module.path
        for module in modules(house, *EVERYWHERE)
        if module.text.strip() and ast.get_docstring(module.tree) is None
    ]


@law({"payment_hub/store/orders.py": '"""Orders."""\n\n\ndef lock(session): ...\n'})
def a_public_function_says_what_it_does(house: Path) -> list[str]:
    return [
        f"{module.path}: {name}"
        for module in modules(house)
        for name, node in _public(module.tree)
        if ast.get_docstring(node) is None
    ]


def _public(tree: ast.Module) -> list[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Public functions and classes of a module, and public methods of public classes."""
    found: list[tuple[str, ast.FunctionDef | ast.ClassDef]] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            found.append((node.name, node))
            methods = node.body if isinstance(node, ast.ClassDef) else []
            found += [
                (f"{node.name}.{method.name}", method)
                for method in methods
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_")
            ]
    return found


@law({"payment_hub/utils.py": ""})
def nothing_is_a_drawer(house: Path) -> list[str]:
    return [module.path for module in modules(house) if DRAWERS & {*Path(module.path).with_suffix("").parts}]


@law({"payment_hub/operations/pay.py": '"""Pay."""\n\n\ndef pay_order(hub): ...\n'})
def a_verb_has_its_name(house: Path) -> list[str]:
    """A file of operations has one public function, and it is called as the file."""
    trespasses = []
    for module in modules(house, "payment_hub/operations", "reconciliation/operations"):
        verbs = [node.name for node in module.tree.body if isinstance(node, ast.FunctionDef)]
        public = [name for name in verbs if not name.startswith("_")]
        if public != ([] if module.stem == "__init__" else [module.stem]):
            trespasses.append(f"{module.path} has {public}")
    return trespasses


@law({"payment_hub/operations/pay.py": '"""Pay."""\n\n\ndef pay(hub, reference): ...\n'})
def a_verb_takes_the_hub_and_then_names(house: Path) -> list[str]:
    """The hub or the books come first; everything else is named at the call."""
    trespasses = []
    for module in modules(house, "payment_hub/operations", "reconciliation/operations"):
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                positional = [argument.arg for argument in node.args.posonlyargs + node.args.args]
                if positional not in (["hub"], ["books"]):
                    trespasses.append(f"{module.path}: {node.name}({', '.join(positional)})")
    return trespasses


@law({"payment_hub/tasks.py": '@shared_task()\ndef pay():\n    """Pay."""\n    x = 1\n    pay_all(x)\n'})
def a_task_is_one_statement(house: Path) -> list[str]:
    trespasses = []
    for module in modules(house, "payment_hub/tasks.py", "reconciliation/tasks.py"):
        for node in functions(module):
            is_task = any("shared_task" in ast.unparse(decorator) for decorator in node.decorator_list)
            if is_task and len(node.body) != 2:
                trespasses.append(f"{module.path}: {node.name} does more than ask one operation")
    return trespasses


@law({"bank_adapters/some.py": "def refund():\n    raise NotImplementedError\n"})
def nothing_is_promised_and_not_done(house: Path) -> list[str]:
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(house)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and node.id == "NotImplementedError"
    ]


@law({"payment_hub/store/quiet.py": "try:\n    x = 1\nexcept ValueError:\n    pass\n"})
def no_error_is_swallowed(house: Path) -> list[str]:
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(house)
        if not within(module, "bank_adapters/simulators")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and all(isinstance(each, ast.Pass) for each in node.body)
    ]
