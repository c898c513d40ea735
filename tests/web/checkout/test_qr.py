"""QR codes: what is drawn is what a stranger's reader reads."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from qrcode import util
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

from bank_adapters.toolkit.emv_qr import read_qr, write_vietqr
from payment_hub.domain.money import dong
from payment_hub.web.qr import MASKS, QUIET_ZONE, QuickCode, lost_points, qr_svg, qr_tag

PIXELS = 4
_RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")


def drawn(svg: str) -> Image.Image:
    """The image as a browser would fill it; every character of the path must be reading_answer."""
    root = ET.fromstring(svg)
    size = int(root.attrib["viewBox"].split()[2])
    image = Image.new("L", (size * PIXELS, size * PIXELS), 255)
    canvas = ImageDraw.Draw(image)
    path = root[1].attrib["d"]
    assert _RUN.sub("", path) == ""
    for x, y, width, back in (tuple(map(int, run)) for run in _RUN.findall(path)):
        assert width == back
        assert QUIET_ZONE <= x <= x + width <= size - QUIET_ZONE
        canvas.rectangle((x * PIXELS, y * PIXELS, (x + width) * PIXELS - 1, (y + 1) * PIXELS - 1), fill=0)
    return image


def read(image: Image.Image) -> str:
    """What zxing-cpp reads in an image."""
    found = zxingcpp.read_barcodes(image)
    assert len(found) == 1
    text: str = found[0].text
    return text


@given(st.integers(1, 10**12), st.integers(10**9, 10**13 - 1))
@settings(max_examples=25, deadline=None)
def test_a_reader_reads_the_transfer(amount: int, account: int) -> None:
    text = write_vietqr(
        bank_bin="970436", number=str(account), amount=dong(amount), purpose="DV6B8TK2M0H4X9QA"
    )
    seen = read(drawn(qr_svg(text)))
    assert seen == text
    assert read_qr(seen).amount == dong(amount)


@pytest.mark.parametrize(
    "text", ["1", "A" * 500, "https://hub.example/checkout/DV6B.x-_9/receipt", 'số 1 <&">']
)
def test_a_reader_reads_any_text(text: str) -> None:
    assert read(drawn(qr_svg(text))) == text


def test_the_image_has_no_text_in_it_that_could_be_markup() -> None:
    svg = qr_svg("</svg><script>alert(1)</script>")
    assert "script" not in svg
    assert [element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()] == [
        "svg",
        "path",
        "path",
    ]


def test_a_transfer_is_small() -> None:
    text = write_vietqr(
        bank_bin="970436", number="7111000000001", amount=dong(150_000), purpose="DV6B8TK2M0H4X9QA"
    )
    assert len(qr_svg(text)) < 6_000


@given(st.binary(min_size=1, max_size=600))
@settings(max_examples=40, deadline=None)
def test_the_mask_is_the_one_that_qrcode_takes(content: bytes) -> None:
    code = QuickCode(error_correction=ERROR_CORRECT_M)
    code.add_data(content)
    code.best_fit()
    quick = code.best_mask_pattern()
    for mask in MASKS:
        code.makeImpl(True, mask)
        lines = (*code.modules, *zip(*code.modules, strict=True))
        ours = lost_points(tuple(int("".join("01"[bool(one)] for one in line), 2) for line in lines))
        assert ours == util.lost_point(code.modules)
    assert quick == QRCode.best_mask_pattern(code)


def test_the_tag_tells_texts_apart() -> None:
    assert qr_tag("a") == qr_tag("a") != qr_tag("b")
