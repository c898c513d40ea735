"""The choice of a QR code's mask, four fifths of the work of drawing it, done on rows of bits at a time.

ISO/IEC 18004 section 7.8.3: of eight masks that one is taken which loses the fewest points. ``qrcode`` draws
all eight and counts module by module; here one is drawn, the others follow by exclusive or, and rows are
counted as integers. The choice is the same, and a test holds it against ``qrcode``'s.

QR codes as small SVG images, drawn at the first request and remembered by their text.

The squares come from ``qrcode``; they are written as one path of horizontal runs, a third of the size of its
own SVG. The same text has the same image for ever, so the text's digest is a strong entity tag.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import groupby
from typing import Final, TypeAlias

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

MASKS: Final = range(8)

#: The rows of a code, then its columns, each line a number whose bits are the modules.
Lines: TypeAlias = tuple[int, ...]


class QuickCode(QRCode):  # type: ignore[type-arg]
    """``QRCode`` that finds its mask quickly."""

    def best_mask_pattern(self) -> int:
        """The mask that loses the fewest points; of equals the first."""
        self.makeImpl(True, 0)
        drawn = _lines(self.modules)
        changes = _changes(self.version)
        return min(MASKS, key=lambda mask: lost_points(_changed(drawn, changes[mask])))


def lost_points(lines: Lines) -> int:
    """What a code loses for long runs, blocks, false finder patterns and imbalance."""
    size = len(lines) // 2
    whole = (1 << size) - 1
    pairs = [~(line ^ line >> 1) & whole >> 1 for line in lines]
    rows, row_pairs = lines[:size], pairs[:size]
    blocks = sum(
        (upper & lower & ~(above ^ below)).bit_count()
        for above, below, upper, lower in zip(rows, rows[1:], row_pairs, row_pairs[1:], strict=False)
    )
    dark = sum(row.bit_count() for row in rows)
    imbalance = int(abs(dark / size**2 * 100 - 50) / 5)
    runs = sum(map(_runs, pairs))
    finders = sum(_finders(line, line ^ whole) for line in lines)
    return runs + 3 * blocks + 40 * finders + 10 * imbalance


def _runs(pairs: int) -> int:
    """Points for runs of five and more of one colour; ``pairs`` has a bit for each two equal neighbours."""
    fives = pairs & pairs >> 1
    fives &= fives >> 2
    return fives.bit_count() + 2 * (fives & ~(fives << 1)).bit_count()


def _finders(dark: int, light: int) -> int:
    """How often 1:1:3:1:1 stands in a line beside four light modules."""
    cores = dark & light >> 1 & dark >> 2 & dark >> 3 & dark >> 4 & light >> 5 & dark >> 6
    if not cores:
        return 0
    fours = light & light >> 1
    fours &= fours >> 2
    return (cores & fours >> 7).bit_count() + (cores & fours << 4).bit_count()


@cache
def _changes(version: int) -> tuple[Lines, ...]:
    """For each mask, the modules in which codes of ``version`` differ from those with mask 0."""
    code = QRCode(version=version)
    code.add_data("0")
    drawn = []
    for mask in MASKS:
        code.makeImpl(True, mask)
        drawn.append(_lines(code.modules))
    return tuple(_changed(drawn[0], lines) for lines in drawn)


def _changed(lines: Lines, changes: Lines) -> Lines:
    return tuple(line ^ change for line, change in zip(lines, changes, strict=True))


def _lines(modules: Iterable[Iterable[bool | None]]) -> Lines:
    rows = [["01"[module is True] for module in row] for row in modules]
    columns = zip(*rows, strict=True)
    return tuple(int("".join(line), 2) for line in (*rows, *columns))


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
