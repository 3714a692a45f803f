"""Which template version a call is summarized with: the one chosen for it, else the organization's default, else none.

Asked by the workers, which hold the call by right.
"""

from uuid import UUID

from apps.summary_templates.models import CallTemplate, SummaryTemplate, TemplateVersion
from workers.contracts.template import ChosenTemplate, TemplateSpec


def template_for(call_id: UUID, organization_id: UUID) -> ChosenTemplate | None:
    """Return the version to work with now, None when the organization asks nothing."""
    chosen = CallTemplate.objects.filter(call_id=call_id, template__retired_at=None).values_list(
        "template_id", flat=True
    )
    default = SummaryTemplate.objects.filter(organization_id=organization_id, is_default=True, retired_at=None)
    template_id = chosen.first() or default.values_list("pk", flat=True).first()
    version = TemplateVersion.objects.filter(template_id=template_id).order_by("-number").first()
    if version is None:
        return None
    return ChosenTemplate(version_id=str(version.pk), spec=TemplateSpec.model_validate(version.content))
