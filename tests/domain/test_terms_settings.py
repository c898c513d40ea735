"""A contract's settings: what cannot be meant stops the start, and names the setting."""

from __future__ import annotations

import pytest

from bank_adapters.toolkit.settings import BankSettingsError, read_terms


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"KINDS": "traffic_fine trafic_fine"}, "BANK_ONE_KINDS (must be kinds of obligations:"),
        ({"KINDS": "TUITION"}, "BANK_ONE_KINDS"),
        ({"KINDS": " "}, "BANK_ONE_KINDS (must name at least one)"),
        ({"AGENCIES": "G22.99,H55"}, "BANK_ONE_AGENCIES (must be codes of agencies"),
        ({"AGENCIES": " "}, "BANK_ONE_AGENCIES (must name at least one)"),
        (
            {"SMALLEST": "200000", "LARGEST": "100000"},
            "BANK_ONE_LARGEST (must not be less than BANK_ONE_SMALLEST)",
        ),
        ({"CUT_OFF": "24:00"}, "BANK_ONE_CUT_OFF"),
        ({"CUT_OFF": "4:00"}, "BANK_ONE_CUT_OFF"),
        ({"FEE_BORNE_BY": "citizen"}, "BANK_ONE_FEE_BORNE_BY"),
        ({"TRUST": "nobody"}, "BANK_ONE_TRUST"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(section: dict[str, str], named: str) -> None:
    with pytest.raises(BankSettingsError) as refused:
        read_terms("one", section)
    assert named in str(refused.value)


def test_what_is_meant_is_read() -> None:
    terms = read_terms(
        "one",
        {
            "KINDS": "tuition  fee",
            "AGENCIES": "G22.99 H55",
            "SMALLEST": "5",
            "LARGEST": "5",
            "CUT_OFF": "00:00",
        },
    )
    assert (terms.kinds, terms.agencies) == (("tuition", "fee"), ("G22.99", "H55"))
    assert (terms.smallest, terms.largest, terms.cut_off.hour) == (5, 5, 0)
