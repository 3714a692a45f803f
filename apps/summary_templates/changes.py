"""What a version of a template asks, in words and part by part, beside what another version asked."""

from django.utils.translation import gettext as _

from apps.summaries.changes import Part, compare
from apps.summary_templates.labels import FIELD_TYPES, LIMIT_NAMES, SECTION_NAMES, SUMMARY_LANGUAGES, TONES
from workers.contracts.template import CustomField, TemplateSpec


def spec_changes(before: TemplateSpec, after: TemplateSpec) -> list[Part]:
    """Return the parts of both versions in the order of the form, each with its lines compared."""
    return compare(_parts(before), _parts(after))


def _parts(spec: TemplateSpec) -> dict[str, list[str]]:
    limits = {name: getattr(spec.limits, name) or _("제한 없음") for name in LIMIT_NAMES}
    return {
        _("보여 줄 것과 차례"): [str(SECTION_NAMES[section]) for section in spec.sections],
        _("길이"): [f"{LIMIT_NAMES[name]}: {limit}" for name, limit in limits.items()],
        _("말투와 언어"): [str(TONES[spec.tone]), str(SUMMARY_LANGUAGES[spec.language])],
        _("우리 조직의 필드"): [_field(field) for field in spec.fields],
    }


def _field(field: CustomField) -> str:
    values = {"label": field.label, "type": FIELD_TYPES[field.type], "clues": ", ".join(field.clues)}
    return (_("%(label)s (%(type)s; 실마리 말: %(clues)s)") if field.clues else "%(label)s (%(type)s)") % values
