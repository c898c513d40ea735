"""The discrepancies in English: what happened, the likely cause, and who must do what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciliation.domain.discrepancies import DiscrepancyKind as Kind
from reconciliation.domain.texts.explanation import Explanation

EXPLANATIONS: Final[Mapping[Kind, Explanation]] = {
    Kind.UNEXPLAINED_DEBIT: Explanation(
        "The statement of {place} takes {other} away by transaction {case}; no refund explains it.",
        "The bank returned or corrected the payment without notifying the hub.",
        "A finance officer asks the bank for its reason and evidence, and records the chargeback.",
    ),
    Kind.FAILED_REFUND_DEBITED: Explanation(
        "Refund {case} is recorded as failed, yet the statement of {place} shows a debit of {other}.",
        "The bank reported a wrong outcome, or refunded the money after all.",
        "A finance officer asks the bank and refunds nothing again; if the money went, the chargeback is recorded.",
    ),
    Kind.DUPLICATE_REFUND: Explanation(
        "{case} of {hub} was debited {other_items} times in the statement of {place}, {other} in all.",
        "The bank refunded it more than once, or debited the same amount by itself.",
        "A finance officer asks the bank to return what it debited too much.",
    ),
    Kind.REFUND_MISSING_AT_BANK: Explanation(
        "{case} of {hub} is recorded as refunded; the statements of {place} of two days do not show it.",
        "The bank has not paid it out yet, or booked it in another account.",
        "A finance officer asks for a trace; a later debit resolves this by itself.",
    ),
    Kind.REFUND_AMOUNT_MISMATCH: Explanation(
        "Refund {case}: the hub has {hub}, the statement of {place} debits {other}.",
        "The bank kept a fee from it, or refunded a wrong amount.",
        "A finance officer asks the bank to confirm and to correct it.",
    ),
    Kind.MISSING_IN_HUB: Explanation(
        "The statement of {place} has transaction {case} of {other}; the hub does not.",
        "No callback came, and the money could not be recorded from the statement.",
        "An operator collects the statement again, and calls the engineers if it stays away.",
    ),
    Kind.MISSING_AT_BANK: Explanation(
        "The hub took in transaction {case} of {hub}; the statement of {place} does not have it.",
        "It was paid after the bank's cut-off, or the bank confirmed it by mistake.",
        "Wait for the next statement; if it is missing there too, a finance officer asks for a trace.",
    ),
    Kind.DUPLICATE_AT_BANK: Explanation(
        "Transaction {case} stands {other_items} times in the statement of {place}, {other} in all.",
        "The bank booked one payment more than once.",
        "A finance officer asks the bank how much it really collected.",
    ),
    Kind.CURRENCY_MISMATCH: Explanation(
        "Transaction {case}: the hub says {hub}, the statement of {place} says {other}.",
        "The bank named the wrong currency in one of the two.",
        "A finance officer asks the bank to correct it.",
    ),
    Kind.AMOUNT_MISMATCH: Explanation(
        "Transaction {case}: the hub says {hub}, the statement of {place} says {other}.",
        "The bank kept a fee out of the amount, or reported a wrong one.",
        "A finance officer asks the bank which amount is right.",
    ),
    Kind.STATEMENT_REFUSED: Explanation(
        "The statement of {day} from {place} was refused: {detail}.",
        "The file was damaged when it was made or sent.",
        "An operator asks the bank for the file again.",
    ),
    Kind.STATEMENT_MISSING: Explanation(
        "The statement of {day} from {place} has not come.",
        "The bank has not made it yet, or cannot be reached.",
        "The hub keeps asking; after the deadline an operator calls the bank.",
    ),
    Kind.BOOKED_WITHOUT_RECEIPT: Explanation(
        "{place} booked {other} for {case}; the hub has no receipt for it.",
        "The agency was paid directly, or booked under a wrong reference.",
        "The agency's accountant checks the entry and corrects it.",
    ),
    Kind.MISSING_AT_AGENCY: Explanation(
        "The hub collected {hub} for {case}; the ledger of {place} does not have it.",
        "The agency has not received or not booked it yet.",
        "The agency's accountant books it; the next ledger resolves this by itself.",
    ),
    Kind.DUPLICATE_AT_AGENCY: Explanation(
        "{place} booked {case} {other_items} times, {other} in all; the hub collected {hub}.",
        "One payment was booked more than once.",
        "The agency's accountant reverses what is too much.",
    ),
    Kind.AGENCY_CURRENCY_MISMATCH: Explanation(
        "{case}: the hub collected {hub}, {place} booked {other}.",
        "The agency booked another currency.",
        "The agency's accountant corrects the entry.",
    ),
    Kind.AGENCY_AMOUNT_MISMATCH: Explanation(
        "{case}: the hub collected {hub}, {place} booked {other}.",
        "The agency booked a wrong amount.",
        "The agency's accountant corrects the entry.",
    ),
    Kind.LEDGER_REFUSED: Explanation(
        "The ledger of {day} from {place} was refused: {detail}.",
        "The file was edited by hand, or the agency's software made it wrong.",
        "The agency's accountant mends the file and leaves it again.",
    ),
    Kind.LEDGER_MISSING: Explanation(
        "The ledger of {day} from {place} has not come.",
        "The agency has not left it yet.",
        "The agency's accountant leaves the file.",
    ),
    Kind.UNIDENTIFIED_PAYMENT: Explanation(
        "{hub} came with transaction {case}, and no payment order fits.",
        "The payer wrote a wrong purpose into the transfer.",
        "A finance officer finds out whose money it is, or proposes a refund.",
    ),
    Kind.WRONG_CURRENCY: Explanation(
        "{case}: {hub} came, which is not the currency of the order.",
        "The bank collected in a foreign currency.",
        "A finance officer proposes a refund.",
    ),
    Kind.CONFLICTING_CONFIRMATIONS: Explanation(
        "{case}: a bank has confirmed one payment in two different ways.",
        "A fault at the bank, or another party that holds its key.",
        "A finance officer asks the bank for a written confirmation.",
    ),
    Kind.PAID_TWICE: Explanation(
        "{case} was paid more than once; {hub} is too much.",
        "The payer paid again by another bank, or scanned the QR code twice.",
        "A finance officer proposes to refund the later payment.",
    ),
    Kind.OVERPAID: Explanation(
        "{case} is for {other}; {hub} too much was paid.",
        "The payer typed the amount by hand.",
        "A finance officer proposes to refund the rest.",
    ),
    Kind.UNDERPAID: Explanation(
        "{case} is for {other}; only {hub} was paid, and is in suspense.",
        "The payer typed the amount by hand, or the bank kept a fee.",
        "A finance officer asks the payer for the rest, or proposes a refund.",
    ),
    Kind.HELD: Explanation(
        "{case}: {hub} is here but may not settle anything yet.",
        "It came after the deadline, or the obligation was changed or withdrawn.",
        "A finance officer decides whether it counts or is refunded.",
    ),
}
