"""The home page and the cost ledger. What they tell is read in the selectors; here it becomes charts."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.roles import CALL_RIGHTS
from apps.accounts.selectors import access_organization, rights_of
from apps.actions.selectors import count_actions
from apps.core.people import person
from apps.core.templatetags.yoyak import day as day_in_words
from apps.core.views import first_page
from apps.insights.charts import columns, parts, rows
from apps.insights.ledger import MAX_CALLS, access_ledger, ledger_lines
from apps.insights.selectors import PERIODS, Overview, overview, period_of
from apps.insights.services import record_ledger_export
from apps.jobs.models import Job
from apps.jobs.progress import STAGES, STATES
from apps.summaries.labels import CATEGORIES, OUTCOMES, SENTIMENTS


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what matters of the calls the person may see, over 7, 30 or 90 days; lead others to where they work."""
    actor, period = person(request), period_of(request.GET.get("days", ""))
    if not rights_of(actor) & CALL_RIGHTS:
        return redirect(first_page(actor))
    found = overview(actor, period)
    context = {
        "found": found,
        "period": period,
        "periods": PERIODS,
        "actions": count_actions(actor),
        "waiting": sum(queue.waiting + queue.running for queue in found.queues),
        "mean_s": found.length_s / found.measured if found.measured else None,
        **_charts(found),
    }
    return render(request, "insights/home.html", context)


def _charts(found: Overview) -> dict[str, Any]:
    facets, talk = found.facets, found.talk
    spoken = [
        ("a", _("받은 쪽"), talk.a_s - talk.overlap_s),
        ("b", _("건 쪽"), talk.others_s - talk.overlap_s),
        ("overlap", _("겹쳐 말함"), talk.overlap_s),
        ("silence", _("침묵"), talk.silence_s),
    ]
    return {
        "volumes": columns([(day_in_words(day), count) for day, count in found.days]),
        "categories": rows([(name, str(CATEGORIES[name]), n) for name, n in facets["category"].items()]),
        "outcomes": rows([(name, str(OUTCOMES[name]), n) for name, n in facets["outcome"].items()]),
        "sentiments": parts([(name, str(label), facets["sentiment"][name]) for name, label in SENTIMENTS.items()]),
        "talks": parts([(name, label, max(0.0, seconds)) for name, label, seconds in spoken]),
        "ended": [(state, STATES[state], found.ended.get(state, 0)) for state in Job.FINAL],
    }


@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """Show what the calls cost on our own machines, and what a foreign API would have asked."""
    period = period_of(request.GET.get("days", ""))
    costs = access_ledger(person(request), period)
    own, foreign = costs.per_call(costs.total.own_krw), costs.per_call(costs.summaries.foreign_krw)
    context = {
        "costs": costs,
        "period": period,
        "periods": PERIODS,
        "own_a_call": own,
        "model_a_call": costs.per_call(costs.summaries.own_krw),
        "foreign_a_call": foreign,
        "own_a_thousand": own * 1000,
        "model_a_thousand": costs.per_call(costs.summaries.own_krw) * 1000,
        "foreign_a_thousand": foreign * 1000,
        "stages": [(STAGES[stage], work) for stage, work in costs.stages.items()],
        "assumptions": _assumptions(),
        "max_calls": MAX_CALLS,
    }
    return render(request, "insights/ledger.html", context)


def _assumptions() -> list[tuple[str, str, float]]:
    """Return what the ledger counts with: in words, the setting, the price in won."""
    env = settings.ENV
    return [
        (_("우리 기계: 프로세서 코어 1개, 1시간"), "YOYAK_PRICE_CPU_HOUR_KRW", env.price_cpu_hour_krw),
        (_("우리 기계: GPU 1개, 1시간"), "YOYAK_PRICE_GPU_HOUR_KRW", env.price_gpu_hour_krw),
        (_("외부 API: 입력 토큰 100만 개"), "YOYAK_PRICE_FOREIGN_INPUT_KRW", env.price_foreign_input_krw),
        (_("외부 API: 출력 토큰 100만 개"), "YOYAK_PRICE_FOREIGN_OUTPUT_KRW", env.price_foreign_output_krw),
    ]


@require_safe
def ledger_csv(request: HttpRequest) -> HttpResponse:
    """Send the ledger call by call as CSV."""
    actor, period = person(request), period_of(request.GET.get("days", ""))
    record_ledger_export(actor=actor, organization_id=access_organization(actor).pk)
    name = f"ledger-{period.days}d.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    lines = ledger_lines(actor, period)
    return HttpResponse("".join(lines), content_type="text/csv; charset=utf-8", headers=headers)
