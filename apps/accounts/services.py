"""Changes to people and organizations, and the writing of the access log."""

import uuid

from django.db import transaction

from apps.accounts.models import AccessLog, Membership, Organization, Role, User


def log_access(*, actor: User | None, organization_id: uuid.UUID, action: str, kind: str, object_id: uuid.UUID) -> None:
    """Write one line of the access log. `actor` is None for the command line and the workers."""
    AccessLog.objects.create(
        actor=actor, organization_id=organization_id, action=action, object_type=kind, object_id=object_id
    )


@transaction.atomic
def ensure_member(*, organization: str, username: str, password: str | None, role: Role) -> User:
    """Return the user of that name, made with `password` and a membership when missing."""
    house, _ = Organization.objects.get_or_create(name=organization)
    user, made = User.objects.get_or_create(username=username)
    if made:
        user.set_password(password)
        user.is_staff = user.is_superuser = role is Role.ADMIN
        user.save()
    Membership.objects.get_or_create(user=user, organization=house, defaults={"role": role})
    return user
