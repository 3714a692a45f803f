"""How people sign in, as allauth and axes read it. A company login (OIDC) is there when its issuer is set."""

from typing import Any
from urllib.parse import urlsplit

from config.env import ConfigError, Environment

OIDC_PROVIDER = "company"

LOGIN_APPS = [
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]


def company_login(env: Environment) -> dict[str, Any]:
    """Return allauth's settings of the company login, empty when there is none.

    Raises:
        ConfigError: the issuer is no address, or is set without the client's name and secret.
    """
    if not env.oidc_issuer:
        return {}
    parts = urlsplit(env.oidc_issuer)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(f"YOYAK_OIDC_ISSUER is {env.oidc_issuer!r}; an address with https:// is needed")
    if not env.oidc_client_id or not env.oidc_client_secret:
        raise ConfigError("YOYAK_OIDC_ISSUER needs YOYAK_OIDC_CLIENT_ID and YOYAK_OIDC_CLIENT_SECRET")
    app = {
        "provider_id": OIDC_PROVIDER,
        "name": env.oidc_name,
        "client_id": env.oidc_client_id,
        "secret": env.oidc_client_secret,
        "settings": {"server_url": env.oidc_issuer},
    }
    return {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}


def company_origins(env: Environment) -> list[str]:
    """Return where the login form may lead: a browser also checks the redirect to the company's login page."""
    parts = urlsplit(env.oidc_issuer)
    return [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []
