"""Obligations: what somebody owes an agency, and what may be said of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from payment_hub.domain.errors import MalformedObligation
from payment_hub.domain.money import MAX_MINOR, VND, Money


class Kind(StrEnum):
    """Of what kind an obligation is."""

    FEE = "fee"
    HOSPITAL_BILL = "hospital_bill"
    TUITION = "tuition"
    TRAFFIC_FINE = "traffic_fine"


class VersionEvent(StrEnum):
    """Why a version exists."""

    REGISTERED = "REGISTERED"
    AMENDED = "AMENDED"
    WITHDRAWN = "WITHDRAWN"
    RESTORED = "RESTORED"


@dataclass(frozen=True, slots=True)
class Beneficiary:
    """The account that the money is for. ``bank`` is the BIN of the bank that keeps it."""

    account_number: str
    bank: str
    account_name: str
    treasury_chapter: str | None = None
    treasury_sub_item: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What an agency states of an obligation in one version."""

    amount: Money
    payer_name: str
    identifiers: Mapping[str, str]
    description: str
    due_on: date | None
    beneficiary: Beneficiary


@dataclass(frozen=True, slots=True)
class Identifier:
    """One field by which a kind is identified: its form, and what it is called on paper."""

    name: str
    pattern: str
    title_vi: str
    title_en: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class KindRules:
    """What obligations of one kind need. One module in ``domain/kinds`` each."""

    kind: Kind
    title_vi: str
    title_en: str
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
        **_wrong_words(terms),
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


def _wrong_identifiers(rules: KindRules, given: Mapping[str, str]) -> dict[str, str]:
    known = {identifier.name: identifier for identifier in rules.identifiers}
    wrong = {f"/identifiers/{name}": f"not known for {rules.kind}" for name in given if name not in known}
    for name, identifier in known.items():
        if name not in given:
            if identifier.required:
                wrong[f"/identifiers/{name}"] = f"required for {rules.kind}"
        elif not re.fullmatch(identifier.pattern, given[name], re.ASCII):
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


def _wrong_words(terms: Terms) -> dict[str, str]:
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
