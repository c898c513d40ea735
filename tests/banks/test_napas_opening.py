"""Napas: the two calls of an opening, and the page on which its form stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import responses

from bank_adapters import BankSettingsError
from bank_adapters.napas import Napas
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.money import dong
from tests.banks.examples import ATTEMPT, ORDER, a_request
from tests.banks.faults import FAILURES
from tests.banks.napas_messages import DATA_KEY, SECRET, TOKEN, a_section, built, opened


class TestOpeningAtNapas:
    @pytest.fixture
    def adapter(self, tmp_path: Path) -> Any:
        return built(a_section(tmp_path))

    # Opening ----------------------------------------------------------------------------------------

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failed_data_key_is_never_a_guess(self, adapter: Napas, failure: str) -> None:
        given = FAILURES[failure]
        with responses.RequestsMock() as wire:
            wire.add("POST", TOKEN, json={"access_token": "T0k.en-1"})
            wire.add("POST", DATA_KEY, **given if isinstance(given, dict) else {"body": given})
            with pytest.raises(BankUnavailable):
                adapter.open_payment(a_request())

    @pytest.mark.parametrize(
        "answer",
        [
            {"dataKey": "AE52"},
            {"napasKey": "MIGf"},
            {"dataKey": "AE52", "napasKey": "<script>"},
            {"dataKey": "AE52", "napasKey": "MIGf", "order": {"id": "DV0-1"}},
            {"dataKey": "AE52", "napasKey": "M" * 3500},
        ],
    )
    def test_keys_that_make_no_sense_are_no_keys(self, adapter: Napas, answer: dict[str, Any]) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", TOKEN, json={"access_token": "T0k.en-1"})
            wire.add("POST", DATA_KEY, json=answer)
            with pytest.raises(BankUnavailable):
                adapter.open_payment(a_request())

    def test_it_asks_for_a_token_and_then_for_the_orders_key(self, adapter: Napas) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", TOKEN, json={"access_token": "T0k.en-1"})
            wire.add("POST", DATA_KEY, json={"dataKey": "AE52", "napasKey": "MIGf"})
            adapter.open_payment(a_request())
            first, second = (call.request for call in wire.calls)
        assert parse_qs(str((first.body or b"").decode())) == {  # type: ignore[union-attr]
            "grant_type": ["password"],
            "client_id": ["HUBTEST"],
            "client_secret": [SECRET],
            "username": ["hubtest"],
            "password": ["hub-napas-test-password"],
        }
        assert second.headers["Authorization"] == "Bearer T0k.en-1"
        assert json.loads(second.body or b"") == {
            "apiOperation": "DATA_KEY",
            "order": {"id": ATTEMPT, "amount": "150000", "currency": "VND"},
            "inputParameters": {
                "clientIP": "203.113.131.1",
                "deviceId": "0123456789",
                "environment": "WebApp",
                "cardScheme": "AtmCard",
                "enable3DSecure": "false",
            },
        }

    def test_keys_are_as_long_as_a_certificate(self, adapter: Napas) -> None:
        key = "MIGf" + "A" * 216 + ":" + "MIIB+/" * 200
        with responses.RequestsMock() as wire:
            wire.add("POST", TOKEN, json={"access_token": "e" * 1500})
            wire.add("POST", DATA_KEY, json={"dataKey": "AE52", "napasKey": key})
            page = adapter.open_payment(a_request()).page_url or ""
        assert dict(parse_qsl(page.partition("#")[2]))["napasKey"] == key

    def test_the_token_may_stand_in_the_address(self, tmp_path: Path) -> None:
        adapter = built({**a_section(tmp_path), "TOKEN_PLACE": "query"})
        with responses.RequestsMock() as wire:
            wire.add("POST", TOKEN, json={"access_token": "T0k&en=1"})
            wire.add("POST", DATA_KEY, json={"dataKey": "AE52", "napasKey": "MIGf"})
            adapter.open_payment(a_request())
            asked = wire.calls[1].request
        assert parse_qs(urlsplit(str(asked.url)).query) == {"access_token": ["T0k&en=1"]}
        assert "Authorization" not in asked.headers

    def test_the_page_is_told_what_the_form_needs(self, adapter: Napas) -> None:
        page = opened(adapter).page_url or ""
        assert page.startswith("https://pay.agency.test/napas#")
        fields = dict(parse_qsl(page.partition("#")[2]))
        assert (fields["dataKey"], fields["napasKey"]) == ("AE52", "MIGf/A=:MIIB+B")
        assert (fields["orderId"], fields["orderAmount"], fields["orderCurrency"]) == (
            ATTEMPT,
            "150000",
            "VND",
        )
        assert (fields["orderReference"], fields["apiOperation"], fields["channel"]) == (ORDER, "PAY", "6014")
        assert SECRET not in page

    @pytest.mark.parametrize(
        "page",
        [
            "https://pay.agency.test/napas",
            "https://pay.agency.test/{fields}",
            "https://pay.agency.test/napas?{fields}&{fields}",
            "http://pay.agency.test/napas?{fields}",
            "{fields}",
            "https://pay.agency.test@evil.test/napas?{fields}",
        ],
    )
    def test_a_page_without_a_place_for_the_form_is_refused(self, tmp_path: Path, page: str) -> None:
        with pytest.raises(BankSettingsError, match="PAGE_URL"):
            built({**a_section(tmp_path), "PAGE_URL": page})

    def test_nothing_is_taken_from_where_the_payer_sits(self, adapter: Napas) -> None:
        with responses.RequestsMock(), pytest.raises(Malformed):
            adapter.open_payment(a_request(payer_ip="a&b", amount=dong(1)))
