"""The API keeps the word of its own OpenAPI document: schemathesis asks every operation what the document allows and
what it forbids, and looks at every answer. In process, through WSGI.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from apps.api import events, throttle
from config.wsgi import application
from tests.apps.api.asking import Program
from tests.people import TwoHouses

pytestmark = pytest.mark.slow


@pytest.fixture
def api(houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The document, and a program that may do everything, as often as it likes, and never waits long."""
    monkeypatch.setattr(throttle, "LIMIT_A_MINUTE", 10**9)
    monkeypatch.setattr(events, "STREAM_S", 0.0)
    config = SchemathesisConfig.from_dict({"generation": {"allow-x00": True}})
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application, config=config)


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_its_word(case: Any, houses: TwoHouses) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {Program(houses.ours.admin).token}"})
