"""Serve the pages and the API: `python -m config.serve 127.0.0.1:8000`. The one place that tells waitress how.

Behind a reverse proxy that ends TLS, `YOYAK_TRUSTED_PROXY` is its address, or ``*`` where nobody else can reach this
process: from it, and from nobody else, is taken who asks and whether by HTTPS.
"""

import sys
from typing import Any

import waitress

from config.env import Environment, read_environment


def options(env: Environment) -> dict[str, Any]:
    """Return what waitress is told."""
    told: dict[str, Any] = {"threads": 16, "connection_limit": 1000, "asyncore_use_poll": True}
    told["clear_untrusted_proxy_headers"] = True
    if env.trusted_proxy:
        told |= {"trusted_proxy": env.trusted_proxy, "trusted_proxy_count": 1}
        told["trusted_proxy_headers"] = {"x-forwarded-for", "x-forwarded-proto"}
    return told


def main(listen: str) -> None:
    """Serve until stopped."""
    from config.wsgi import application

    waitress.serve(application, listen=listen, **options(read_environment()))


if __name__ == "__main__":
    main(sys.argv[1])
