"""The demo of a fresh installation: a user with a random password, and the sample calls."""

import logging
import secrets
from pathlib import Path

from django.conf import settings

from apps.accounts.models import Organization, Role, User
from apps.accounts.services import ensure_member
from apps.calls.models import Call
from apps.calls.services import DuplicateRecording, add_recording
from apps.jobs.requests import request_processing

logger = logging.getLogger(__name__)

DEMO_ORGANIZATION = "요약 데모"
DEMO_USER = "demo"
SAMPLES = settings.BASE_DIR / "pretrained" / "samples"


def ensure_demo(*, samples: bool) -> tuple[str, str]:
    """Make the demo user and, on first start, load the samples if asked; return the user's name and password."""
    kept = Path(settings.DATA_DIR) / "demo-password"
    fresh = not kept.exists()
    if fresh:
        kept.write_text(secrets.token_urlsafe(9))
        kept.chmod(0o600)
    user = ensure_member(organization=DEMO_ORGANIZATION, username=DEMO_USER, password=kept.read_text(), role=Role.ADMIN)
    if fresh:
        # Whoever tries the product alone also runs it.
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    organization = Organization.objects.get(name=DEMO_ORGANIZATION)
    if samples and not Call.objects.filter(organization=organization, source=Call.Source.SAMPLE).exists():
        _load_samples(organization)
    return user.username, kept.read_text()


def _load_samples(organization: Organization) -> None:
    for path in sorted(SAMPLES.glob("*.*")):
        if path.suffix not in (".wav", ".opus"):
            continue
        try:
            call = add_recording(
                organization=organization,
                actor=None,
                file_name=path.name,
                chunks=[path.read_bytes()],
                source=Call.Source.SAMPLE,
                title=path.stem,
            )
        except DuplicateRecording as known:
            call = known.call
        request_processing(call=call, actor=None)
