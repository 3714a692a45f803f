"""What people and programs of the showroom did: inbox, tags, approvals, batches, templates, training, webhooks."""

import random
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from apps.actions.models import Action
from apps.actions.services import assign_action, finish_action, set_due
from apps.calls.models import Call
from apps.jobs import batches, leases, requests
from apps.jobs.models import Job
from apps.sorting.services import add_tag, save_search
from apps.summaries.services import approve_summary, correct_summary
from apps.summary_templates.services import add_template, set_default, summarize_with
from apps.training.services import request_retraining, use_checkpoint
from apps.transcripts.corrections import correct_line, name_parties
from apps.webhooks.deliveries import claim_due, record_attempt
from apps.webhooks.models import Kind
from apps.webhooks.services import add_endpoint
from model_core.registry.store import open_registry
from tests.browser.showroom.calls import advance, incoming
from tests.browser.showroom.company import House
from workers.contracts.template import CustomField, Limits, TemplateSpec
from workers.contracts.webhooks import Answer
from workers.pipeline import run_job

_TAGS = ("재문의", "불만", "VIP", "교육 사례", "환불 약속")
_HOOKS = (("https://crm.garam.example/hooks/yoyak", "CRM 연동"), ("https://alert.garam.example/in", "장애 알림"))


def connect(house: House) -> None:
    """Add webhooks, before there is anything to tell them."""
    for (url, description), kinds in zip(_HOOKS, (list(Kind), [Kind.CALL_FAILED]), strict=True):
        add_endpoint(organization=house.organization, actor=house.admin, url=url, description=description, kinds=kinds)


def deliver(house: House) -> None:
    """Answer what the webhooks were told, some of it badly; the second endpoint is down."""
    rng = random.Random(5)
    for _ in range(200):
        sending = claim_due()
        if sending is None:
            return
        down = "alert" in sending.url
        bad = Answer(None, "timeout", 10.0) if down else Answer(503, "status", 0.41)
        record_attempt(sending, bad if down or rng.random() < 0.15 else Answer(204, "", rng.uniform(0.05, 0.4)))


def fill_inbox(house: House, rng: random.Random) -> None:
    """Let people take, date and finish some of the action items."""

    people, today = list(house.people.values())[:4], timezone.localdate()
    for number, action in enumerate(Action.objects.filter(organization=house.organization).order_by("created_at")):
        if number % 3 == 0:
            assign_action(action=action, assignee=rng.choice(people), actor=house.admin)
        if number % 4 == 1:
            set_due(action=action, due_on=today + timedelta(days=rng.randrange(-2, 9)), actor=house.admin)
        if number % 5 == 2:
            finish_action(action=action, actor=rng.choice(people))


def sort_calls(house: House, calls: Sequence[Call], rng: random.Random) -> None:
    """Tag calls and save searches."""
    for tag in _TAGS:
        add_tag(calls=rng.sample(calls, 5), name=tag, actor=house.admin)
    for name, query, shared in (("불만 통화", "sentiment=negative", True), ("환불 이야기", "q=환불", False)):
        save_search(organization=house.organization, name=name, query=query, shared=shared, actor=house.admin)


def review(house: House, calls: Sequence[Call]) -> None:
    """Approve summaries, correct some, correct a line, name a party."""
    for number, call in enumerate(calls[:-4]):
        if number % 3 == 0:
            continue
        summary = call.summaries.latest("version")
        if number % 7 == 1:
            content = summary.content | {"title": f"{summary.content['title']} (확인)"}
            summary = correct_summary(base=summary, content=content, actor=house.people["이수아"])
        approve_summary(summary=summary, actor=house.people["이수아"])
    line = calls[-6].segments.order_by("number")[3]
    correct_line(segment=line, before=line.text, after=f"{line.text} 네.", actor=house.people["김하늘"])
    name_parties(call=calls[-1], names={"A": "김하늘 상담원", "B": ""}, actor=house.people["김하늘"])


