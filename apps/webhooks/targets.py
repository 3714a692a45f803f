"""Which addresses an endpoint may have. What its name leads to is checked when a delivery is sent."""

from ipaddress import ip_address
from socket import inet_aton, inet_ntoa
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.errors import YoyakError
from workers.contracts.addresses import is_public


def check_target(url: str) -> None:
    """Accept the address of an endpoint.

    Raises:
        YoyakError: it is not one that a webhook may go to; the message says why.
    """
    detail = _fault(url)
    if detail:
        raise YoyakError("bad_webhook_url", detail=detail)


def _fault(url: str) -> str:
    private = settings.ENV.webhooks_allow_private
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        return _("주소를 읽을 수 없습니다")
    if port == 0:
        return _("주소를 읽을 수 없습니다")
    if not url.isascii() or not url.isprintable() or " " in url or not host:
        return _("주소는 영문, 숫자, 기호로 적고 서버 이름이 있어야 합니다")
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        return _("https://로 시작해야 합니다")
    if parts.username is not None or parts.password is not None or parts.fragment:
        return _("사용자 이름, 비밀번호, #은 쓸 수 없습니다")
    if not private and _is_inside(host):
        return _("내부 네트워크 주소로는 보내지 않습니다")
    return ""


def _is_inside(host: str) -> bool:
    name = host.removesuffix(".")
    try:
        return not is_public(_numeric(name))
    except ValueError:
        return name == "localhost" or name.endswith((".localhost", ".local", ".internal"))


def _numeric(host: str) -> str:
    """Return the address that `host` is, also written as resolvers take it: 127.1, 0177.0.0.1, 2130706433.

    Raises:
        ValueError: it is a name.
    """
    try:
        return str(ip_address(host))
    except ValueError:
        try:
            return inet_ntoa(inet_aton(host))
        except OSError:
            raise ValueError(host) from None
