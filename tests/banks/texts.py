"""Texts that are awkward to encode, and the encoders of other languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

#: What may stand in a text that another system of the same merchant, or the bank itself, has written.
AWKWARD = [
    "Lệ phí hồ sơ Đống Đa",
    "e\u0323\u0302",
    "a+b",
    "a%20b",
    "a%2Bb",
    "a%2bb",
    "a=b",
    "a&b",
    "& = ?",
    '"a\' b"',
    "~*!()'",
    "a\U0001f600b",
    "a/b?c#d;e:f",
    " a ",
    "x" * 2500,
]

ENCODERS: dict[str, Callable[[str], str]] = {
    "Python": quote_plus,
    "Java": lambda text: quote_plus(text, safe="*").replace("~", "%7E"),
    "JavaScript": lambda text: quote(text, safe="~*!()'").replace("%20", "+"),
    "%20": lambda text: quote(text, safe=""),
    "lower hex": lambda text: re.sub("%..", lambda found: found[0].lower(), quote_plus(text)),
}

#: Moments of payment that no reader of dates can read.
UNREADABLE_MOMENTS = ["", "0", "00010101000000", "20261322120000", "22/11/2026 12:00"]
