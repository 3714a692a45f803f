"""Tags from the list and the call page; searches kept from the list."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.selectors import access_organization
from apps.calls.forms import FilterForm
from apps.calls.selectors import access_call
from apps.core.feedback import back, refusals_as_messages
from apps.core.people import person
from apps.jobs.forms import BatchForm
from apps.sorting.selectors import access_own_search, searches_with_counts
from apps.sorting.services import add_tag, forget_search, remove_tag, save_search


@require_POST
@refusals_as_messages("calls:list")
def tag_many(request: HttpRequest) -> HttpResponse:
    """Put a tag on the chosen calls, or with ``do=remove`` take it off."""
    actor = person(request)
    calls, name = BatchForm(request.POST, actor=actor).chosen(), request.POST.get("tag", "")
    if request.POST.get("do") == "remove":
        n = remove_tag(calls=calls, name=name, actor=actor)
        said = ngettext("%(n)s건에서 태그를 뗐습니다.", "%(n)s건에서 태그를 뗐습니다.", n)
    else:
        add_tag(calls=calls, name=name, actor=actor)
        n = len(calls)
        said = ngettext("%(n)s건에 태그를 달았습니다.", "%(n)s건에 태그를 달았습니다.", n)
    messages.success(request, said % {"n": n})
    return back(request, "calls:list")


@require_POST
@refusals_as_messages("calls:list")
def tag_call(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """Put a tag on one call, or with ``do=remove`` take it off."""
    actor = person(request)
    call = access_call(actor, call_id)
    change = remove_tag if request.POST.get("do") == "remove" else add_tag
    change(calls=[call], name=request.POST.get("tag", ""), actor=actor)
    return back(request, call.get_absolute_url())


@require_safe
def searches(request: HttpRequest) -> HttpResponse:
    """Return the saved searches with their counts, for the list to load after itself."""
    return render(request, "sorting/searches.html", {"found": searches_with_counts(person(request))})


@require_POST
@refusals_as_messages("calls:list")
def save(request: HttpRequest) -> HttpResponse:
    """Keep the filter of the list under a name."""
    actor = person(request)
    form = FilterForm(QueryDict(request.POST.get("query", "")))
    query = form.query() if form.wanted().narrows else ""
    search = save_search(
        organization=access_organization(actor),
        name=request.POST.get("name", ""),
        query=query,
        shared=request.POST.get("shared") == "1",
        actor=actor,
    )
    messages.success(request, _("“%(name)s” 찾기를 저장했습니다.") % {"name": search.name})
    return back(request, "calls:list")


@require_POST
def forget(request: HttpRequest, search_id: uuid.UUID) -> HttpResponse:
    """Remove a saved search of one's own."""
    actor = person(request)
    forget_search(search=access_own_search(actor, search_id), actor=actor)
    return back(request, "calls:list")
