"""The words that pages use for the kinds, outcomes and moods of a summary."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

CATEGORIES: dict[str, str | Promise] = {
    "telecom": _("통신"),
    "delivery": _("배송"),
    "finance": _("금융"),
    "insurance": _("보험"),
    "hospital": _("병원"),
    "restaurant": _("음식점"),
    "appliance": _("가전 수리"),
    "factory": _("공장·설비"),
    "realestate": _("부동산"),
    "education": _("교육"),
    "travel": _("여행"),
    "public": _("공공기관"),
    "car": _("자동차"),
    "family": _("가족·지인"),
    "work": _("업무"),
    "shopping": _("쇼핑"),
    "other": pgettext_lazy("category", "기타"),
}
OUTCOMES: dict[str, str | Promise] = {
    "resolved": _("해결됨"),
    "scheduled": _("일정 잡음"),
    "pending": _("진행 예정"),
    "escalated": _("상위 이관"),
    "callback": _("다시 전화"),
    "refused": _("거절"),
    "informed": _("안내함"),
    "unknown": _("결과 모름"),
}
SENTIMENTS: dict[str, str | Promise] = {
    "positive": _("만족"),
    "neutral": pgettext_lazy("sentiment", "보통"),
    "negative": _("불만"),
}
VALUE_KINDS: dict[str, str | Promise] = {
    "money": _("금액"),
    "date": _("날짜"),
    "time": _("시각"),
    "duration": _("기간"),
    "count": _("수량"),
    "measure": _("수치"),
    "percent": _("비율"),
    "phone": _("전화번호"),
    "number": _("수"),
    "digits": _("번호"),
    "unit": _("수치"),
    "carno": _("차량번호"),
    "address": _("주소"),
    "name": _("이름"),
}
# What the engine writes of a call in which nobody spoke; a person may have put other words in its place.
SILENCE: dict[str, str | Promise] = {
    "음성 없음": _("음성 없음"),
    "통화에서 말한 사람이 없습니다.": _("통화에서 말한 사람이 없습니다."),
}
