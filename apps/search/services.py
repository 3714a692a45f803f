"""Keep the search documents: called by the services that change a transcript, a summary or a call."""

import uuid

from django.db import transaction

from apps.calls.models import Call
from apps.search.documents import document_of
from apps.search.models import SearchDocument


@transaction.atomic
def index_call(*, call_id: uuid.UUID) -> None:
    """Write the search document of a call anew from what it holds now."""
    call = Call.objects.get(pk=call_id)
    SearchDocument.objects.update_or_create(call=call, defaults=document_of(call))
