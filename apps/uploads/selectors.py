"""Read uploads: everybody sees their own only, whatever their role."""

from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.selectors import organization_ids
from apps.uploads.models import Upload


def access_uploads(actor: User) -> QuerySet[Upload]:
    """Return the uploads of `actor` that have not expired."""
    mine = Upload.objects.filter(created_by=actor, organization__in=organization_ids(actor))
    return mine.filter(expires_at__gt=timezone.now()).select_related("call", "organization")


def access_upload(actor: User, upload_id: UUID) -> Upload:
    """Return one upload or raise Http404."""
    return get_object_or_404(access_uploads(actor), pk=upload_id)
