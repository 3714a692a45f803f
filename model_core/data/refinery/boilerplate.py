"""Lines that belong to a page or a broadcast and not to what anybody said: notices, sign-offs, menus, code.

Drops lines, not texts (as C4 does): what is left is judged by its quality. Knows Korean and English wordings only.
"""

import re
from typing import Final

# The sign-offs are also what a recognizer trained on subtitles hears in silence and music.
_LINE: Final = re.compile(
    "|".join(
        (
            "무단 ?(?:전재|복제|배포).{0,12}(?:금지|금합니다)",
            "저작권자 ?(?:ⓒ|©|\\(c\\)|:)",
            "(?:copyright|ⓒ|©) ?.{0,40}(?:all rights reserved|\\d{4})",
            "all rights reserved",
            "구독(?:과|,)? ?(?:좋아요|알림 ?설정)|좋아요(?:와|,)? ?구독",
            "(?:시청|청취)해 ?주셔서 ?감사합니다",
            "다음 ?(?:영상|시간)에서? ?(?:만나요|만나뵙겠습니다|뵙겠습니다)",
            "(?:한글|영상)?자막 ?(?:by|제공|제작)",
            "^(?:mbc|kbs|sbs|ytn) ?뉴스 .{1,12}입니다\\.?$",
            "[가-힣]{2,4} ?기자 ?(?:=|[\\w.]+@)",
            "기사 ?제보 ?(?:및|:)",
            "lorem ipsum",
            "(?:자바스크립트|javascript)(?:를|가)? .{0,20}(?:활성|켜|사용|enable)",
            "(?:쿠키|cookie) ?(?:정책|설정|policy)",
            "(?:이용약관|개인정보 ?(?:처리|취급)방침) ?[|·>]",
            "본문 ?바로 ?가기|메뉴 ?건너뛰기",
            "(?:이전|다음) ?글 ?(?::|목록)|목록 ?(?:보기|으로)$",
            "<(?:div|span|script|p|a|br|table|td)\\b[^>]*>",
            "function ?\\w*\\([^)]*\\) ?\\{|^\\s*(?:var|const|let) \\w+ ?=",
        )
    ),
    re.IGNORECASE,
)
_PARTY: Final = re.compile(r"^[A-Z?]: ")


def strip_boilerplate(text: str) -> tuple[str, int]:
    """Return the text without its boilerplate lines, and how many those were."""
    lines = text.split("\n")
    kept = [line for line in lines if not _LINE.search(_PARTY.sub("", line))]
    return "\n".join(kept).strip("\n"), len(lines) - len(kept)
