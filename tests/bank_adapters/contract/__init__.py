"""What every bank must do, whatever its protocol, ability by ability.

A bank's test class inherits ``BankContract`` and one more class for each small protocol of the port that its adapter
has (a test compares the two), and speaks for the bank in the hooks that each of them names.
"""

from tests.bank_adapters.contract.base import BankContract
from tests.bank_adapters.contract.callbacks import CallbackContract
from tests.bank_adapters.contract.inquiries import InquiryContract
from tests.bank_adapters.contract.queries import CancelContract, CaptureContract, QueryContract
from tests.bank_adapters.contract.refunds import RefundContract, RefundQueryContract
from tests.bank_adapters.contract.returns import ReturnContract
from tests.bank_adapters.contract.statements import StatementContract

__all__ = [
    "BankContract",
    "CallbackContract",
    "CancelContract",
    "CaptureContract",
    "InquiryContract",
    "QueryContract",
    "RefundContract",
    "RefundQueryContract",
    "ReturnContract",
    "StatementContract",
]
