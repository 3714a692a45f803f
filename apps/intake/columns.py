"""The columns of a table of calls: their names in Korean and English, and how a cell of each is read.

Knows no files and no database.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.calls.forms import CODECS
from apps.core.errors import YoyakError

_DIRECTIONS = {
    "inbound": "inbound",
    "in": "inbound",
    "수신": "inbound",
    "인바운드": "inbound",
    "outbound": "outbound",
    "out": "outbound",
    "발신": "outbound",
    "아웃바운드": "outbound",
}
_MOMENT = re.compile(
    r"(?P<y>\d{4})[-./]\s?(?P<m>\d{1,2})[-./]\s?(?P<d>\d{1,2})\.?"
    r"(?:\s+(?P<half>오전|오후|AM|PM)?\s*(?P<h>\d{1,2}):(?P<min>\d{2})(?::(?P<s>\d{2}))?)?",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\+?[\d\s().-]+")
_PHONE_DIGITS = range(3, 16)
_RATES = range(4000, 192_001)


@dataclass(frozen=True)
class CallRow:
    """What a row says of one call; `started_at` carries its time zone, empty fields were not told."""

    file: str
    title: str = ""
    external_id: str = ""
    started_at: datetime | None = None
    agent: str = ""
    customer_phone: str = ""
    direction: str = ""
    codec: str = ""
    rate_hz: int | None = None


def _moment(text: str) -> datetime:
    try:
        moment = _read_moment(text)
        moment = (moment if moment.tzinfo else timezone.make_aware(moment)).astimezone(UTC)
        late = moment > timezone.now() + timedelta(days=1)
    except (ValueError, OverflowError):
        raise YoyakError("bad_moment", value=text) from None
    if late:
        raise YoyakError("future_moment", value=text)
    return moment


def _read_moment(text: str) -> datetime:
    """Read ISO 8601, or what a Korean spreadsheet writes: 2026.11.25 오후 2:30."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return datetime.fromisoformat(text)
    hour = int(found["h"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(text)
        hour = hour % 12 + 12 * (found["half"].upper() in ("오후", "PM"))
    return datetime(
        int(found["y"]), int(found["m"]), int(found["d"]), hour, int(found["min"] or 0), int(found["s"] or 0)
    )


def _phone(text: str) -> str:
    if not _PHONE.fullmatch(text) or sum(c.isdigit() for c in text) not in _PHONE_DIGITS:
        raise YoyakError("bad_phone", value=text)
    return text


def _direction(text: str) -> str:
    if text.lower() not in _DIRECTIONS:
        raise YoyakError("bad_direction", value=text)
    return _DIRECTIONS[text.lower()]


def _codec(text: str) -> str:
    if text not in CODECS:
        raise YoyakError("bad_codec", value=text, known=", ".join(CODECS))
    return text


def _rate(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6 or int(text) not in _RATES:
        raise YoyakError("bad_rate", value=text, lowest=_RATES.start, highest=_RATES.stop - 1)
    return int(text)


def _text(text: str) -> str:
    return text


@dataclass(frozen=True)
class Column:
    """`names` are those that a heading may have, in lower case; the first is the field."""

    names: tuple[str, ...]
    read: Callable[[str], object] = _text
    max_chars: int = 300


COLUMNS = (
    Column(("file", "파일", "파일명", "녹음 파일")),
    Column(("title", "제목")),
    Column(("external_id", "외부 id", "통화 id"), max_chars=100),
    Column(("started_at", "시작 시각", "통화 일시", "일시"), _moment),
    Column(("agent", "상담원"), max_chars=150),
    Column(("customer_phone", "고객 전화번호", "고객 전화"), _phone, max_chars=32),
    Column(("direction", "방향", "수신/발신"), _direction),
    Column(("codec", "코덱"), _codec),
    Column(("rate_hz", "샘플레이트"), _rate),
)
KNOWN = ", ".join(column.names[0] for column in COLUMNS)
_BY_NAME = {name: column for column in COLUMNS for name in column.names}


def column_named(heading: str) -> Column:
    """Return the column of that heading. Raises YoyakError when there is none."""
    column = _BY_NAME.get(" ".join(heading.lower().split()))
    if column is None:
        raise YoyakError("column_unknown", column=heading[:40], known=KNOWN)
    return column


def read_cell(column: Column, text: str) -> object:
    """Return what `text` means in `column`.

    Raises:
        YoyakError: it means nothing there; the reason names the text and the limit.
    """
    if len(text) > column.max_chars:
        raise YoyakError("cell_too_long", length=len(text), limit=column.max_chars)
    if not text.isprintable():
        raise YoyakError("cell_unprintable")
    return column.read(text)


def call_row(values: Mapping[str, Any]) -> CallRow:
    """Return the row of the cells that were read.

    Raises:
        YoyakError: the file is not named, or a codec comes without its sample rate.
    """
    if not values.get("file"):
        raise YoyakError("cell_missing")
    if values.get("codec") and not values.get("rate_hz"):
        raise YoyakError("headerless")
    return CallRow(**values)
