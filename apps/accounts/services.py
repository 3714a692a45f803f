"""Changes to people and organizations, and the writing of the access log."""

import secrets
import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import AccessLog, ApiToken, Membership, Organization, Role, Scope, User
from apps.accounts.tokens import token_digest
from apps.core.errors import YoyakError

# What one person may have at a time.
MAX_TOKENS = 20
_USE_NOTED_EVERY = timedelta(minutes=1)


def log_access(*, actor: User | None, organization_id: uuid.UUID, action: str, kind: str, object_id: uuid.UUID) -> None:
    """Write one line of the access log. `actor` is None for the command line and the workers."""
    AccessLog.objects.create(
        actor=actor, organization_id=organization_id, action=action, object_type=kind, object_id=object_id
    )


def log_access_to_many(
    *, actor: User | None, action: str, kind: str, objects: Iterable[tuple[uuid.UUID, uuid.UUID]]
) -> None:
    """Write a line of the access log for each pair of an organization's and an object's id, in few queries."""
    AccessLog.objects.bulk_create(
        [
            AccessLog(
                actor=actor, organization_id=organization_id, action=action, object_type=kind, object_id=object_id
            )
            for organization_id, object_id in objects
        ],
        batch_size=1000,
    )


@transaction.atomic
def ensure_member(*, organization: str, username: str, password: str | None, role: Role) -> User:
    """Return the user of that name, made with `password` and a membership when missing."""
    house, _ = Organization.objects.get_or_create(name=organization)
    user, made = User.objects.get_or_create(username=username)
    if made:
        user.set_password(password)
        user.save()
    Membership.objects.get_or_create(user=user, organization=house, defaults={"role": role})
    return user


@transaction.atomic
def create_token(
    *, user: User, name: str, scopes: Iterable[Scope], days: int, organization: Organization | None = None
) -> str:
    """Return a new token with which a program acts as `user` for `days` days, in `organization`. It cannot be shown
    again."""
    token = f"yoyak_{secrets.token_urlsafe(32)}"
    ApiToken.objects.create(
        user=user,
        organization=organization,
        name=name,
        digest=token_digest(token),
        scopes=sorted(scopes),
        expires_at=timezone.now() + timedelta(days=days),
    )
    return token


@transaction.atomic
def issue_token(
    *, actor: User, name: str, scopes: Iterable[Scope], days: int, organization: Organization | None = None
) -> str:
    """Return a new token of one's own, as `create_token` does, and write that down.

    Raises:
        YoyakError: the person has too many.
    """
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    living = ApiToken.objects.filter(user=actor, expires_at__gt=timezone.now())
    if living.count() >= MAX_TOKENS:
        raise YoyakError("too_many_tokens", limit=MAX_TOKENS)
    token = create_token(user=actor, name=name, scopes=scopes, days=days, organization=organization)
    _log_token(actor, ApiToken.objects.get(digest=token_digest(token)), "create_token")
    return token


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: User) -> None:
    """End a token at once."""
    _log_token(actor, token, "revoke_token")
    token.delete()


def _log_token(actor: User, token: ApiToken, action: str) -> None:
    """Write a line for every organization that the token reaches into."""
    for organization_id in Membership.objects.filter(user=actor, disabled_at=None).values_list(
        "organization", flat=True
    ):
        log_access(actor=actor, organization_id=organization_id, action=action, kind="token", object_id=token.pk)


def note_use(*, token: ApiToken) -> None:
    """Write down that `token` is in use, to the minute."""
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _USE_NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
