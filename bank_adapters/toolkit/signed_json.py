"""JSON whose signature stands inside it: it has to be read before it can be verified."""

from __future__ import annotations

from bank_adapters.toolkit.json_fields import Fields, read_object
from payment_hub.domain.errors import CallbackRejected, Malformed


def read_unverified(body: bytes) -> Fields:
    """The fields of ``body``, not yet believed; numbers with a point stay the text that was written.

    Raises CallbackRejected for what is no JSON object: nobody has signed it.
    """
    try:
        return read_object(body, decimals_as_text=True)
    except Malformed as error:
        raise CallbackRejected from error
