"""QR codes: what a served code costs here, against ``qrcode``'s own PIL image of the same text.

Citizens' pages are read again and again while a payment is waited for, so the mix is the one that the page
makes: a code is drawn once in each worker process and read once every 20 seconds until the bank reports.
Rounds alternate; the figures are medians. The ratio of drawing alone is printed too, because that is what a
first look costs.
"""

from __future__ import annotations

import io
import random
import statistics
import time
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Final

import qrcode
from qrcode.constants import ERROR_CORRECT_M

from payment_hub.web.qr import REMEMBERED, qr_svg, qr_tag

ROUNDS: Final = 5
CODES: Final = 40
#: Worker processes that each draw a code for themselves: as many as cores.
PROCESSES: Final = 2
#: Looks at one code: a payment by transfer takes a citizen about four minutes, at one look in 20 seconds.
LOOKS: Final = 12


def texts(round_number: int) -> list[str]:
    """Transfers as they are served, of the same length and form: CRC and all, but new in each round."""
    numbers = range(round_number * CODES, (round_number + 1) * CODES)
    return [
        "00020101021238570010A00000072701270006970436011370000000"
        f"{number:05d}0208QRIBFTTA5303704540715000005802VN62200816DV6B8TK2M0H4{number:04d}6304A{number:03d}"
        for number in numbers
    ]


def looks(codes: list[str], seed: int) -> list[tuple[int, str]]:
    """Every look at every code, in a mixed order, each served by one of the processes by chance."""
    chance = random.Random(seed)
    mixed = codes * LOOKS
    chance.shuffle(mixed)
    return [(chance.randrange(PROCESSES), text) for text in mixed]


def pil_image(text: str) -> bytes:
    """What ``qrcode`` does when it is asked for an image."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    image = io.BytesIO()
    code.make_image().save(image)
    return image.getvalue()


def milliseconds(serve: Callable[[], object]) -> float:
    """How long one run takes."""
    began = time.perf_counter()
    serve()
    return (time.perf_counter() - began) * 1000


def rounds() -> Iterator[tuple[float, float, float, float]]:
    """Of each round, in milliseconds: a request served here and by PIL, a code drawn here and by PIL."""
    for number in range(ROUNDS):
        codes = texts(number)
        requested = looks(codes, number)
        runs = [partial(serve, requested), partial(images, [text for _, text in requested])]
        runs += [partial(drawings, codes), partial(images, codes)]
        # Turn about, so that neither always runs while the machine is warm.
        took = {run: milliseconds(run) for run in (runs if number % 2 else reversed(runs))}
        here, pil, drawn, image = (took[run] for run in runs)
        yield here / len(requested), pil / len(requested), drawn / len(codes), image / len(codes)


def serve(requested: list[tuple[int, str]]) -> None:
    """What the hub does for every look; each process has its own memory, of the size that the hub's has."""
    processes = [lru_cache(maxsize=REMEMBERED)(qr_svg.__wrapped__) for _ in range(PROCESSES)]
    for process, text in requested:
        qr_tag(text)
        processes[process](text).encode()


def drawings(codes: list[str]) -> None:
    """Draw each code once."""
    for text in codes:
        qr_svg.__wrapped__(text)


def images(codes: list[str]) -> None:
    """What would be done without the hub's own drawing and memory."""
    for text in codes:
        pil_image(text)


def main() -> None:
    """Measure and print."""
    served, pil, drawn, image = (statistics.median(column) for column in zip(*rounds(), strict=True))
    svg, png = len(qr_svg(texts(0)[0])), len(pil_image(texts(0)[0]))
    print(
        f"QR code of {len(texts(0)[0])} characters, {CODES} codes, {LOOKS} looks each, {PROCESSES} processes"
    )
    print(f"  served:  {served:6.2f} ms a request here, {pil:6.2f} ms PIL: {pil / served:4.1f}x   (goal 5x)")
    print(f"  drawing: {drawn:6.2f} ms a code here,    {image:6.2f} ms PIL: {image / drawn:4.1f}x")
    print(f"  size:    {svg:6d} bytes SVG,         {png:6d} bytes PNG")


if __name__ == "__main__":
    main()
