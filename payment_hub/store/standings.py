"""Hear a confirmation: store the raw message and read all that the judge may know, in one statement."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from payment_hub.domain.agency import LatePolicy
from payment_hub.domain.bank_values import CallbackRequest, Confirmation
from payment_hub.domain.ledger import Account
from payment_hub.domain.payment_attempt import AttemptState
from payment_hub.domain.references import find_reference
from payment_hub.domain.standing import Booked, Heard, OrderStanding, Standing, Verdict
from payment_hub.store.connections import Statements
from payment_hub.store.order_rows import COLUMNS, LEFT_JOINS
from payment_hub.store.prepared import Prepared
from payment_hub.store.said import write_said

#: Headers that are kept as evidence. Credentials and the rest of what a client sends are not.
KEPT_HEADERS: Final = re.compile(
    r"content-(type|length|encoding)|webhook-.*|.*(signature|timestamp|checksum|digest|request-id|req-h).*"
)

_STORE: Final = """
    INSERT INTO callback (bank, method, path, query, headers, body, source_ip, verified, said, received_at)
    VALUES (%(bank)s, %(method)s, %(path)s, %(query)s, %(headers)s::jsonb, %(body)s, %(source_ip)s, true,
            %(said)s::jsonb, %(received_at)s)
    RETURNING id"""

#: Evidence of an attack is worth keeping; room for the whole attack is not.
_STORE_UNVERIFIED: Final = Prepared("""
    INSERT INTO callback (bank, method, path, query, headers, body, source_ip, verified, received_at)
    SELECT %(bank)s::text, %(method)s::text, %(path)s::text, %(query)s::bytea, %(headers)s::jsonb, %(body)s::bytea,
        %(source_ip)s::text, false, %(received_at)s::timestamptz
    WHERE %(most)s::int > (
        SELECT count(*) FROM callback
        WHERE NOT verified AND bank = %(bank)s::text
            AND received_at > %(received_at)s::timestamptz - interval '1 minute'
    )""")

#: What the ledger holds for an order, by account: ``posted``. The alias of the order is o.
POSTED: Final = """
LEFT JOIN LATERAL (
    SELECT coalesce(sum(CASE WHEN credit = 'AGENCY_PAYABLE' THEN amount WHEN debit = 'AGENCY_PAYABLE' THEN -amount
                        END), 0) AS payable,
           coalesce(sum(CASE WHEN credit = 'OVERPAYMENT' THEN amount WHEN debit = 'OVERPAYMENT' THEN -amount
                        END), 0) AS overpayment,
           coalesce(sum(CASE WHEN credit = 'SUSPENSE' THEN amount WHEN debit = 'SUSPENSE' THEN -amount
                        END), 0) AS suspense
    FROM posting WHERE order_id = o.id AND currency = o.currency
) posted ON true"""

#: An id that first came with money known by another id is known, too: of repetitions the first is heard.
_READ: Final = f"""
SELECT {COLUMNS},
    p.id AS attempt_id, p.state AS attempt_state,
    c.id AS booked, c.amount AS booked_amount, c.currency AS booked_currency, c.order_id AS booked_order_id,
    coalesce(named.id, numbered.order_id) AS named_order_id, heard.said,
    posted.payable, posted.overpayment, posted.suspense
FROM (SELECT 1) AS one
LEFT JOIN collection c ON c.bank = %(bank)s AND c.bank_transaction_id = %(transaction)s
LEFT JOIN payment_order named ON named.reference = %(reference)s
LEFT JOIN payment_attempt numbered ON numbered.id = %(number)s AND numbered.bank = %(bank)s
LEFT JOIN payment_order o ON o.id = coalesce(c.order_id, named.id, numbered.order_id)
{LEFT_JOINS}
LEFT JOIN LATERAL (
    SELECT id, state FROM payment_attempt
    WHERE order_id = o.id AND bank = %(bank)s
    ORDER BY id = numbered.id DESC NULLS LAST, reference = %(attempt)s DESC, number DESC LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(encode(digest, 'hex'), verdict) ORDER BY id) AS said FROM (
        SELECT id, digest, verdict FROM confirmation
        WHERE bank = %(bank)s AND event_id = %(event)s AND disposition IN ('APPLIED', 'ORPHAN')
        UNION ALL
        SELECT id, digest, verdict FROM confirmation
        WHERE bank = %(bank)s AND event_id = %(event)s AND disposition = 'CONFLICT'
        UNION ALL
        (SELECT id, digest, verdict FROM confirmation
        WHERE bank = %(bank)s AND event_id = %(event)s AND disposition = 'DUPLICATE' ORDER BY id LIMIT 1)
    ) told
) heard ON true
{POSTED}"""

READ: Final = Prepared(_READ)
STORE_AND_READ: Final = Prepared(
    f"WITH stored AS ({_STORE}){_READ.replace('SELECT', 'SELECT stored.id AS callback_id,', 1)}\
    CROSS JOIN stored"
)


@dataclass(frozen=True, slots=True)
class Known:
    """What was read: the standing for the judge, and the row itself for whoever records the judgement."""

    standing: Standing
    row: Mapping[Any, Any]
    callback_id: int | None

    @property
    def attempt(self) -> tuple[int, AttemptState] | None:
        """The attempt that the confirmation speaks of."""
        key = self.row["attempt_id"]
        return None if key is None else (key, AttemptState(self.row["attempt_state"]))


def store_unverified(connection: Statements, bank: str, request: CallbackRequest, most: int) -> None:
    """Keep a message that could not be verified, unless ``most`` of them came under this bank's name in a minute."""
    _STORE_UNVERIFIED.row(connection, _message(bank, request) | {"most": most})


