"""Rules about where things are and what they are called."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from tests.rules.rule import PACKAGES, functions, modules, rule, within

#: A folder with more files than this has a noun inside it that should be a folder of its own.
FILES_OF_A_FOLDER = 24

#: Names that do not say what lies inside.
VAGUE = {
    "base",
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

OPERATIONS = ("payment_hub/operations", "reconciliation/operations")


@rule({f"payment_hub/store/table_{number}.py": "" for number in range(FILES_OF_A_FOLDER + 1)})
def a_folder_can_be_read_at_one_glance(repo: Path) -> list[str]:
    files = [module for module in modules(repo, *PACKAGES) if module.stem != "__init__"]
    count = Counter(Path(module.path).parent.as_posix() for module in files)
    return [
        f"{folder} has {number} files"
        for folder, number in sorted(count.items())
        if number > FILES_OF_A_FOLDER
    ]


@rule({"payment_hub/utils.py": ""})
def every_file_is_named_after_what_it_holds(repo: Path) -> list[str]:
    return [
        module.path
        for module in modules(repo)
        if VAGUE & {*Path(module.path).with_suffix("").parts} and module.path not in NAMED_BY_A_LIBRARY
    ]


NAMED_BY_A_LIBRARY = {"payment_hub/store/tables/base.py"}  # SQLAlchemy calls the class of all tables Base


@rule({"payment_hub/operations/pay.py": '"""Pay."""\n\n\ndef pay(hub, reference): ...\n'})
def an_operation_takes_the_hub_and_then_names(repo: Path) -> list[str]:
    """The hub or the books come first; every other argument is named at the call."""
    violations = []
    for module in modules(repo, *OPERATIONS):
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                positional = [argument.arg for argument in node.args.posonlyargs + node.args.args]
                if positional not in (["hub"], ["books"]):
                    violations.append(f"{module.path}:{node.lineno} {node.name}({', '.join(positional)})")
    return violations


@rule({"payment_hub/tasks.py": '@shared_task()\ndef pay():\n    """Pay."""\n    x = 1\n    pay_all(x)\n'})
def a_task_is_one_statement(repo: Path) -> list[str]:
    violations = []
    for module in modules(repo, "payment_hub/tasks.py", "reconciliation/tasks.py"):
        for node in functions(module):
            is_task = any("shared_task" in ast.unparse(decorator) for decorator in node.decorator_list)
            statements = node.body[ast.get_docstring(node) is not None :]
            if is_task and len(statements) != 1:
                violations.append(
                    f"{module.path}:{node.lineno} {node.name} does more than call one operation"
                )
    return violations


@rule({"bank_adapters/some.py": "def refund():\n    raise NotImplementedError\n"})
def what_a_bank_cannot_do_is_absent(repo: Path) -> list[str]:
    """An adapter lacks the method of an ability that its bank has not."""
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(repo)
        for node in module.nodes
        if isinstance(node, ast.Name) and node.id == "NotImplementedError"
    ]


@rule({"payment_hub/store/quiet.py": "try:\n    x = 1\nexcept ValueError:\n    pass\n"})
def no_error_is_swallowed(repo: Path) -> list[str]:
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(repo)
        if not within(module, "bank_adapters/simulators")
        for node in module.nodes
        if isinstance(node, ast.ExceptHandler) and all(_does_nothing(each) for each in node.body)
    ]


def _does_nothing(statement: ast.stmt) -> bool:
    """``pass``, ``...`` or a text."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )
