"""Rules about states: every move goes through the table of its lifecycle, in SQL and in Python."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import reconciliation.store.tables  # noqa: F401  (its tables are in the same metadata)
from payment_hub.store.tables import Base
from tests.rules.rule import modules, rule, sql_of


@rule(
    {
        "payment_hub/store/payments.py": "SQL = \"UPDATE payment_attempt SET a = 1, state = 'FAILED' WHERE id = 2\"\n"
    }
)
def every_move_in_sql_comes_from_its_table(repo: Path) -> list[str]:
    """An UPDATE takes the new state as a parameter, which ``Lifecycle.after`` has computed, and spells none itself."""
    tables = "|".join(table.name for table in Base.metadata.sorted_tables if "state" in table.columns)
    update = re.compile(
        rf"\bUPDATE\s+(?:ONLY\s+)?({tables})\b.*?\bSET\b(.*?)(?=\bUPDATE\b|\bRETURNING\b|\Z)", re.S | re.I
    )
    return [
        f"{place}: UPDATE {statement[1]} SET state ={value}"
        for place, text in sql_of(repo)
        for statement in update.finditer(text)
        for value in _assigned(statement[2], "state")
        if re.search(r"'[A-Z_]+'", value)
    ]


def _assigned(assignments: str, column: str) -> list[str]:
    """What ``SET`` assigns to this column: the text up to the comma or the word that ends it, outside of brackets."""
    start = re.search(rf"(?:^|,)\s*{column}\s*=", assignments)
    if start is None:
        return []
    depth = 0
    value = assignments[start.end() :]
    for token in re.finditer(r"[()]|,|\b(?:FROM|WHERE)\b", value):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth < 0 or (depth == 0 and token[0] not in "()"):
            return [value[: token.start()]]
    return [value]


@rule({"payment_hub/store/runs.py": "session.execute(update(Run).values(state=RunState.FAILED))\n"})
def every_move_in_python_comes_from_its_table(repo: Path) -> list[str]:
    """A new state is what ``Lifecycle.after`` has computed: no update, mapping or assignment names a state itself."""
    return [
        f"{module.path}:{value.lineno} state = {ast.unparse(value)}"
        for module in modules(repo, "payment_hub/operations", "payment_hub/store", *RECONCILIATION)
        for node in module.nodes
        for value in _new_states(node)
        if re.fullmatch(r"\w*State\.[A-Z_]+", ast.unparse(value))
    ]


RECONCILIATION = ("reconciliation/operations", "reconciliation/store")


def _new_states(node: ast.AST) -> list[ast.expr]:
    """What the node gives a column or attribute ``state`` of something that exists already."""
    match node:
        case ast.Call(func=ast.Attribute(attr="values", value=of)) if "insert(" not in ast.unparse(of):
            return [argument.value for argument in node.keywords if argument.arg == "state"]
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            return [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "state"]
        case ast.Assign(targets=[ast.Attribute(attr="state")]):
            return [node.value]
        case _:
            return []
