"""Templates: the list, the page that edits one, its preview on a call, and choosing one for calls."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseStopPolling

from apps.accounts.models import Organization
from apps.accounts.selectors import teams_of
from apps.calls.models import Call
from apps.calls.selectors import access_call
from apps.core.errors import YoyakError
from apps.core.feedback import explain, refusals_as_messages, see_other
from apps.core.people import person
from apps.jobs.reasons import describe
from apps.summaries.shown import titles_by_call
from apps.summary_templates.changes import spec_changes
from apps.summary_templates.forms import TemplateForm
from apps.summary_templates.models import SummaryTemplate, TemplatePreview, TemplateVersion
from apps.summary_templates.selectors import (
    access_editing,
    access_own_template,
    access_preview,
    access_template,
    access_templates,
    calls_to_try,
    current_version,
    current_versions,
    edits_any,
    edits_templates,
    versions_of,
)
from apps.summary_templates.services import (
    add_template,
    change_template,
    request_preview,
    retire_template,
    ring_if_lost,
    set_default,
    summarize_with,
)
from apps.summary_templates.shaping import view_of
from apps.transcripts.selectors import access_segments
from workers.contracts.template import FilledField, TemplateSpec

_FORM_METHODS = ["GET", "HEAD", "POST"]


@require_safe
def list_templates(request: HttpRequest) -> HttpResponse:
    """Show the templates of the person's organizations."""
    actor = person(request)
    templates = list(access_templates(actor))
    newest = current_versions(templates)
    rows = [(one, newest[one.pk], TemplateSpec.model_validate(newest[one.pk].content)) for one in templates]
    return render(request, "summary_templates/list.html", {"rows": rows, "edits": edits_any(actor)})


def _spec(template: SummaryTemplate) -> TemplateSpec:
    return TemplateSpec.model_validate(current_version(template).content)


@require_http_methods(_FORM_METHODS)
def new(request: HttpRequest) -> HttpResponse:
    """Show an empty template; keep what comes back."""
    actor = person(request)
    organization = access_editing(actor)
    form = _form(request, organization)
    if request.method == "POST" and form.is_valid():
        try:
            made = add_template(organization=organization, spec=form.spec(), actor=actor, **form.place())
        except YoyakError as error:
            form.add_error("name", ValidationError(explain(error)))
        else:
            messages.success(request, _("템플릿을 만들었습니다."))
            return see_other("summary_templates:edit", made.pk)
    return _form_page(request, form, organization, None)


