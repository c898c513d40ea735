"""References: sorted by time, safe on the telephone, and found again in what payers type and banks make of it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.errors import MalformedReference
from payment_hub.domain.references import (
    ALPHABET,
    CHANCE_BITS,
    FIRST_DAY,
    LENGTH,
    REFUND_PREFIX,
    SKEW,
    find_reference,
    may_hold_reference,
    new_reference,
    new_refund_reference,
    parse_reference,
    spoken,
)

moments = st.datetimes(datetime(2020, 1, 1), datetime(2054, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
chances = st.integers(0, (1 << CHANCE_BITS) - 1)
references = st.builds(new_reference, moments, chances)


def refused(text: str) -> bool:
    """Whether it is no reference of ours."""
    try:
        parse_reference(text)
    except MalformedReference:
        return True
    return False


@given(references)
def test_a_reference_is_short_and_plain(reference: str) -> None:
    assert len(reference) == LENGTH <= 19
    assert reference.startswith("DV")
    assert set(reference[2:]) <= set(ALPHABET)
    assert parse_reference(reference) == reference


@given(moments, chances, chances, st.integers(1, 10**9))
def test_a_later_order_sorts_later(moment: datetime, one: int, other: int, milliseconds: int) -> None:
    earlier = new_reference(moment, one)
    later = new_reference(moment + timedelta(milliseconds=milliseconds), other)
    assert earlier[:-1] < later[:-1]


@given(references)
def test_every_single_wrong_character_is_caught(reference: str) -> None:
    for place in range(2, LENGTH):
        for character in set(ALPHABET) - {reference[place]}:
            assert refused(reference[:place] + character + reference[place + 1 :])


@given(references)
def test_every_two_characters_exchanged_are_caught(reference: str) -> None:
    for one, other in itertools.combinations(range(2, LENGTH), 2):
        if reference[one] != reference[other]:
            letters = list(reference)
            letters[one], letters[other] = letters[other], letters[one]
            assert refused("".join(letters))


@given(references, st.sampled_from(" -."))
def test_it_is_understood_as_people_write_it(reference: str, separator: str) -> None:
    assert parse_reference(spoken(reference)) == reference
    assert parse_reference(separator.join(reference.lower())) == reference
    mistaken = reference.translate(str.maketrans("01", "OL"))
    assert parse_reference(mistaken) == reference
    assert parse_reference(reference.replace("1", "i")) == reference


@pytest.mark.parametrize(
    "text", ["", "DV", "XX" + "0" * 14, "DV" + "U" * 14, "DV" + "0" * 13, "DV" + "０" * 14, "D" * 41]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    assert refused(text)


def test_the_check_character_is_what_it_was_on_the_first_day() -> None:
    """Computed by hand, by polynomials divided by x^5 + x^2 + 1: printed orders outlive every change of the code."""
    moment = datetime(2026, 11, 22, 13, 16, 43, 123_000, tzinfo=UTC)
    assert new_reference(moment, 0x1234567) == "DV6AJFZXQKJ6HB7W"
    assert new_refund_reference(moment, 0x1234567) == "RF6AJFZXQKJ6HB7W"
    assert new_reference(datetime(2026, 3, 2, 3, tzinfo=UTC), 0) == "DV5N71C6W000000N"


NOW: Final = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
#: References are good until then: by that time words such as DVC are no longer told from references by their time.
LATE: Final = datetime(2053, 12, 31, tzinfo=UTC)

issue_moments = st.datetimes(datetime(2026, 1, 1), datetime(2053, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
issued_references = st.builds(new_reference, issue_moments, chances)

FORMS: Final[dict[str, Callable[[str], str]]] = {
    "plain": lambda r: r,
    "lower": lambda r: f"nop phat {r.lower()} cam on",
    "in groups": lambda r: f"Nop phi {spoken(r)} nguyen van an",
    "in groups with dashes": lambda r: f"TT {spoken(r).replace(' ', '-')}-1 ho so",
    "in groups with dots": lambda r: spoken(r).lower().replace(" ", "."),
    "a bank's words around it": lambda r: f"MBVCB.123.{r.lower()}.CT tu 001",
    "glued": lambda r: f"NOPPHAT{r}CAMON",
    "glued to numbers": lambda r: f"CT250126{r}0912345678",
    "broken by the end of a line": lambda r: f"Nop phi {r[:9]} {r[9:]} cam on",
    "with its attempt": lambda r: f"Nop phi {r}-1",
    "with its attempt and no dash": lambda r: f"Nop phi {r}1 CT tu 0123",
    "DV before": lambda r: f"DV {r}",
    "DVC before": lambda r: f"Nop phi DVC {r}",
    "DVHC before": lambda r: f"TT DVHC {r}-2",
    "RF before": lambda r: f"RF {r}",
    "DV glued before": lambda r: f"DV{r}",
    "DVC before groups": lambda r: f"DVC {spoken(r)}",
    "DV after": lambda r: f"{r} DV",
    "DVC after": lambda r: f"{r} DVC 0912345678",
    "DVHC after": lambda r: f"{r} DVHC quan 1 ngay 25/11/2026",
    "RF after": lambda r: f"{r} RF 17",
    "twice": lambda r: f"{r} {r}",
    "twice with its attempt": lambda r: f"{r}-1;{r.lower()}-1",
    "twice and glued": lambda r: f"{r}{r}",
    "O for 0": lambda r: r.replace("0", "O"),
    "I for 1": lambda r: f"Nop phi DVC {r.replace('1', 'I')}",
    "l for 1": lambda r: f"nop phi {r.lower().replace('1', 'l')}",
    "O and L in groups": lambda r: spoken(r.replace("0", "O").replace("1", "L")),
    "O and glued": lambda r: f"NOPPHAT{r.replace('0', 'O')}CAMON",
}

HOW_MANY = pytest.mark.parametrize("many", [200, pytest.param(20_000, marks=pytest.mark.deep)])

WORDS: Final = ["nop", "phi", "DV", "dvc", "DVHC", "RF", "TT", "HO", "so", "thue", "MBVCB", "1", "0912345678"]
LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def a_reference(chance: random.Random) -> str:
    """One of this hub's, issued at any moment until now."""
    age = chance.randrange(int((NOW - FIRST_DAY) / timedelta(milliseconds=1)))
    return new_reference(NOW - timedelta(milliseconds=age), chance.getrandbits(CHANCE_BITS))


