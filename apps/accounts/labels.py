"""What the actions of the access log and its kinds of objects are called. A name without an entry is shown as it is."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {
    "add_call": _("통화 추가"),
    "read_call": _("통화 열람"),
    "play_recording": _("녹음 재생"),
    "search_calls": _("통화 검색"),
    "export_call": _("통화 내보내기"),
    "delete_call": _("통화 삭제"),
    "declare_format": _("녹음 형식 지정"),
    "request_processing": _("처리 요청"),
    "correct_summary": _("요약 수정"),
    "approve_summary": _("요약 승인"),
    "request_retraining": _("학습 요청"),
    "use_checkpoint": _("모델 교체"),
    "use_shipped_model": _("기본 모델로 복귀"),
    "invite_member": _("구성원 초대"),
    "withdraw_invitation": _("초대 취소"),
    "accept_invitation": _("초대 수락"),
    "change_member": _("역할·팀 변경"),
    "disable_member": _("구성원 사용 중지"),
    "enable_member": _("구성원 사용 재개"),
    "require_totp": _("2단계 인증 필수로 지정"),
    "waive_totp": _("2단계 인증 필수 해제"),
    "add_team": _("팀 추가"),
    "remove_team": _("팀 삭제"),
    "export_access_log": _("접근 기록 내보내기"),
}
KINDS = {
    "call": _("통화"),
    "organization": _("조직"),
    "run": _("학습"),
    "checkpoint": _("모델"),
    "member": _("구성원"),
    "invitation": _("초대"),
}