@require_http_methods(_FORM_METHODS)
def edit(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Show a template to those who may change it; keep what comes back as a new version."""
    actor = person(request)
    template = access_own_template(actor, template_id)
    form = _form(request, template.organization, template)
    if request.method == "POST" and form.is_valid():
        try:
            change_template(template=template, spec=form.spec(), actor=actor, **form.place())
        except YoyakError as error:
            form.add_error("name", ValidationError(explain(error)))
        else:
            messages.success(request, _("템플릿을 저장했습니다."))
            return see_other("summary_templates:edit", template.pk)
    return _form_page(request, form, template.organization, template)


def _form(request: HttpRequest, organization: Organization, template: SummaryTemplate | None = None) -> TemplateForm:
    return TemplateForm(
        request.POST or None,
        spec=_spec(template) if template else TemplateSpec(),
        teams=teams_of(organization),
        name=template.name if template else "",
        team=template.team if template else None,
        follows=bool(settings.ENV.llm_base_url),
    )


def _form_page(
    request: HttpRequest, form: TemplateForm, organization: Organization, template: SummaryTemplate | None
) -> HttpResponse:
    calls = calls_to_try(person(request), organization)
    context = {
        "form": form,
        "template": template,
        "versions": versions_of(template) if template else [],
        "calls": calls,
        "titles": titles_by_call(call.pk for call in calls),
        "own_model": not settings.ENV.llm_base_url,
    }
    return render(request, "summary_templates/edit.html", context, status=422 if form.errors else 200)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Try what stands in the form, saved or not, on a call; a form with faults comes back as it was sent."""
    actor = person(request)
    call = access_call(actor, _uuid(request.POST.get("call", "")))
    if not edits_templates(actor, call.organization_id):
        raise Http404("no administrator")
    changed = request.POST.get("template", "")
    template = access_own_template(actor, _uuid(changed)) if changed else None
    form = _form(request, call.organization, template)
    if not form.is_valid():
        return _form_page(request, form, call.organization, template)
    made = request_preview(call=call, name=form.cleaned_data["name"], spec=form.spec(), actor=actor)
    return see_other("summary_templates:show_preview", made.pk)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Http404("no such thing") from None


@require_safe
def show_preview(request: HttpRequest, preview_id: uuid.UUID) -> HttpResponse:
    """Show how a template does on a call; asked again by itself until a worker has answered."""
    actor = person(request)
    tried = access_preview(actor, preview_id)
    waiting = tried.state == TemplatePreview.State.WAITING
    ring_if_lost(preview=tried)
    context = {"preview": tried, "waiting": waiting, **_answer(request, tried)}
    if not request.headers.get("HX-Request"):
        return render(request, "summary_templates/preview.html", context)
    response = render(request, "summary_templates/preview_body.html", context)
    return response if waiting else HttpResponseStopPolling(response.content)


def _answer(request: HttpRequest, tried: TemplatePreview) -> dict[str, Any]:
    if tried.state != TemplatePreview.State.DONE:
        return {"reason": describe(tried.reason, tried.reason_values)}
    segments = access_segments(person(request), tried.call)
    spec = TemplateSpec.model_validate(tried.content)
    filled = [FilledField.model_validate(field) for field in tried.result["template"]["fields"]]
    view = view_of(tried.result["summary"], segments, spec, filled, timezone.localdate(tried.call.happened_at))
    asked_in_vain = spec.asks_model and not settings.ENV.llm_base_url
    return {
        "reading": view.reading,
        "sections": view.sections,
        "fields": view.fields,
        "asked_in_vain": asked_in_vain,
        "call": tried.call,
    }


@require_safe
def show_version(request: HttpRequest, template_id: uuid.UUID, number: int) -> HttpResponse:
    """Show what a version asks, and what it changed against ``?from=``, by default the one before it."""
    template = access_own_template(person(request), template_id)
    versions = versions_of(template)
    version = _version(versions, number)
    before = _version(versions, int(wanted)) if (wanted := request.GET.get("from", "")).isdecimal() else None
    before = before or next((each for each in versions if each.number < number), version)
    parts = spec_changes(TemplateSpec.model_validate(before.content), TemplateSpec.model_validate(version.content))
    context = {
        "template": template,
        "versions": versions,
        "version": version,
        "before": before,
        "parts": parts,
        "changed": any(part.changed for part in parts),
    }
    return render(request, "summary_templates/version.html", context)


@require_POST
def restore(request: HttpRequest, template_id: uuid.UUID, number: int) -> HttpResponse:
    """Make what an earlier version asked the newest version."""
    actor = person(request)
    template = access_own_template(actor, template_id)
    version = _version(versions_of(template), number)
    spec = TemplateSpec.model_validate(version.content)
    change_template(template=template, name=template.name, team=template.team, spec=spec, actor=actor)
    messages.success(request, _("버전 %(n)s의 내용으로 되돌렸습니다.") % {"n": number})
    return see_other("summary_templates:edit", template.pk)


def _version(versions: list[TemplateVersion], number: int) -> TemplateVersion:
    for version in versions:
        if version.number == number:
            return version
    raise Http404("no such version")


@require_POST
def default(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Make a template the default, or with ``on=0`` no longer."""
    actor = person(request)
    template = access_own_template(actor, template_id)
    on = request.POST.get("on", "1") == "1"
    set_default(template=template, on=on, actor=actor)
    said = _("이제 기본 템플릿: “%(name)s”") if on else _("“%(name)s”: 이제 기본 템플릿이 아닙니다.")
    messages.success(request, said % {"name": template.name})
    return see_other("summary_templates:list")


@require_POST
def retire(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Take a template out of use."""
    actor = person(request)
    template = access_own_template(actor, template_id)
    name = template.name
    retire_template(template=template, actor=actor)
    messages.success(request, _("“%(name)s” 템플릿을 치웠습니다.") % {"name": name})
    return see_other("summary_templates:list")


@require_POST
@refusals_as_messages("calls:list")
def summarize_call(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """Summarize a call again with the template that the form names."""
    actor = person(request)
    call: Call = access_call(actor, call_id)
    summarize_with(call=call, template=_named(request), actor=actor)
    return see_other("calls:page", call.pk)


def _named(request: HttpRequest) -> SummaryTemplate | None:
    """Return the template of the form, None when the organization's default is asked for."""
    text = request.POST.get("template", "")
    return access_template(person(request), _uuid(text)) if text else None