def a_piece(chance: random.Random) -> str:
    """A word, a number, or letters and digits in any order, some of which begin as a reference does."""
    kind = chance.random()
    if kind < 0.55:
        return chance.choice(WORDS)
    if kind < 0.75:
        return str(chance.randrange(10 ** chance.randint(1, 16)))
    if kind < 0.95:
        return "".join(chance.choices(LETTERS, k=chance.randint(1, 18)))
    return chance.choice(["DV", "RF"]) + "".join(chance.choices(ALPHABET, k=chance.randint(1, 20)))


def a_text(chance: random.Random, *references: str) -> str:
    """Pieces with the references somewhere between them, one in six glued to what follows."""
    pieces = [a_piece(chance) for _ in range(chance.randint(1, 8))]
    for reference in references:
        written = FORMS[
            chance.choice(["plain", "lower", "in groups", "broken by the end of a line", "O for 0"])
        ]
        pieces.insert(chance.randint(0, len(pieces)), written(reference))
    return "".join(piece + chance.choice("   .-") * chance.choice([0, 1, 1, 1, 1, 1]) for piece in pieces)


@HOW_MANY
@pytest.mark.parametrize("form", FORMS)
def test_none_is_lost(form: str, many: int) -> None:
    chance = random.Random(f"{form} {many}")
    issued = [a_reference(chance) for _ in range(many)]
    lost = [one for one in issued if find_reference(FORMS[form](one), NOW) != one]
    assert lost == []


@HOW_MANY
def test_of_two_that_differ_none_is_chosen(many: int) -> None:
    chance = random.Random(many)
    for _ in range(many):
        one, other = (FORMS[chance.choice(list(FORMS))](a_reference(chance)) for _ in range(2))
        assert find_reference(f"{one} {other}", NOW) is None, (one, other)


