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
    "too_many_chosen": _("한 번에 고를 수 있는 통화는 %(limit)s건까지입니다. 조건을 좁혀 주세요."),
    "bad_summary": _("요약을 저장할 수 없습니다: %(field)s — %(detail)s"),
    "summary_changed": _("그사이 요약이 바뀌었습니다. 지금 보이는 것은 버전 %(version)s입니다."),
    "not_approvable": _("원문 문장으로 만든 요약은 고친 뒤에 승인할 수 있습니다."),
    "not_allowed": _("관리자만 할 수 있는 일입니다."),
    "operators_only": _("운영자만 할 수 있는 일입니다."),
    "last_admin": _("조직에 관리자가 한 명은 남아 있어야 합니다."),
    "no_such_team": _("그런 팀이 없습니다."),
    "team_exists": _("같은 이름의 팀이 이미 있습니다: %(name)s"),
    "team_in_use": _("팀 %(name)s에 구성원이 %(members)s명 있어 지울 수 없습니다."),
    "team_has_templates": _("팀 %(name)s의 요약 템플릿이 %(templates)s개 있어 지울 수 없습니다."),
    "too_many_teams": _("팀이 너무 많습니다. 한도는 %(limit)s개입니다."),
    "too_many_tokens": _("API 토큰은 한 사람이 %(limit)s개까지 둘 수 있습니다. 쓰지 않는 토큰을 지워 주세요."),
    "already_member": _("이미 이 조직의 구성원이었거나 구성원입니다. 관리자에게 문의해 주세요."),
    "invitation_over": _("초대가 이미 쓰였거나 기한이 지났습니다."),
    "name_taken": _("이미 쓰는 아이디입니다: %(name)s"),
    "nothing_approved": _("아직 승인된 요약이 없습니다. 통화 화면에서 요약을 먼저 승인해 주세요."),
    "no_such_checkpoint": _("그런 체크포인트가 없습니다: %(checkpoint)s"),
    "template_name_taken": _("“%(name)s” 템플릿이 이미 있습니다. 다른 이름을 써 주세요."),
    "bad_tag": _("쓸 수 없는 태그입니다: “%(name)s”. 1자에서 %(limit)s자까지 적어 주세요."),
    "too_many_tags": _("태그가 너무 많습니다. 한도는 %(limit)s개입니다."),
    "bad_search_name": _("찾기 이름은 1자에서 %(limit)s자까지 적어 주세요."),
    "search_name_taken": _("“%(name)s” 찾기가 이미 있습니다. 다른 이름을 써 주세요."),
    "empty_search": _("저장할 조건이 없습니다. 먼저 조건을 골라 찾아 주세요."),
    "too_many_searches": _("저장한 찾기가 너무 많습니다. 한도는 %(limit)s개입니다."),
    "no_times": _("시간 정보가 없는 대화라 자막을 만들 수 없습니다."),
    "pdf_missing": _(
        "이 서버에서는 PDF를 만들 수 없습니다. 관리자에게 시스템 패키지 설치를 요청해 주세요: %(packages)s"
    ),
    "pdf_failed": _("PDF를 만들지 못했습니다. 통화가 아주 길면 DOCX로 받아 주세요."),
    "line_changed": _("그사이 다른 사람이 %(number)s번 줄을 고쳤습니다. 지금 글을 보고 다시 고쳐 주세요."),
    "line_empty": _("%(number)s번 줄을 비울 수 없습니다."),
    "line_too_long": _("%(number)s번 줄이 너무 깁니다: %(chars)s자, 한도는 %(limit)s자입니다."),
    "name_too_long": _("이름이 너무 깁니다: %(chars)s자, 한도는 %(limit)s자입니다."),
    "bad_webhook_url": _("웹훅 주소를 쓸 수 없습니다: %(detail)s"),
    "too_many_webhooks": _("웹훅은 조직마다 %(limit)s개까지 둘 수 있습니다."),
    "webhook_stopped": _("멈춘 웹훅입니다. 먼저 다시 켜 주세요."),
    "wrong_offset": _("이어 올릴 위치가 다릅니다: %(sent)s바이트를 보냈지만 %(offset)s바이트까지 받았습니다."),
    "part_too_large": _("조각이 너무 큽니다: 여기에는 %(most)s바이트까지 보낼 수 있습니다."),
    "too_many_uploads": _("끝나지 않은 업로드는 한 사람이 %(limit)s개까지 둘 수 있습니다."),
    "incomplete_upload": _("아직 다 올라오지 않았습니다: %(size)s바이트 가운데 %(offset)s바이트."),
    "bad_checksum": _("받은 파일의 SHA-256이 다릅니다. 처음부터 다시 올려 주세요."),
    "upload_busy": _("같은 업로드를 다른 요청이 쓰고 있습니다. 잠시 뒤 다시 시도해 주세요."),
    "upload_finished": _("이미 끝난 업로드입니다."),
    "bad_transcript": _("대화 파일을 읽을 수 없습니다: %(detail)s"),
    "csv_encoding": _("글자를 읽을 수 없습니다. UTF-8이나 CP949(엑셀의 CSV)로 저장해 주세요."),
    "csv_broken": _("%(row)s행에서 CSV 형식이 깨졌습니다: %(detail)s"),
    "csv_empty": _("머리글과 통화가 한 줄씩은 있어야 합니다."),
    "csv_too_many": _("통화가 너무 많습니다. 한 파일의 한도는 %(limit)s건입니다."),
    "csv_too_wide": _("열이 너무 많습니다: %(columns)s개, 한도는 %(limit)s개입니다."),
    "csv_cells": _("칸이 %(cells)s개입니다. 머리글에는 %(columns)s개가 있습니다."),
    "column_unknown": _("모르는 열입니다: %(column)s. 쓸 수 있는 열: %(known)s"),
    "column_twice": _("같은 열이 두 번 있습니다."),
    "column_missing": _("꼭 있어야 할 열이 없습니다: %(column)s"),
    "cell_missing": _("비어 있습니다."),
    "cell_too_long": _("너무 깁니다: %(length)s자, 한도는 %(limit)s자입니다."),
    "cell_unprintable": _("줄바꿈이나 제어 문자가 들어 있습니다."),
    "bad_moment": _("날짜와 시각이 아닙니다: %(value)s. 예: 2026-11-25 14:30"),
    "future_moment": _("아직 오지 않은 시각입니다: %(value)s"),
    "bad_phone": _("전화번호가 아닙니다: %(value)s. 숫자 3~15개로 적어 주세요."),
    "bad_direction": _("수신이나 발신(inbound, outbound)이 아닙니다: %(value)s"),
    "bad_codec": _("모르는 코덱입니다: %(value)s. 쓸 수 있는 코덱: %(known)s"),
    "bad_rate": _("샘플레이트가 아닙니다: %(value)s. %(lowest)s에서 %(highest)s 사이여야 합니다."),
    "bad_table": _("표에 쓸 수 없는 행이 있어 아무것도 가져오지 않았습니다: %(errors)s곳."),
    "bad_file_name": _("쓸 수 없는 파일 이름입니다: %(value)s"),
    "file_not_named": _("표에 없는 파일입니다: %(value)s"),
    "import_started": _("이미 시작한 가져오기입니다."),
    "too_many_imports": _("끝나지 않은 가져오기는 조직마다 %(limit)s개까지 둘 수 있습니다."),
    "file_missing": _("폴더에 없는 파일입니다: %(value)s"),
    "agent_unknown": _("이 조직에 없는 사용자입니다: %(value)s"),
    "repeated": _("%(row)s행에 이미 나온 값입니다: %(value)s"),
    "external_id_taken": _("다른 녹음의 통화가 이미 쓰는 ID입니다: %(value)s"),
}


def describe(code: str, values: Mapping[str, object]) -> str:
    """Return the sentence for `code` in the active language, filled with `values`."""
    if code not in REASONS:
        return code
    try:
        return str(REASONS[code]) % values
    except KeyError:
        return str(REASONS[code])
