"""Try a template on a call: the stages that summarize and verify, with nothing published and no summary kept.

A summary the stage has made of the same words for the same wishes is used again, so that a change of sections, lengths
or fields shows at once.
"""

import logging
from pathlib import Path
from uuid import UUID

from django.conf import settings

from apps.jobs.leases import kept_result
from apps.summary_templates.models import TemplatePreview
from apps.summary_templates.services import finish_preview
from workers.contracts.errors import StageError
from workers.contracts.template import ChosenTemplate, TemplateSpec
from workers.contracts.work import Payload, StageContext, input_hash
from workers.stages import summarize, verify

logger = logging.getLogger(__name__)


def answer(preview_id: UUID) -> None:
    """Answer a waiting preview with a summary and filled fields, or with the reason why there is none."""
    preview = TemplatePreview.objects.filter(pk=preview_id, state=TemplatePreview.State.WAITING).first()
    if preview is None:
        return
    try:
        finish_preview(preview_id=preview_id, state=TemplatePreview.State.DONE, result=_try(preview))
    except StageError as error:
        _fail(preview_id, error.code, error.values)
    except Exception as error:
        # Not the message: that of a library may quote what was said in the call.
        logger.error("preview %s broke: %s", preview_id, type(error).__name__)
        _fail(preview_id, "internal", {"detail": type(error).__name__})


def _fail(preview_id: UUID, code: str, values: dict[str, object]) -> None:
    failed = TemplatePreview.State.FAILED
    finish_preview(preview_id=preview_id, state=failed, reason=code, reason_values=values)


def _try(preview: TemplatePreview) -> Payload:
    template = ChosenTemplate(version_id=str(preview.pk), spec=TemplateSpec.model_validate(preview.content))
    results: dict[str, Payload] = {}
    folder = Path(settings.MEDIA_ROOT) / str(preview.organization_id) / str(preview.call_id)
    context = StageContext(preview.call_id, preview.organization_id, folder, results, lambda _: True, template)
    stage = summarize.STAGE
    digest, version = input_hash(stage.inputs(context)), stage.engine_version(context)
    kept = kept_result(preview.call_id, stage.name, digest, version)
    results["summarize"] = kept.payload if kept else stage.run(context)
    return verify.STAGE.run(context)
