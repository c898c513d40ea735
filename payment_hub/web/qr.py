"""QR codes as small SVG images, drawn when they are asked for and remembered by their text.

The squares come from ``qrcode``; they are written as one path of horizontal runs, a third of the size of its
own SVG. The same text has the same image for ever, so the text's digest is a strong entity tag.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from itertools import groupby
from typing import Final

from qrcode.constants import ERROR_CORRECT_M

from payment_hub.web.qr_mask import QuickCode

#: The quiet zone that ISO/IEC 18004 asks for, in modules.
QUIET_ZONE: Final = 4

#: About 25 MB at most: the codes of the orders that are being paid just now.
REMEMBERED: Final = 4096


@lru_cache(maxsize=REMEMBERED)
def qr_svg(text: str) -> str:
    """The QR code of ``text`` (error correction M) as an SVG element, black on white in any theme."""
    code = QuickCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE)
    code.add_data(text)
    code.make(fit=True)
    matrix = code.get_matrix()
    size = len(matrix)
    runs = "".join(_row(y, row) for y, row in enumerate(matrix))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path fill="#000" d="{runs}"/></svg>'
    )


def qr_tag(text: str) -> str:
    """The entity tag of the image of ``text``: 16 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _row(y: int, row: list[bool]) -> str:
    runs, x = [], 0
    for dark, modules in groupby(row):
        width = len(list(modules))
        if dark:
            runs.append(f"M{x} {y}h{width}v1h-{width}z")
        x += width
    return "".join(runs)
