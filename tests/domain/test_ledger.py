"""Where money belongs, and the postings that bring it there."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.ledger import Account, Allocation, Transfer, allocate, transfers

amounts = st.integers(0, 10**12)
facts = st.fixed_dictionaries(
    {
        "required": amounts,
        "received": amounts,
        "owed": st.booleans(),
        "part_payments": st.booleans(),
    }
).flatmap(
    lambda drawn: st.integers(0, drawn["received"]).map(lambda accepted: {**drawn, "accepted": accepted})
)


def after(posted: dict[Account, int], moved: tuple[Transfer, ...]) -> Counter[Account]:
    """The balances after the transfers: what is credited grows."""
    balances = Counter(posted)
    for transfer in moved:
        balances[transfer.credit] += transfer.amount
        balances[transfer.debit] -= transfer.amount
    return balances


@given(facts)
def test_every_dong_received_belongs_somewhere_and_once(drawn: dict[str, int]) -> None:
    wanted = allocate(**drawn)  # type: ignore[arg-type]
    assert sum(wanted.by_account().values()) == drawn["received"]
    assert min(wanted.by_account().values()) >= 0
    assert wanted.payable <= drawn["required"]


@given(facts)
def test_nothing_is_owed_to_the_agency_for_an_order_that_may_not_settle(drawn: dict[str, int]) -> None:
    wanted = allocate(**drawn)  # type: ignore[arg-type]
    if not drawn["owed"]:
        assert wanted.payable == 0


def test_each_case_of_the_table() -> None:
    def of(received: int, accepted: int | None = None, **more: bool) -> Allocation:
        said = {"owed": True, "part_payments": False} | more
        return allocate(
            required=100, received=received, accepted=received if accepted is None else accepted, **said
        )

    assert of(100) == Allocation(payable=100)
    assert of(130) == Allocation(payable=100, overpayment=30)
    assert of(40) == Allocation(suspense=40)
    assert of(40, part_payments=True) == Allocation(payable=40)
    assert of(90, 40, part_payments=True) == Allocation(payable=40, suspense=50)
    assert of(120, 20) == Allocation(suspense=120)
    assert of(100, owed=False) == Allocation(suspense=100)


@given(facts, st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_posted_and_transfers_make_what_is_wanted(drawn: dict[str, int], a: int, b: int, c: int) -> None:
    wanted = allocate(**drawn)  # type: ignore[arg-type]
    shares = sorted((a % (drawn["received"] + 1), b % (drawn["received"] + 1)))
    before = drawn["received"] - c % (drawn["received"] + 1)
    first, second = (min(share, before) for share in shares)
    posted = {
        Account.AGENCY_PAYABLE: first,
        Account.OVERPAYMENT: second - first,
        Account.SUSPENSE: before - second,
    }
    collected = drawn["received"] - before
    moved = transfers(posted, wanted, collected)
    balances = after(posted, moved)
    assert {account: balances[account] for account in wanted.by_account()} == wanted.by_account()
    assert balances[Account.BANK_CLEARING] == -collected
    assert all(transfer.amount > 0 and transfer.debit != transfer.credit for transfer in moved)
    kinds = [transfer.kind for transfer in moved]
    assert len(kinds) == len(set(kinds)), "one posting of a kind for one collection"


def test_nothing_moves_when_everything_is_where_it_belongs() -> None:
    assert transfers({Account.SUSPENSE: 5}, Allocation(suspense=5), 0) == ()


def test_the_rest_that_settles_brings_the_first_part_out_of_suspense() -> None:
    moved = transfers({Account.SUSPENSE: 40}, Allocation(payable=100), 60)
    assert moved == (
        Transfer(Account.BANK_CLEARING, Account.AGENCY_PAYABLE, 60),
        Transfer(Account.SUSPENSE, Account.AGENCY_PAYABLE, 40),
    )