@pytest.mark.parametrize("many", [10_000, pytest.param(500_000, marks=pytest.mark.deep)])
def test_no_text_leads_to_another_order(many: int) -> None:
    """Where one stands, no other is found; where none stands, what looks like one is rare and is nobody's."""
    chance = random.Random(many)
    issued, lost, seeming = set(), 0, []
    for _ in range(many):
        genuine = a_reference(chance)
        issued.add(genuine)
        text = a_text(chance, genuine)
        reference = find_reference(text, NOW)
        assert reference in (genuine, None), text
        lost += reference is None
        seeming.append(find_reference(a_text(chance), NOW))
    assert not issued.intersection(seeming)
    assert lost <= many / 5_000 + 2
    assert len(seeming) - seeming.count(None) <= many / 5_000 + 2


@given(issued_references, st.integers(1, 99))
def test_it_is_found_in_a_transfers_purpose(reference: str, attempt: int) -> None:
    assert find_reference(f"nop phat {reference}-{attempt} cam on", LATE) == reference
    assert find_reference(f"MBVCB.123.{reference.lower()}.CT tu 001", LATE) == reference
    assert find_reference(spoken(reference), LATE) == reference


@given(issued_references, issued_references)
def test_of_two_references_in_one_text_none_is_chosen(one: str, other: str) -> None:
    assert find_reference(f"{one} {other}", LATE) == (one if one == other else None)
    assert find_reference(f"{spoken(one)} va {other.lower()}-1", LATE) == (one if one == other else None)


@given(issued_references, st.sampled_from(["DV", "DVC", "DVHC", "RF"]))
def test_a_word_that_begins_as_a_reference_does_no_harm_in_any_year(reference: str, word: str) -> None:
    assert find_reference(f"nop phi {word} {reference} {word}", LATE) == reference


@given(issue_moments, chances, issued_references)
def test_a_refund_and_an_order_are_each_found_in_one_text(moment: datetime, chance: int, order: str) -> None:
    refund = new_refund_reference(moment, chance)
    text = f"Hoan tien {refund.lower()} cho {order}-1"
    assert find_reference(text, LATE, REFUND_PREFIX) == refund
    assert find_reference(text, LATE) == order
    assert find_reference(f"Hoan tien {refund}", LATE) is None


def test_what_is_younger_than_the_text_or_older_than_the_hub_is_none() -> None:
    for issued, expected in (
        (NOW, True),
        (NOW + SKEW, True),
        (NOW + SKEW + timedelta(milliseconds=1), False),
        (FIRST_DAY, True),
        (FIRST_DAY - timedelta(milliseconds=1), False),
    ):
        reference = new_reference(issued, 0)
        assert (find_reference(reference, NOW) == reference) is expected


def test_between_equals_nobody_guesses() -> None:
    """Each of these holds two that share characters; only inside one word is the first one meant."""
    for text in ("DV 5G.EVW DV5HNE9ZJ 8THRDNA", "DV64047FGDV5ZWCM8F9B65F1B-", "DV60DV5V J21Z ZZZT G8DF"):
        assert may_hold_reference(text)
        assert find_reference(text, NOW) is None
    assert find_reference("ADV64047FGDV5ZWCM8F9B65F1BA", NOW) == "DV64047FGDV5ZWCM"


def test_words_that_follow_each_other_are_not_read_with_o_i_and_l() -> None:
    order = "DV6AHKGJH0BRRAEN"
    assert find_reference("DV6AHKGJ HOBRRAEN", NOW) == order
    assert find_reference("nop DV6AHKGJ HOBRRAENCAM on", NOW) is None
    assert find_reference("nop DV6AHKGJ H0BRRAENCAM on", NOW) == order


def test_a_text_without_a_reference_has_none() -> None:
    for text in ("", "chuyen tien", "DV00000000000001", "DV" * 2_000, "ＤＶ６ＡＨＫＧＪＨ０ＢＲＲＡＥＮ"):
        assert find_reference(text, NOW) is None
        assert not may_hold_reference(text)
