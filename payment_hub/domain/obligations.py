"""Obligations: what a payer owes an agency. The rules of each kind, and the view that callers get.

A new kind is a new ``KindRules`` and its place in ``RULES``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final

from payment_hub.domain.errors import MalformedObligation
from payment_hub.domain.money import MAX_MINOR, VND, Money
from payment_hub.domain.wire import Shown


class Kind(StrEnum):
    """The kind of an obligation."""

    FEE = "fee"
    HOSPITAL_BILL = "hospital_bill"
    TUITION = "tuition"
    TRAFFIC_FINE = "traffic_fine"


class ObligationState(StrEnum):
    """Whether an obligation is to be paid."""

    OWED = "OWED"
    WITHDRAWN = "WITHDRAWN"
    SETTLED = "SETTLED"
    """One of its orders was paid in full."""


class VersionEvent(StrEnum):
    """Why a version exists."""

    REGISTERED = "REGISTERED"
    AMENDED = "AMENDED"
    WITHDRAWN = "WITHDRAWN"
    RESTORED = "RESTORED"


@dataclass(frozen=True, slots=True)
class Beneficiary:
    """The account that gets the money. ``bank`` is the BIN of the bank that keeps it."""

    account_number: str
    bank: str
    account_name: str
    treasury_chapter: str | None = None
    treasury_sub_item: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The content of one version of an obligation, as the agency states it."""

    amount: Money
    payer_name: str
    identifiers: Mapping[str, str]
    description: str
    due_on: date | None
    beneficiary: Beneficiary


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifying field of a kind: its form, and its name on paper."""

    name: str
    pattern: str
    title: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class KindRules:
    """The rules for obligations of one kind."""

    kind: Kind
    title: str
    identifiers: tuple[Identifier, ...]
    needs_treasury: bool = False
    """Money for the state budget goes to a Treasury account, by chapter and sub-item."""


_ACCOUNT: Final = re.compile(r"[0-9A-Z]{6,19}", re.ASCII)
_BIN: Final = re.compile(r"[0-9]{6}", re.ASCII)
_CHAPTER: Final = re.compile(r"[0-9]{3}", re.ASCII)
_SUB_ITEM: Final = re.compile(r"[0-9]{4}", re.ASCII)


def check_terms(rules: KindRules, terms: Terms) -> Terms:
    """The terms in normal form. Raises MalformedObligation with a JSON pointer for everything that is wrong."""
    wrong = {
        **_wrong_identifiers(rules, terms.identifiers),
        **_wrong_beneficiary(rules, terms.beneficiary),
        **_wrong_texts(terms),
    }
    if terms.amount.currency != VND:
        wrong["/amount/currency"] = "obligations are owed in VND"
    elif not 0 <= terms.amount.minor <= MAX_MINOR:
        wrong["/amount/amount"] = f"must be from 0 to {MAX_MINOR}"
    if wrong:
        raise MalformedObligation(
            "; ".join(f"{where}: {what}" for where, what in wrong.items()), pointers=wrong
        )
    return Terms(
        amount=terms.amount,
        payer_name=unicodedata.normalize("NFC", terms.payer_name).strip(),
        identifiers=dict(sorted(terms.identifiers.items())),
        description=unicodedata.normalize("NFC", terms.description).strip(),
        due_on=terms.due_on,
        beneficiary=terms.beneficiary,
    )


def _wrong_identifiers(rules: KindRules, stated: Mapping[str, str]) -> dict[str, str]:
    fields = {identifier.name: identifier for identifier in rules.identifiers}
    wrong = {f"/identifiers/{name}": f"not known for {rules.kind}" for name in stated if name not in fields}
    for name, identifier in fields.items():
        if name not in stated:
            if identifier.required:
                wrong[f"/identifiers/{name}"] = f"required for {rules.kind}"
        elif not re.fullmatch(identifier.pattern, stated[name], re.ASCII):
            wrong[f"/identifiers/{name}"] = f"must look like {identifier.pattern}"
    return wrong


def _wrong_beneficiary(rules: KindRules, account: Beneficiary) -> dict[str, str]:
    wrong = {}
    if not _ACCOUNT.fullmatch(account.account_number):
        wrong["/beneficiary/account_number"] = "must be 6 to 19 digits or capital letters"
    if not _BIN.fullmatch(account.bank):
        wrong["/beneficiary/bank"] = "must be the 6-digit BIN of a bank"
    if not 1 <= len(account.account_name.strip()) <= 140:
        wrong["/beneficiary/account_name"] = "must have 1 to 140 characters"
    for name, value, form in (
        ("treasury_chapter", account.treasury_chapter, _CHAPTER),
        ("treasury_sub_item", account.treasury_sub_item, _SUB_ITEM),
    ):
        if value is None and rules.needs_treasury and name == "treasury_sub_item":
            wrong[f"/beneficiary/{name}"] = f"required for {rules.kind}"
        elif value is not None and not form.fullmatch(value):
            wrong[f"/beneficiary/{name}"] = f"must be {form.pattern}"
    return wrong


def _wrong_texts(terms: Terms) -> dict[str, str]:
    wrong = {}
    for pointer, text, most in (
        ("/payer_name", terms.payer_name, 140),
        ("/description", terms.description, 500),
    ):
        if not 1 <= len(text.strip()) <= most:
            wrong[pointer] = f"must have 1 to {most} characters"
        elif any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} for c in text):
            wrong[pointer] = "has a control, invisible or unassigned character"
    return wrong


#: The dossier code has the form of Circular 01/2018/TT-VPCP article 19 (agency code of up to 35 characters, date,
#: number); the procedure code has the form d.dddddd, often with the agency's code behind it.
FEE: Final = KindRules(
    kind=Kind.FEE,
    title="Fee or charge",
    identifiers=(
        Identifier("dossier_code", r"[0-9A-Z.]{3,35}-[0-9]{6}-[0-9]{4,6}", "Dossier code"),
        Identifier("procedure_code", r"[0-9]\.[0-9]{6}(\.[0-9A-Z.]{1,35})?", "Procedure code", False),
    ),
)


#: Forms of patient codes differ between hospitals, so only their alphabet is checked.
HOSPITAL_BILL: Final = KindRules(
    kind=Kind.HOSPITAL_BILL,
    title="Hospital bill",
    identifiers=(
        Identifier("patient_code", r"[0-9A-Z.-]{4,20}", "Patient code"),
        Identifier("treatment_code", r"[0-9A-Z.-]{4,30}", "Treatment code"),
    ),
)


#: Fines go to the Treasury; sub-item 4252 of item 4250 is road traffic fines (Circular 324/2016/TT-BTC, annex III).
#: Chapter and sub-item need not be printed on a fine's receipt, but the Treasury books by them.
TRAFFIC_FINE: Final = KindRules(
    kind=Kind.TRAFFIC_FINE,
    title="Road traffic fine",
    identifiers=(
        Identifier("decision_number", r"[0-9A-Za-z./-]{3,40}", "Decision number"),
        Identifier("decided_on", r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", "Date of decision"),
        Identifier("plate", r"[0-9A-Z.-]{4,12}", "Number plate", False),
    ),
    needs_treasury=True,
)


#: Pupil codes have mostly 10 or 12 digits; schools' own codes occur too.
TUITION: Final = KindRules(
    kind=Kind.TUITION,
    title="Tuition",
    identifiers=(
        Identifier("pupil_code", r"[0-9A-Z.-]{4,20}", "Pupil or student code"),
        Identifier("school_year", r"20[0-9]{2}-20[0-9]{2}", "School year"),
        Identifier("term", r"[0-9A-Z]{1,10}", "Term", False),
    ),
)


RULES: Final[dict[Kind, KindRules]] = {
    rules.kind: rules for rules in (FEE, HOSPITAL_BILL, TUITION, TRAFFIC_FINE)
}


@dataclass(frozen=True, slots=True)
class ObligationView:
    """What somebody owes an agency."""

    agency: str
    agency_name: Annotated[str, Shown(hidden=True)]
    reference: str
    kind: Kind
    version: int
    state: ObligationState
    amount: Money
    payer_name: str
    identifiers: Mapping[str, str]
    description: str
    due_on: date | None
    beneficiary: Beneficiary
    open_order: Annotated[str | None, Shown(description="Reference of the order that can be paid now")]
    registered_at: datetime
