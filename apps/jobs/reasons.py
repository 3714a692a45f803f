"""Why a job or an upload ended without a summary, in words a person can use. One code, one sentence.

The codes come from the workers (`StageError.code`) and from the services of the apps.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

REASONS = {
    "empty_file": _("파일이 비어 있습니다."),
    "not_audio": _("소리 파일이 아닙니다. WAV, MP3, M4A, OGG/Opus, FLAC, AMR, WebM 파일을 올려 주세요."),
    "no_audio_track": _("파일에 소리 트랙이 없습니다."),
    "truncated": _("파일이 중간에 잘려 있어 읽을 수 없습니다."),
    "bad_samples": _("소리 값이 올바르지 않습니다(NaN 또는 무한대)."),
    "headerless": _("헤더가 없는 음성 파일입니다. 코덱과 샘플레이트를 함께 알려 주세요(예: mulaw, 8000)."),
    "too_large": _("파일이 너무 큽니다: %(size_mb)s MB, 한도는 %(limit_mb)s MB입니다."),
    "too_long": _("통화가 너무 깁니다: %(minutes)s분, 한도는 %(limit_minutes)s분입니다."),
    "too_many_channels": _("채널이 너무 많습니다: %(channels)s개, 한도는 %(limit)s개입니다."),
    "decode_limit": _("파일을 푸는 데 허용된 시간이나 메모리를 넘었습니다."),
    "unknown_language": _("지원하지 않는 언어의 통화입니다."),
    "engine_missing": _("음성 인식 또는 요약 모델을 읽을 수 없습니다: %(detail)s"),
    "llm_unavailable": _("요약 모델 서버가 응답하지 않습니다."),
    "recording_missing": _("녹음 파일을 찾을 수 없습니다."),
    "worker_lost": _("처리 중 작업 프로세스가 %(attempts)s번 멈췄습니다. 다시 시도해 주세요."),
    "internal": _("예상하지 못한 오류가 났습니다: %(detail)s"),
    "cancelled": _("사용자가 취소했습니다."),
    "duplicate": _("같은 파일이 이미 있습니다."),
    "no_channels": _("파일에 소리 채널이 하나도 없습니다."),
    "mixed_organizations": _("한 번에 한 조직의 통화만 고를 수 있습니다."),
    "nothing_chosen": _("고른 통화가 없습니다."),
    "bad_summary": _("요약을 저장할 수 없습니다: %(field)s — %(detail)s"),
    "not_approvable": _("원문 문장으로 만든 요약은 고친 뒤에 승인할 수 있습니다."),
    "not_allowed": _("관리자만 할 수 있는 일입니다."),
    "last_admin": _("조직에 관리자가 한 명은 남아 있어야 합니다."),
    "no_such_team": _("그런 팀이 없습니다."),
    "team_exists": _("같은 이름의 팀이 이미 있습니다: %(name)s"),
    "team_in_use": _("팀 %(name)s에 구성원이 %(members)s명 있어 지울 수 없습니다."),
    "too_many_teams": _("팀이 너무 많습니다. 한도는 %(limit)s개입니다."),
    "already_member": _("이미 이 조직의 구성원이었거나 구성원입니다. 관리자에게 문의해 주세요."),
    "invitation_over": _("초대가 이미 쓰였거나 기한이 지났습니다."),
    "name_taken": _("이미 쓰는 아이디입니다: %(name)s"),
    "nothing_approved": _("아직 승인된 요약이 없습니다. 통화 화면에서 요약을 먼저 승인해 주세요."),
    "no_such_checkpoint": _("그런 체크포인트가 없습니다: %(checkpoint)s"),
    "no_times": _("시간 정보가 없는 대화라 자막을 만들 수 없습니다."),
    "bad_transcript": _("대화 파일을 읽을 수 없습니다: %(detail)s"),
}


def describe(code: str, values: Mapping[str, object]) -> str:
    """Return the sentence for `code` in the active language, filled with `values`."""
    if code not in REASONS:
        return code
    try:
        return str(REASONS[code]) % values
    except KeyError:
        return str(REASONS[code])
