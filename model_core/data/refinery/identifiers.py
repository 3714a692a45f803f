"""What a long number is: phone, resident registration number, card, account, driver's licence.

A check digit may confirm and never acquits: resident numbers issued since October 2020 carry none, and a recognizer
mishears digits. Knows digits and the words around them, not where they stand.
"""

import re
from itertools import accumulate
from typing import Final

_CARD_CONTEXT: Final = re.compile("카드|신용|체크|결제")
_ACCOUNT_CONTEXT: Final = re.compile("계좌|통장|입금|송금|이체|은행|뱅크|농협|신협|수협|새마을|우체국|예금|환급|환불")
_PHONE_CONTEXT: Final = re.compile("전화|번호|연락|휴대폰|핸드폰|폰|문자")
_NOT_PERSONAL: Final = re.compile("주문|송장|운송|사업자|접수|예약 ?번호|모델|시리얼|일련|바코드|상품")
_LICENCE_CONTEXT: Final = re.compile("면허")
_PHONE: Final = re.compile(
    r"01[016789]\d{7,8}|02\d{7,8}|0(?:3[1-3]|4[1-4]|5[1-5]|6[1-4])\d{7,8}|070\d{8}|050\d{8,9}|080\d{7}"
)
_INTERNATIONAL: Final = re.compile(r"(?:00)?820?(1[016789]\d{7,8}|2\d{7,8}|[3-6]\d{8,9})")
# Birth date, then century and sex (5 to 8: foreign residents). Source: 주민등록법 시행규칙 제2조.
_RESIDENT: Final = re.compile(r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[0-9]\d{6}")
_CARD_LENGTHS: Final = (15, 16)
_ACCOUNT_LENGTHS: Final = range(10, 15)
_LONGEST = 16


def luhn(digits: str) -> bool:
    """Tell whether the last digit is the check digit of the others. Source: ISO/IEC 7812-1, annex B."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def identify_number(groups: tuple[str, ...], context: str, *, hyphenated: bool) -> tuple[str, str] | None:
    """Return the kind of a number and its digits in one spelling, None for a number that names nobody.

    `groups` are its digits as they were grouped, `context` the words around it; `hyphenated` tells that every group
    was joined to the next by a hyphen.
    """
    digits = "".join(groups)
    if len(digits) > _LONGEST or len(digits) < 8:
        return None
    if _RESIDENT.fullmatch(digits) and (len(groups) == 1 or 6 in accumulate(map(len, groups))):
        return "resident", digits
    if len(digits) in _CARD_LENGTHS and (luhn(digits) or _CARD_CONTEXT.search(context)):
        return "card", digits
    phone = _phone(groups, digits, context)
    if phone:
        return "phone", phone
    if tuple(map(len, groups)) == (2, 2, 6, 2) and (hyphenated or _LICENCE_CONTEXT.search(context)):
        return "licence", digits
    return ("account", digits) if _is_account(groups, digits, context, hyphenated) else None


def _phone(groups: tuple[str, ...], digits: str, context: str) -> str | None:
    if _PHONE.fullmatch(digits):
        return digits
    abroad = _INTERNATIONAL.fullmatch(digits)
    if abroad and groups[0] in ("82", "0082", "00", "8210"):
        return "0" + abroad[1]
    # The part behind 공일공, given alone.
    if tuple(map(len, groups)) == (4, 4) and _PHONE_CONTEXT.search(context) and not digits.startswith("1"):
        return "010" + digits
    return None


def _is_account(groups: tuple[str, ...], digits: str, context: str, hyphenated: bool) -> bool:
    if len(digits) not in _ACCOUNT_LENGTHS or _NOT_PERSONAL.search(context):
        return False
    return _ACCOUNT_CONTEXT.search(context) is not None or (hyphenated and len(groups) >= 3)
