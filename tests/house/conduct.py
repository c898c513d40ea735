"""Laws about what code may do: transactions, clocks, money, facts, the environment, banks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import reconciliation.store.tables  # noqa: F401  (its tables stand in the same metadata)
from payment_hub.store.tables import APPEND_ONLY, Base
from tests.house.law import Module, called, calls, law, modules, texts, within

#: A process of its own, which nothing of the hub imports: it has an environment and a clock like any stranger.
STRANGERS = ("payment_hub/embedded", "bank_adapters/simulators")

#: What a transaction must not wait for.
OUTSIDE = {"open_payment", "query_payment", "fetch_statement", "read_ledgers", "send", "deliver"}
OUTSIDE |= {"ask_bank", "ask_about_attempt", "ask_about_order"}
TRANSACTIONS = ("transaction", "at_once")


@law({"payment_hub/web/resources/orders.py": "with hub.transaction() as session:\n    pass\n"})
def only_operations_open_transactions(house: Path) -> list[str]:
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(house)
        if not within(module, "payment_hub/operations", "reconciliation/operations", *STRANGERS)
        for node, name in calls(module)
        if name.rpartition(".")[2] in TRANSACTIONS
    ]


@law({"payment_hub/store/orders.py": "session.commit()\n"})
def nothing_else_commits(house: Path) -> list[str]:
    """The hub's own blocks commit; the schema's upgrade, which has no hub yet, is the one exception."""
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(house)
        if not within(module, "payment_hub/hub.py", "payment_hub/store/schema.py", *STRANGERS)
        for node, name in calls(module)
        if re.search(r"(session|sessions|connection|engine)(\(\))?\.(commit|rollback|begin)$", name)
    ]


@law(
    {
        "payment_hub/operations/ask.py": "with hub.transaction() as s:\n    hub.adapter(bank).query_payment(q)\n"
    }
)
def no_transaction_waits_for_the_outside(house: Path) -> list[str]:
    trespasses = []
    for module in modules(house, "payment_hub/operations", "reconciliation/operations"):
        for block in ast.walk(module.tree):
            if isinstance(block, ast.With) and _opens_transaction(block):
                inside = [node for statement in block.body for node in ast.walk(statement)]
                names = {called(node).rpartition(".")[2] for node in inside}
                trespasses += [
                    f"{module.path}:{block.lineno} calls {name}" for name in sorted(names & OUTSIDE)
                ]
    return trespasses


def _opens_transaction(block: ast.With) -> bool:
    return any(called(item.context_expr).rpartition(".")[2] in TRANSACTIONS for item in block.items)


@law({"payment_hub/web/page.py": "import os\n\nx = os.environ['HUB_X']\n"})
def only_the_composition_root_reads_the_environment(house: Path) -> list[str]:
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(house)
        if not within(module, "wsgi.py", *STRANGERS)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute | ast.Name | ast.alias)
        and (ast.unparse(node) in {"os.environ", "os.getenv", "environ", "getenv"} and _from_os(module))
    ]


def _from_os(module: Module) -> bool:
    imported = [node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return any(
        "os" in {alias.name for alias in node.names} or getattr(node, "module", "") == "os"
        for node in imported
    )


@law({"payment_hub/operations/pay.py": "from datetime import datetime\n\nx = datetime.now(UTC)\n"})
def only_the_hub_reads_the_clock(house: Path) -> list[str]:
    """``hub.now`` is the clock. ``monotonic`` measures how long something took, which is no moment."""
    clocks = re.compile(
        r"(datetime\.)?(datetime|date)\.(now|utcnow|today)|time\.(time|time_ns|localtime|gmtime)|func\.now"
    )
    return [
        f"{module.path}:{node.lineno} {name}"
        for module in modules(house)
        if not within(module, *STRANGERS)
        for node, name in calls(module)
        if clocks.fullmatch(name) and not (_is_utc_now(module, node) or module.path in OTHER_CLOCKS)
    ]


OTHER_CLOCKS = {
    # The library that counts requests goes by this clock, and what it says is compared with it.
    "payment_hub/web/api/limits.py",
    # The freshness of a signature is a matter of the wire; it decides nothing about money.
    "bank_adapters/toolkit/http_client.py",
}


def _is_utc_now(module: Module, node: ast.AST) -> bool:
    if module.path != "payment_hub/hub.py":
        return False
    return any(
        isinstance(function, ast.FunctionDef) and function.name == "utc_now" and node in ast.walk(function)
        for function in module.tree.body
    )


@law({"payment_hub/store/orders.py": 'SQL = "UPDATE payment_order SET expired_at = now()"\n'})
def sql_is_told_the_time(house: Path) -> list[str]:
    clocks = re.compile(
        r"\bnow\(\)|current_timestamp|current_date|localtimestamp|clock_timestamp|statement_timestamp", re.I
    )
    return [
        f"{module.path}:{line}"
        for module in modules(house)
        if not within(module, *STRANGERS)
        for line, text in texts(module)
        if clocks.search(text)
    ]


@law({"payment_hub/domain/fee.py": "x = float('1.5')\n"})
def money_is_never_a_fraction(house: Path) -> list[str]:
    """Not even for a moment: a fraction of binary or decimal places is no count of whole units."""
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(house)
        if module.path != "payment_hub/domain/money.py" and not within(module, *STRANGERS)
        for node, name in calls(module)
        if name.rpartition(".")[2] in {"float", "Decimal", "Fraction"}
    ]


def append_only() -> dict[str, str]:
    """Every append-only table by its name, with the name of its class."""
    classes = {mapper.local_table: mapper.class_.__name__ for mapper in Base.registry.mappers}
    marked = [table for table in Base.metadata.sorted_tables if table.info.get(APPEND_ONLY)]
    return {table.name: classes[table] for table in marked}


@law({"payment_hub/store/receipts.py": 'SQL = "DELETE FROM receipt WHERE id = 1"\n'})
def facts_are_never_changed_in_sql(house: Path) -> list[str]:
    """The database refuses it too; here it is refused before it is written."""
    change = re.compile(rf"\b(UPDATE|DELETE\s+FROM|TRUNCATE)\s+(ONLY\s+)?({'|'.join(append_only())})\b", re.I)
    return [
        f"{module.path}:{line}: {found[0]}"
        for module in modules(house)
        for line, text in texts(module)
        if (found := change.search(text))
    ]


@law({"payment_hub/store/receipts.py": "session.execute(update(Receipt).values(amount=1))\n"})
def facts_are_never_changed_in_python(house: Path) -> list[str]:
    facts = set(append_only().values())
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(house)
        for node, name in calls(module)
        if name.rpartition(".")[2] in {"update", "delete"}
        and {ast.unparse(argument) for argument in node.args} & facts
    ]


@law({"bank_adapters/mekong.py": "", "payment_hub/web/page.py": 'if bank == "mekong":\n    x = 1\n'})
def no_bank_is_named_outside_its_own_module(house: Path) -> list[str]:
    """Nor is one known by an attribute or a variable. The embedded default names those that it configures."""
    banks = {module.stem for module in modules(house, "bank_adapters") if module.path.count("/") == 1} - {
        "__init__"
    }
    trespasses = []
    for module in modules(house):
        own = module.stem if module.path.startswith("bank_adapters/") else ""
        if within(module, "payment_hub/embedded", "bank_adapters/simulators", *DEMO):
            continue
        for line, word in _words(module):
            if word in banks - {own} and (module.path, word) not in NAMED_FOR_ANOTHER_REASON:
                trespasses.append(f"{module.path}:{line} names {word}")
    return trespasses


DEMO = ("payment_hub/demo", "payment_hub/commands/demo.py")
NAMED_FOR_ANOTHER_REASON = {
    # Here the word says that the whole installation is a trial.
    ("payment_hub/app.py", "sandbox"),
    ("payment_hub/commands/conformance.py", "sandbox"),
    ("payment_hub/settings.py", "sandbox"),
    ("payment_hub/web/checkout/views.py", "sandbox"),
    ("payment_hub/web/checkout/page.py", "sandbox"),
    # Here it is the association that wrote the rules of the code, not its gateway for cards.
    ("bank_adapters/vietqr.py", "napas"),
}


def _words(module: Module) -> list[tuple[int, str]]:
    found = [(node.lineno, node.id) for node in ast.walk(module.tree) if isinstance(node, ast.Name)]
    found += [(node.lineno, node.attr) for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)]
    shown = _examples(module)
    for line, text in texts(module):
        found += [(line, word) for word in re.findall(r"[a-z0-9_]+", text.lower()) if text not in shown]
    return found


def _examples(module: Module) -> set[str]:
    """Texts that show in the API's description what a value may look like."""
    return {
        str(value.value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "example" and isinstance(value, ast.Constant)
    }
