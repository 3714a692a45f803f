"""The API keeps the word of its own OpenAPI document: schemathesis asks every operation what the document allows and
what it forbids, and looks at every answer. In process, through WSGI.
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from apps.accounts.models import Scope
from apps.api import events, throttle
from config.wsgi import application
from tests.apps.api.asking import Program
from tests.people import TwoHouses

pytestmark = pytest.mark.slow


# The token is given below.
_CONFIG = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
# The document names no object of the database, so it is read before there is one.
schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application, config=_CONFIG)


Asker = tuple[str, tuple[Scope, ...]]
ADMIN: Asker = ("admin", tuple(Scope))
OTHERS: list[Asker] = list(
    product(("agent", "reviewer", "auditor", "operator"), (tuple(Scope), (Scope.READ,), (Scope.WRITE,)))
)


@pytest.fixture
def token_of(houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Asker], str]]:
    """The tokens of programs that may ask as often as they like, and never wait long."""
    monkeypatch.setattr(throttle, "LIMIT_A_MINUTE", 10**9)
    monkeypatch.setattr(events, "STREAM_S", 0.0)
    signals = (request_started, request_finished)
    for signal in signals:  # as Django's test client does: the connection stays in the test's transaction
        signal.disconnect(close_old_connections)

    @cache
    def token(asker: Asker) -> str:
        who, scopes = asker
        return Program(getattr(houses.ours, who), *scopes).token

    yield token
    for signal in signals:
        signal.connect(close_old_connections)


@schema.given(other=st.sampled_from(OTHERS))
@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],  # the examples are held against their models in test_operations
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_its_word(case: Any, other: Asker, token_of: Callable[[Asker], str]) -> None:
    """Making up a case takes longer than asking it, so it is asked by an administrator and by somebody else."""
    case.body = _as_programs_write(case.body)
    for asker in (ADMIN, other):
        headers = {"Authorization": f"Bearer {token_of(asker)}"}
        response = case.call(headers=headers)
        # "invalid" says that the document forbids it; other codes are what no schema can say: no such cursor, too
        # large, a text with the character NUL ("malformed").
        beyond = response.status_code in (400, 413, 422) and response.json()["code"] != "invalid"
        excluded = [positive_data_acceptance] if beyond else []
        case.validate_response(
            response, excluded_checks=excluded, headers=headers, transport_kwargs={"headers": headers}
        )


def _as_programs_write(body: Any) -> Any:
    """Write 7.0 as 7: to JSON Schema they are the same integer, the API takes it as programs write it."""
    match body:
        case float() if body.is_integer():
            return int(body)
        case dict():
            return {name: _as_programs_write(value) for name, value in body.items()}
        case list():
            return [_as_programs_write(value) for value in body]
    return body
