"""The bank's own payment page: what is asked, and two buttons."""

from __future__ import annotations

from typing import Final

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox bank</title>
<style>
body { font: 17px/1.5 system-ui, sans-serif; color: #1c2430 }
body { max-width: 30rem; margin: 3rem auto; padding: 0 1rem }
.note { background: #fff4d6; padding: .5rem .75rem; border-radius: .4rem }
dt { color: #5b6675 } dd { margin: 0 0 .75rem; font-weight: 600; overflow-wrap: anywhere }
button { font: inherit; padding: .7rem 1.4rem; cursor: pointer }
button { border: 1px solid #0b5f4b; border-radius: .4rem }
.pay { background: #0b5f4b; color: #fff } .decline { background: #fff; color: #0b5f4b }
</style>
</head>
<body>
<p class="note">This is a bank for trying things out. No money is moved.</p>
<h1>Sandbox bank</h1>
<dl>
<dt>Amount</dt><dd>{{ "{:,}".format(payment.opened["amount"]).replace(",", ".") }} VND</dd>
<dt>Purpose</dt><dd>{{ payment.opened["order_reference"] }}</dd>
<dt>Description</dt><dd>{{ payment.opened.get("description", "") }}</dd>
</dl>
{% if payment.status == "PENDING" %}
<form method="post">
<button class="pay" name="choice" value="pay">Pay</button>
<button class="decline" name="choice" value="decline">Decline</button>
</form>
<p>By its amount, paying this will be: <strong>{{ behaviour.name }}</strong> ({{ behaviour.meaning }}).</p>
{% else %}
<p>This payment is <strong>{{ payment.status }}</strong>.</p>
{% if payment.opened.get("return_url") %}
<p><a href="{{ payment.opened["return_url"] }}">Back to your payment order</a></p>
{% endif %}
{% endif %}
</body>
</html>
"""
