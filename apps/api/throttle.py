"""How many requests a token may make: so many a minute, counted in Django's cache. Knows tokens by id only."""

import time
import uuid

from django.core.cache import cache

from apps.api.problems import Problem

LIMIT_A_MINUTE = 600
_WINDOW_S = 60


def count_request(token_id: uuid.UUID) -> dict[str, str]:
    """Count one request and return the headers that tell what is left.

    Raises:
        Problem: 429, the limit of this minute is reached.
    """
    window, into_s = divmod(int(time.time()), _WINDOW_S)
    key, reset_s = f"api-{token_id}-{window}", _WINDOW_S - into_s
    cache.add(key, 0, _WINDOW_S * 2)
    try:
        used = cache.incr(key)
    except ValueError:  # dropped between the two calls
        used = 1
    headers = {
        "RateLimit-Limit": str(LIMIT_A_MINUTE),
        "RateLimit-Remaining": str(max(0, LIMIT_A_MINUTE - used)),
        "RateLimit-Reset": str(reset_s),
    }
    if used > LIMIT_A_MINUTE:
        raise Problem(429, "too_many_requests", headers=headers | {"Retry-After": str(reset_s)})
    return headers
