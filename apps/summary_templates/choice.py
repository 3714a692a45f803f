"""Which template version a call is summarized with: the one chosen for it, else the default of its owner's team, else
the organization's, else none.

Asked by the workers, which hold the call by right.
"""

from uuid import UUID

from django.db.models import F, Q

from apps.accounts.models import Membership
from apps.calls.models import Call
from apps.summary_templates.models import CallTemplate, SummaryTemplate, TemplateVersion
from workers.contracts.template import ChosenTemplate, TemplateSpec


def template_for(call_id: UUID, organization_id: UUID) -> ChosenTemplate | None:
    """Return the version to work with now, None when the organization asks nothing."""
    chosen = CallTemplate.objects.filter(call_id=call_id, template__retired_at=None).values_list(
        "template_id", flat=True
    )
    template_id = chosen.first() or _default(call_id, organization_id)
    version = TemplateVersion.objects.filter(template_id=template_id).order_by("-number").first()
    if version is None:
        return None
    return ChosenTemplate(version_id=str(version.pk), spec=TemplateSpec.model_validate(version.content))


def _default(call_id: UUID, organization_id: UUID) -> UUID | None:
    """Return the default for a call: that of the team in which its owner works comes first."""
    owner = Call.objects.filter(pk=call_id).values("created_by")
    teams = Membership.objects.filter(user__in=owner, organization=organization_id).values("team")
    defaults = SummaryTemplate.objects.filter(organization=organization_id, is_default=True, retired_at=None)
    fitting = defaults.filter(Q(team=None) | Q(team__in=teams)).order_by(F("team").asc(nulls_last=True))
    return fitting.values_list("pk", flat=True).first()
