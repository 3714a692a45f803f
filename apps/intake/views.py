"""Import a folder with a table of its calls, for administrators: the table first, then the files, then the whole."""

import uuid
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseStopPolling

from apps.core.errors import YoyakError
from apps.core.feedback import explain, refusals_as_messages, see_other
from apps.core.paging import page_of
from apps.core.people import person
from apps.intake.columns import COLUMNS
from apps.intake.forms import RecordingsForm, TableForm
from apps.intake.imports import (
    MAX_OPEN,
    BadTable,
    add_file,
    begin_import,
    drop_import,
    missing_files,
    start_import,
    wanted_files,
)
from apps.intake.models import ImportRun
from apps.intake.reports import complaints_of, report_of
from apps.intake.selectors import access_import, access_importing, access_imports

_SHOWN_FILES = 200


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """Show the imports, and begin one with a table; one with a row that cannot be used is refused, each row named."""
    actor = person(request)
    house = access_importing(actor)
    form = TableForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form, "columns": COLUMNS, "max_open": MAX_OPEN}
    if request.method == "POST" and form.is_valid():
        try:
            name = form.cleaned_data["table"].name
            run = begin_import(organization=house, actor=actor, name=name, table=form.content())
        except BadTable as error:
            context["complaints"] = complaints_of(error)
        except YoyakError as error:
            form.add_error("table", explain(error))
        else:
            return see_other("intake:page", run.pk)
    context["page"] = page_of(request, access_imports(actor))
    refused = bool(form.errors) or "complaints" in context
    return render(request, "intake/list.html", context, status=422 if refused else 200)


@require_safe
def show(request: HttpRequest, import_id: uuid.UUID) -> HttpResponse:
    """Show one import: which files it waits for, how it goes, what became of it; while it runs it asks again."""
    run = access_import(person(request), import_id)
    context = {"run": run, **_files(run), "report": report_of(run), "limit_mb": settings.ENV.max_upload_mb}
    if not request.headers.get("HX-Request"):
        return render(request, "intake/page.html", context)
    response = render(request, "intake/body.html", context)
    return HttpResponseStopPolling(response.content) if run.is_final else response


def _files(run: ImportRun) -> dict[str, Any]:
    if run.state != ImportRun.State.GATHERING:
        return {}
    wanted, missing = wanted_files(run), missing_files(run)
    return {"wanted": len(wanted), "missing": missing, "shown": missing[:_SHOWN_FILES]}


@csrf_exempt
@require_http_methods(["POST", "PUT"])
def take_files(request: HttpRequest, import_id: uuid.UUID) -> HttpResponse:
    """Take in files of the folder: PUT one of the name ``?name=``, POST those of a form by their plain names."""
    run = access_import(person(request), import_id)
    limit_mb, size = settings.ENV.max_upload_mb, request.META.get("CONTENT_LENGTH") or "0"
    if not size.isdigit() or int(size) > (limit_mb + 1) * 2**20:
        return JsonResponse({"reason": explain(YoyakError("too_large", size_mb=">", limit_mb=limit_mb))}, status=413)
    return _put(request, run, int(size)) if request.method == "PUT" else _post(request, run)


@csrf_protect
def _put(request: HttpRequest, run: ImportRun, size_bytes: int) -> HttpResponse:
    try:
        add_file(run=run, name=request.GET.get("name", ""), content=request, size_bytes=size_bytes)
    except YoyakError as error:
        return JsonResponse({"reason": explain(error)}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return JsonResponse({"missing": len(missing_files(run))}, status=HTTPStatus.CREATED)


@csrf_protect
def _post(request: HttpRequest, run: ImportRun) -> HttpResponse:
    form = RecordingsForm(request.POST, request.FILES)
    for file in form.cleaned_data["files"] if form.is_valid() else ():
        try:
            add_file(run=run, name=file.name or "", content=file, size_bytes=file.size or 0)
        except YoyakError as error:
            messages.warning(request, explain(error))
    return see_other("intake:page", run.pk)


@require_POST
def start(request: HttpRequest, import_id: uuid.UUID) -> HttpResponse:
    """Let a worker check everything and import it."""
    actor = person(request)
    run = access_import(actor, import_id)
    start_import(run=run, actor=actor)
    return see_other("intake:page", run.pk)


@require_POST
@refusals_as_messages("intake:list")
def drop(request: HttpRequest, import_id: uuid.UUID) -> HttpResponse:
    """Forget an import; calls that it became stay."""
    actor = person(request)
    drop_import(run=access_import(actor, import_id), actor=actor)
    messages.success(request, _("가져오기를 지웠습니다."))
    return see_other("intake:list")
