"""The words that pages use for the parts of a template."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from workers.contracts.template import FieldType, Language, Section, Tone

SECTION_NAMES: dict[Section, str | Promise] = {
    "one_line": _("한 줄 요약"),
    "kinds": _("분야·결과·고객 반응"),
    "fields": _("우리 조직의 필드"),
    "actions": _("할 일"),
    "decisions": _("결정"),
    "topics": _("주제별 내용"),
}
FIELD_TYPES: dict[FieldType, str | Promise] = {
    "address": _("주소"),
    "appointment": _("약속 일시"),
    "date": _("날짜"),
    "time": _("시각"),
    "money": _("금액"),
    "phone": _("전화번호"),
    "name": _("이름"),
    "count": _("수량"),
    "duration": _("기간"),
    "car": _("차량번호"),
}
TONES: dict[Tone, str | Promise] = {
    "": _("모델에 맡김"),
    "notes": _("짧은 메모(~함, ~예정)"),
    "formal": _("격식 있게(~합니다)"),
    "polite": _("부드럽게(~해요)"),
}
SUMMARY_LANGUAGES: dict[Language, str | Promise] = {
    "": _("통화에 쓰인 말"),
    "ko": pgettext_lazy("language of a summary", "한국어"),
    "en": pgettext_lazy("language of a summary", "영어"),
}
LIMIT_NAMES: dict[str, str | Promise] = {
    "topics": _("주제 최대 수"),
    "points": _("주제마다 내용 최대 수"),
    "actions": _("할 일 최대 수"),
    "decisions": _("결정 최대 수"),
}
