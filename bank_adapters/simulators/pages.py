"""The pages of the simulators: one payment with its buttons, and all banks with their payments."""

from __future__ import annotations

from typing import Final

#: The citizen's choices: value, Vietnamese, English, only where payers type the amount.
BUTTONS: Final = (
    ("pay", "Thanh toán", "Pay", False),
    ("decline", "Từ chối", "Decline", False),
    ("silent", "Trả tiền, không báo lại", "Pay, but say nothing", False),
    ("twice", "Trả tiền, báo hai lần", "Pay, and say it twice", False),
    ("late", "Trả tiền, báo muộn", "Pay, and say it late", False),
    ("wrong_amount", "Chuyển sai số tiền", "Pay a wrong amount", True),
    ("undecided", "Để sau", "Stay undecided", False),
)

STATES: Final = {
    "PENDING": ("đang chờ", "waiting"),
    "PAID": ("đã thanh toán", "paid"),
    "DECLINED": ("đã từ chối", "declined"),
}

_FRAME: Final = """<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>
body { font: 17px/1.5 system-ui, sans-serif; color: #1c2430 }
body { max-width: %s; margin: 3rem auto; padding: 0 1rem }
.note { background: #fff4d6; padding: .5rem .75rem; border-radius: .4rem }
small, dt { color: #5b6675 } dd { margin: 0 0 .75rem; font-weight: 600; overflow-wrap: anywhere }
button { font: inherit; padding: .6rem 1.2rem; margin: 0 .4rem .6rem 0; cursor: pointer }
button { border: 1px solid #0b5f4b; border-radius: .4rem; background: #fff; color: #0b5f4b }
button.pay { background: #0b5f4b; color: #fff } button.pay small { color: #fff }
table { border-collapse: collapse; width: 100%% } td, th { text-align: left; padding: .3rem .8rem .3rem 0 }
td, th { border-bottom: 1px solid #dfe4ea; overflow-wrap: anywhere } .sum { text-align: right }
input { font: inherit; padding: .4rem; width: 100%%; box-sizing: border-box }
</style>
</head>
<body>
<p class="note">Đây là nơi để thử, không có tiền nào được chuyển.
<br><small lang="en">This is for trying things out. No money is moved.</small></p>
%s
</body>
</html>
"""

PAGE: Final = _FRAME % (
    "{{ name }}",
    "34rem",
    """<h1>{{ name }}</h1>
<dl>
<dt>Số tiền <span lang="en">/ Amount</span></dt><dd>{{ payment.amount | dong }} VND</dd>
<dt>Trả cho <span lang="en">/ Paid to</span></dt><dd>{{ hub_url }}</dd>
<dt>Mã thanh toán <span lang="en">/ Payment</span></dt><dd>{{ payment.reference }}</dd>
</dl>
{% if payment.outcome == "PENDING" %}
<form method="post">
{% for value, vietnamese, english, typed in buttons if by_transfer or not typed %}
<button class="{{ value }}" name="choice" value="{{ value }}">{{ vietnamese }}
<small lang="en">/ {{ english }}</small></button>
{% endfor %}
</form>
{% if note %}<p lang="en">{{ note }}</p>{% endif %}
{% else %}
{% set state = states[payment.outcome] %}
<p>Khoản này <strong>{{ state[0] }}</strong>.
<br><small lang="en">This payment is {{ state[1] }}.</small></p>
{% endif %}
{% for refund in payment.refunds %}
<p>Hoàn tiền {{ refund.reference }}: {{ refund.amount | dong }} VND, {{ refund.state }}
<br><small lang="en">Refund</small></p>
{% endfor %}
<details>
<summary>Kênh đã nhận <small lang="en">/ What the bank received</small></summary>
<dl>
{% for name, value in payment.opened.items() %}
<dt>{{ name }}</dt><dd>{{ value }}</dd>
{% endfor %}
</dl>
</details>
{% if back %}<p><a href="{{ back }}">Trở lại <span lang="en">/ Back</span></a></p>{% endif %}
""",
)

INDEX: Final = _FRAME % (
    "Simulators",
    "60rem",
    """<h1>Các kênh thanh toán thử <small lang="en">/ Trial simulators</small></h1>
{% for name, book, by_transfer in simulators %}
<h2 id="{{ name }}">{{ name }}</h2>
{% if by_transfer %}
<form method="post" action="/{{ name }}/transfer">
<label>Mã QR <small lang="en">/ Text of a QR code, as a banking app scans it</small> <input name="qr_text"></label>
<button>Chuyển <small lang="en">/ Transfer</small></button>
</form>
{% endif %}
{% if book.payments() %}
<table>
<tr><th>Mã<br><small lang="en">Payment</small></th><th class="sum">Số tiền<br><small lang="en">Amount, VND</small></th>
<th>Trạng thái<br><small lang="en">State</small></th><th>Giao dịch<br><small lang="en">Transaction</small></th></tr>
{% for payment in book.payments() | reverse %}
<tr><td><a href="/{{ name }}/pay/{{ payment.reference | urlencode }}">{{ payment.reference }}</a></td>
<td class="sum">{{ payment.amount | dong }}</td>
<td>{{ states[payment.outcome][0] }}<br><small lang="en">{{ states[payment.outcome][1] }}</small></td>
<td>{{ payment.transaction_id }}</td></tr>
{% endfor %}
</table>
{% else %}<p>Chưa có gì. <small lang="en">/ Nothing yet.</small></p>{% endif %}
{% endfor %}
""",
)


def dong(amount: int) -> str:
    """As Vietnam writes it: dots between thousands."""
    return f"{amount:,}".replace(",", ".")