def hear(
    connection: Statements,
    confirmation: Confirmation,
    request: CallbackRequest | None,
    received_at: datetime,
    callback_id: int | None = None,
) -> Known:
    """Store the message if there is one, and read what is known of the order, the event and the money.

    ``callback_id`` is that of a message stored earlier.
    """
    asked = {
        "bank": confirmation.bank,
        "event": confirmation.event_id,
        "transaction": confirmation.bank_transaction_id,
        "reference": find_reference(confirmation.reference, received_at),
        "attempt": confirmation.reference,
        "number": confirmation.number,
    }
    if request is None:
        return _known(_one_row(connection, READ, asked), callback_id)
    stored = _message(confirmation.bank, request) | {"said": write_said(confirmation)}
    row = _one_row(connection, STORE_AND_READ, asked | stored)
    return _known(row, row["callback_id"])


def _one_row(connection: Statements, question: Prepared, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    row = question.row(connection, asked)
    assert row is not None  # noqa: S101 (a question about one constant row has one answer)
    return row


def _message(bank: str, request: CallbackRequest) -> dict[str, Any]:
    kept = {name: _plain(value) for name, value in request.headers.items() if KEPT_HEADERS.fullmatch(name)}
    return {
        "bank": bank,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": json.dumps(kept),
        "body": request.body,
        "source_ip": request.source_ip,
        "received_at": request.received_at,
    }


def _plain(text: str) -> str:
    """What PostgreSQL can store of a stranger's text: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode()


def _known(row: Mapping[Any, Any], callback_id: int | None) -> Known:
    heard = tuple(Heard(bytes.fromhex(digest), Verdict(verdict)) for digest, verdict in row["said"] or ())
    booked = None
    if row["booked"] is not None:
        same = row["booked_order_id"] == row["named_order_id"]
        booked = Booked(row["booked_amount"], row["booked_currency"], for_this_order=same)
    order = None if row["order_id"] is None else order_standing(row)
    return Known(Standing(order, heard, booked), row, callback_id)


def order_standing(row: Mapping[Any, Any]) -> OrderStanding:
    """What the judge may know of an order, from a row read with COLUMNS and the sums posted for it."""
    settled_here = row["settled_by"] == row["order_id"]
    return OrderStanding(
        required=row["required"],
        currency=row["currency"],
        received=row["received"],
        accepted=row["accepted"],
        late=row["late"],
        conflict=row["conflict"],
        other_currency=row["other_currency"],
        expires_at=row["expires_at"],
        cancelled_at=row["cancelled_at"],
        late_policy=LatePolicy(row["late_policy"]),
        part_payments=row["part_payments"],
        still_owed=row["settled_by"] is None
        and not row["withdrawn"]
        and row["obligation_version"] == row["obligation_now"],
        settled_here=settled_here,
        settled_elsewhere=row["settled_by"] is not None and not settled_here,
        has_receipt=row["receipt_serial"] is not None,
        posted={
            Account.AGENCY_PAYABLE: int(row["payable"]),
            Account.OVERPAYMENT: int(row["overpayment"]),
            Account.SUSPENSE: int(row["suspense"]),
        },
        refunded=row["refunded"],
        given_back=row["given_back"],
        given_back_accepted=row["given_back_accepted"],
    )
