"""Rules about what code may do: transactions, clocks, money, facts, states, the environment, banks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import reconciliation.store.tables  # noqa: F401  (its tables are in the same metadata)
from payment_hub.store.tables import APPEND_ONLY, Base
from tests.rules.rule import Module, called, modules, rule, sql_of, within

#: Programs of their own, which no module of the hub imports. They have an environment and a clock of their own.
OTHER_PROGRAMS = ("payment_hub/embedded", "bank_adapters/simulators")

OPERATIONS = ("payment_hub/operations", "reconciliation/operations")
TRANSACTIONS = ("transaction", "autocommit")

#: Methods that send a message to a bank, an agency or a portal, and wait for the answer.
CALLS_OUT = {
    "open_payment",
    "query_payment",
    "cancel_payment",
    "capture_payment",
    "refund_payment",
    "query_refund",
}
CALLS_OUT |= {"fetch_statement", "fetch_receipt", "read_ledgers", "post"}


@rule({"payment_hub/web/resources/orders.py": "with hub.transaction() as session:\n    pass\n"})
def only_operations_open_transactions(repo: Path) -> list[str]:
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(repo)
        if not within(module, *OPERATIONS, *OTHER_PROGRAMS)
        for node, name in module.calls
        if name.rpartition(".")[2] in TRANSACTIONS
    ]


@rule({"payment_hub/store/orders.py": "session.commit()\n"})
def nothing_else_commits(repo: Path) -> list[str]:
    """The hub's own blocks commit; the schema's upgrade, which has no hub yet, is the one exception."""
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(repo)
        if not within(module, "payment_hub/hub.py", "payment_hub/store/schema.py", *OTHER_PROGRAMS)
        for node, name in module.calls
        if re.search(r"(session|sessions|connection|engine)(\(\))?\.(commit|rollback|begin)$", name)
    ]


@rule(
    {
        "payment_hub/operations/banks.py": "def call(hub):\n    hub.adapter(bank).query_payment(q)\n",
        "payment_hub/operations/payments.py": "def pay(hub):\n    with hub.transaction() as s:\n        call(hub)\n",
    }
)
def no_transaction_waits_for_a_call_out(repo: Path) -> list[str]:
    """Neither by a call of its own, nor by an operation that calls out."""
    outside = CALLS_OUT | _operations_that_call_out(repo)
    violations = []
    for module in modules(repo, *OPERATIONS):
        for block in module.nodes:
            if isinstance(block, ast.With) and _opens_transaction(block):
                names = {name for statement in block.body for name in _called_within(statement)}
                violations += [
                    f"{module.path}:{block.lineno} calls {name}" for name in sorted(names & outside)
                ]
    return violations


def _operations_that_call_out(repo: Path) -> set[str]:
    """Names of the functions of operations that call out, directly or through each other."""
    calls_of = {
        node.name: set(_called_within(node))
        for module in modules(repo, *OPERATIONS)
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef)
    }
    outside: set[str] = set()
    while more := {name for name, names in calls_of.items() if names & (CALLS_OUT | outside)} - outside:
        outside |= more
    return outside


def _called_within(node: ast.AST) -> set[str]:
    return {called(each).rpartition(".")[2] for each in ast.walk(node)} - {""}


def _opens_transaction(block: ast.With) -> bool:
    return any(called(item.context_expr).rpartition(".")[2] in TRANSACTIONS for item in block.items)


@rule({"payment_hub/web/page.py": "import os\n\nx = os.environ['HUB_X']\n"})
def only_the_composition_root_reads_the_environment(repo: Path) -> list[str]:
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(repo)
        if not within(module, "wsgi.py", *OTHER_PROGRAMS)
        for node in module.nodes
        if isinstance(node, ast.Attribute | ast.Name | ast.alias)
        and (ast.unparse(node) in {"os.environ", "os.getenv", "environ", "getenv"} and _from_os(module))
    ]


def _from_os(module: Module) -> bool:
    imported = [node for node in module.nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return any(
        "os" in {alias.name for alias in node.names} or getattr(node, "module", "") == "os"
        for node in imported
    )


@rule({"payment_hub/operations/pay.py": "from datetime import datetime\n\nx = datetime.now(UTC)\n"})
def only_the_hub_reads_the_clock(repo: Path) -> list[str]:
    """``hub.now`` is the clock. ``monotonic`` measures how long something took, which is no moment."""
    clocks = re.compile(
        r"(datetime\.)?(datetime|date)\.(now|utcnow|today)|time\.(time|time_ns|localtime|gmtime)|func\.now"
    )
    return [
        f"{module.path}:{node.lineno} {name}"
        for module in modules(repo)
        if not within(module, *OTHER_PROGRAMS)
        for node, name in module.calls
        if clocks.fullmatch(name) and not (_is_utc_now(module, node) or module.path in OTHER_CLOCKS)
    ]


OTHER_CLOCKS = {
    # The library that counts requests goes by this clock, and its answers are compared with it.
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


@rule({"payment_hub/store/orders.py": 'SQL = "UPDATE payment_order SET expired_at = now()"\n'})
def sql_gets_the_time_as_a_parameter(repo: Path) -> list[str]:
    clocks = re.compile(
        r"\bnow\(\)|current_timestamp|current_date|localtimestamp|clock_timestamp|statement_timestamp", re.I
    )
    return [
        place for place, text in sql_of(repo) if not place.startswith(OTHER_PROGRAMS) and clocks.search(text)
    ]


@rule({"payment_hub/domain/fee.py": "x = float('1.5')\n"})
def money_is_never_a_fraction(repo: Path) -> list[str]:
    """An amount is a count of whole units from its first digit to its last; it is never a fraction on the way."""
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(repo)
        if module.path != "payment_hub/domain/money.py" and not within(module, *OTHER_PROGRAMS)
        for node, name in module.calls
        if name.rpartition(".")[2] in {"float", "Decimal", "Fraction"}
    ]


def append_only() -> dict[str, str]:
    """Every append-only table by its name, with the name of its class."""
    classes = {mapper.local_table: mapper.class_.__name__ for mapper in Base.registry.mappers}
    marked = [table for table in Base.metadata.sorted_tables if table.info.get(APPEND_ONLY)]
    return {table.name: classes[table] for table in marked}


@rule({"payment_hub/store/receipts.py": 'SQL = "DELETE FROM receipt WHERE id = 1"\n'})
def facts_are_never_changed_in_sql(repo: Path) -> list[str]:
    """The database refuses it too; here it is refused before it is written."""
    change = re.compile(rf"\b(UPDATE|DELETE\s+FROM|TRUNCATE)\s+(ONLY\s+)?({'|'.join(append_only())})\b", re.I)
    return [f"{place}: {statement[0]}" for place, text in sql_of(repo) if (statement := change.search(text))]


@rule({"payment_hub/store/receipts.py": "session.execute(update(Receipt).values(amount=1))\n"})
def facts_are_never_changed_in_python(repo: Path) -> list[str]:
    facts = set(append_only().values())
    return [
        f"{module.path}:{node.lineno}"
        for module in modules(repo)
        for node, name in module.calls
        if name.rpartition(".")[2] in {"update", "delete"}
        and {ast.unparse(argument) for argument in node.args} & facts
    ]


@rule({"bank_adapters/mekong.py": "", "payment_hub/web/page.py": 'if bank == "mekong":\n    x = 1\n'})
def no_bank_is_named_outside_its_own_module(repo: Path) -> list[str]:
    """Neither in a text nor by an attribute or a variable. The embedded default names those that it configures."""
    banks = {module.stem for module in modules(repo, "bank_adapters") if module.path.count("/") == 1} - {
        "__init__"
    }
    violations = []
    for module in modules(repo):
        own = module.stem if module.path.startswith("bank_adapters/") else ""
        if within(module, *OTHER_PROGRAMS, *DEMO):
            continue
        for line, word in _names_and_texts(module):
            if word in banks - {own} and (module.path, word) not in NAMED_FOR_ANOTHER_REASON:
                violations.append(f"{module.path}:{line} names {word}")
    return violations


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


def _names_and_texts(module: Module) -> list[tuple[int, str]]:
    parts = [(node.lineno, node.id) for node in module.nodes if isinstance(node, ast.Name)]
    parts += [(node.lineno, node.attr) for node in module.nodes if isinstance(node, ast.Attribute)]
    examples = _examples(module)
    for line, text in module.texts:
        if text not in examples:
            parts += [(line, word) for word in re.findall(r"[a-z0-9_]+", text.lower())]
    return parts


def _examples(module: Module) -> set[str]:
    """Texts that show in the API's description what a value may look like."""
    return {
        str(value.value)
        for node in module.nodes
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "example" and isinstance(value, ast.Constant)
    }
