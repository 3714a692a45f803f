"""How the page names what can go wrong with a try."""

from django.utils.translation import gettext_lazy as _

ERRORS = {
    "private_address": _("내부 네트워크 주소라 보내지 않음"),
    "name": _("서버 이름을 찾을 수 없음"),
    "unreachable": _("연결되지 않음"),
    "tls": _("인증서를 믿을 수 없음"),
    "timeout": _("시간 안에 답하지 않음"),
    "malformed": _("HTTP 응답이 아님"),
    "redirect": _("다른 주소로 넘기려 함"),
    "status": _("오류로 답함"),
}
