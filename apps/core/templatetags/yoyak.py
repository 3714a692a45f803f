"""How the pages write lengths, moments, amounts, counts, shares and fields."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

from django import template
from django.forms import BoundField
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from apps.actions.due import Due
from apps.calls.models import Call
from apps.jobs.progress import QUEUES
from apps.search.hits import Fragment

register = template.Library()
_MAN = 10_000


@register.filter
def said_once(field: BoundField) -> str:
    """Write a field without a placeholder that only says its label again."""
    repeated = str(field.field.widget.attrs.get("placeholder", "")) == str(field.label)
    return field.as_widget(attrs={"placeholder": ""} if repeated else None)


@register.filter
def clock(seconds: float | None) -> str:
    """Write seconds as 3:05 or 1:02:09; a dash when unknown."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def spent(seconds: float | None) -> str:
    """Write how long something took or will take, in words: 0.8초, 12초, 3분 20초, 2시간 5분."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return _("%(s)s초") % {"s": formats.number_format(seconds, 1 if seconds else 0)}
    whole = round(seconds)
    if whole < 60:
        return _("%(s)s초") % {"s": whole}
    if whole < 3600:
        return _("%(m)s분 %(s)s초") % {"m": whole // 60, "s": whole % 60}
    return _("%(h)s시간 %(m)s분") % {"h": whole // 3600, "m": whole // 60 % 60}


@register.filter
def marked(fragments: Iterable[Fragment]) -> SafeString:
    """Write a line of hits with what was looked for marked."""
    parts = (format_html("<mark>{}</mark>", part.text) if part.marked else part.text for part in fragments)
    return format_html_join("", "{}", ((part,) for part in parts))


@register.filter
def moment(at: datetime | None) -> str:
    """Write a moment briefly: the time alone today, the year only when it is not this one."""
    if at is None:
        return "–"
    local, now = timezone.localtime(at), timezone.localtime()
    if local.date() == now.date():
        return formats.date_format(local, "H:i")
    korean = _korean()
    day = "n월 j일" if korean else "j M"
    if local.year != now.year:
        day = "Y년 n월 j일" if korean else "j M Y"
    return formats.date_format(local, f"{day} H:i")


@register.filter
def exact(at: datetime | None) -> str:
    """Write a moment to the second with its time zone: 2026-12-03 09:05:07 KST."""
    return "–" if at is None else timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")


@register.simple_tag
def zone() -> str:
    """Write the name of the time zone that the pages are in: KST."""
    return timezone.localtime().tzname() or ""


@register.filter
def day(on: date | None) -> str:
    """Write a day with its weekday, the year only when it is not this one: 12월 3일 (목)."""
    if on is None:
        return "–"
    near = on.year == timezone.localdate().year
    if _korean():
        return formats.date_format(on, "n월 j일" if near else "Y년 n월 j일") + f" ({'월화수목금토일'[on.weekday()]})"
    return formats.date_format(on, "D j M" if near else "D j M Y")


@register.filter
def due_time(due: Due) -> str:
    """Write when something is due: its day, and the hour if it was said: 12월 3일 (목) 15:00."""
    return f"{day(due.on)} {due.at:%H:%M}" if due.at else day(due.on)


@register.filter
def won(amount: float) -> str:
    """Write an amount of won: whole from ten on, below with the digits that matter. Korean counts in 만 and 억."""
    digits = 0 if amount >= 10 or not amount else 1 if amount >= 1 else 3
    if round(amount) >= _MAN and _korean():
        written = _in_ten_thousands(round(amount))
        return written + ("원" if written[-1].isdecimal() else " 원")  # 3만 5,000원, but 30만 원
    return _("%(n)s원") % {"n": formats.number_format(round(amount, digits), digits, force_grouping=True)}


@register.filter
def grouped(number: float) -> str:
    """Write a whole number with its thousands apart, as columns of numbers need it."""
    return formats.number_format(round(number), 0, force_grouping=True)


@register.filter
def counted(number: int) -> str:
    """Write how many there are within a sentence: from 만 on as Korean counts, 12만 3,456."""
    return _in_ten_thousands(number) if number >= _MAN and _korean() else grouped(number)


def _in_ten_thousands(number: int) -> str:
    """Return a number from 만 on in its two highest ranks: 1억 2,345만, 3만 5,000, 2억."""
    rank = 2 if number >= _MAN**2 else 1
    high, low = divmod(round(number / _MAN ** (rank - 1)), _MAN)
    names = ("", "만", "억")
    written = f"{high:,}{names[rank]}"
    return f"{written} {low:,}{names[rank - 1]}" if low else written


def _korean() -> bool:
    return (get_language() or "ko").startswith("ko")


@register.filter
def percent(share: float) -> int:
    """Write a share of 0 to 1 as whole per cent; only what is finished is 100."""
    return 100 if share >= 1 else min(99, max(0, int(share * 100)))


@register.filter
def parties(count: int) -> str:
    """Write how many people speak in a call."""
    return ngettext("%(n)s명", "%(n)s명", count) % {"n": count}


@register.filter
def titled(call: Call, titles: Mapping[UUID, str]) -> str:
    """Write what a call is called: the title of its summary, else the one it came in with."""
    return titles.get(call.pk) or call.title


@register.filter
def queue_name(name: str) -> str:
    """Write what a queue is called."""
    return str(QUEUES.get(name, name))
