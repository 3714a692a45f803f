"""What printed documents need beyond the pages: lines that break between words, as Korean is read."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
# Longer ones may break anywhere, or they would run out of the page.
_LONGEST = 16


@register.filter
def whole_words(text: str) -> SafeString:
    """Return `text` so that no line breaks within a word: what `word-break: keep-all` does, which WeasyPrint lacks."""
    return format_html_join(" ", "{}", ((_word(word),) for word in text.split(" ")))


def _word(word: str) -> SafeString:
    return format_html("<i>{}</i>" if 1 < len(word) <= _LONGEST else "{}", word)