def begin_calls(house: House) -> None:
    """Leave one call waiting, one being transcribed, one being summarized, two failed and one cancelled."""

    now, owner = timezone.now(), house.people["김하늘"]

    def call(minutes: float, name: str) -> Job:
        made = incoming(house, owner, name, now - timedelta(minutes=minutes))
        return Job.objects.get(call=made)

    for name, code in (("팩스 잡음.wav", "no_audio_track"), ("해외 지사 통화.mp3", "unknown_language")):
        lease = leases.claim(call(90, name).pk)
        assert lease is not None
        leases.fail(lease, code, {})
    requests.cancel_job(job=call(60, "잘못 올린 파일.m4a"), actor=owner)
    for name, stage, share in (("고객 문의 0412.wav", "transcribe", 0.42), ("재방문 일정 확인.wav", "summarize", 0.6)):
        job = call(2, name)
        leases.claim(job.pk)
        later = now + timedelta(days=30)
        Job.objects.filter(pk=job.pk).update(stage=stage, progress=share, lease_expires_at=later)
    call(1, "보험 청구 서류 안내.wav")


def run_batches(house: House, calls: Sequence[Call]) -> None:
    """Run a batch to its end with one failure, and another halfway."""
    for name, chosen, done in (("9월 불만 통화 다시 요약", calls[:12], 12), ("신입 교육용", calls[12:26], 6)):
        batch = batches.start_batch(name=name, calls=chosen, actor=house.admin, organization_id=house.organization.pk)
        jobs = list(batch.jobs.order_by("created_at"))
        for number, job in enumerate(jobs[:done]):
            _again(job.pk, failing=number == 3)


def _again(job_id: uuid.UUID, *, failing: bool) -> None:
    if failing:
        lease = leases.claim(job_id)
        assert lease is not None
        leases.fail(lease, "llm_unavailable", {})
        return
    job = Job.objects.get(pk=job_id)
    kept = job.call.stage_results.filter(stage="summarize").latest("created_at").payload
    advance(job_id, "summarize", kept, 1.4)
    run_job(job_id, {"io"})


def make_templates(house: House, call: Call) -> None:
    """Make two templates, and a call that is summarized with one of them."""
    visits = TemplateSpec(
        fields=(
            CustomField(label="방문 주소", type="address", clues=("주소",)),
            CustomField(label="약속 일시", type="appointment"),
            CustomField(label="금액", type="money"),
        ),
        limits=Limits(topics=3, points=4),
    )
    brief = TemplateSpec(sections=("one_line", "kinds", "actions"), limits=Limits(actions=5))
    template = add_template(organization=house.organization, name="방문 접수", spec=visits, actor=house.admin)
    other = add_template(organization=house.organization, name="짧은 보고", spec=brief, actor=house.admin)
    set_default(template=other, on=True, actor=house.admin)
    set_default(template=other, on=False, actor=house.admin)
    summarize_with(call=call, template=template, actor=house.people["김하늘"])
    _again(Job.objects.filter(call=call).latest("created_at").pk, failing=False)


def train(house: House) -> None:
    """Leave a finished run whose checkpoint is in use, a failed one and one that runs."""

    registry, rng = open_registry(settings.ENV.registry_url), random.Random(6)
    for version, steps, end in (("summarizer-garam@1", 400, "done"), ("", 60, "failed"), ("", 150, "")):
        request = request_retraining(actor=house.admin, organization=house.organization)
        registry.start_run(request.run_id, 0)
        for step in range(10, steps + 1, 10):
            loss = 0.42 + 1.9 * 0.985**step + rng.uniform(-0.04, 0.04)
            registry.log_metrics(request.run_id, step, {"summary_loss": loss})
        if end:
            registry.finish_run(
                request.run_id, end, "" if end == "done" else "the processor ran out of memory at step 61"
            )
        if end == "done":
            made = registry.add_checkpoint(
                path="training/x",
                sha256="9b" * 32,
                version=version,
                format_version=1,
                step=steps,
                run_id=request.run_id,
            )
            use_checkpoint(actor=house.admin, checkpoint_id=made.id)
