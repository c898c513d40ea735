"""What every bank must do, whatever its protocol, ability by ability.

A bank's test class inherits ``BankContract`` and one more class for each small protocol of the port that its adapter
has (a test compares the two), and speaks for the bank in the hooks that each of them names.
"""

from tests.banks.contract.base import BankContract
from tests.banks.contract.callbacks import CallbackContract
from tests.banks.contract.inquiries import InquiryContract
from tests.banks.contract.queries import CancelContract, CaptureContract, QueryContract
from tests.banks.contract.refunds import RefundContract, RefundQueryContract
from tests.banks.contract.returns import ReturnContract
from tests.banks.contract.statements import StatementContract

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
