"""The day's work in Chromium against a test server: many files at once, a large one that breaks off, an import, a
template that is tried and saved, a batch that is paused and mended. No worker runs.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, Route, expect

from apps.jobs import batches, leases
from apps.summaries.services import approve_summary
from apps.summary_templates.services import add_template
from apps.training.services import request_retraining
from model_core.registry.store import open_registry
from tests.browser.signed_in import signed_in
from tests.calls import finished_call
from tests.people import House, make_two_houses
from workers.contracts.template import TemplateSpec

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LARGE_BYTES = 9 * 2**20


@pytest.fixture
def house() -> House:
    return make_two_houses().ours


def test_several_files_are_dropped_at_once(live_server: Any, house: House) -> None:
    with signed_in(live_server.url, house.agent) as page:
        page.goto(f"{live_server.url}/calls/")
        files = page.evaluate_handle(
            "() => { const held = new DataTransfer();"
            " for (const name of ['하나.wav', '둘.wav', '셋.wav']) held.items.add(new File([name], name));"
            " held.items.add(new File([], '빈 파일.wav')); return held; }"
        )
        page.dispatch_event("body", "dragenter", {"dataTransfer": files})
        expect(page.locator(".drop.over")).to_be_visible()
        page.dispatch_event("body", "drop", {"dataTransfer": files})
        expect(page.locator(".upload[data-status=added]")).to_have_count(3)
        expect(page.locator(".upload[data-status=refused]")).to_contain_text("파일이 비어 있습니다.")
        expect(page.locator(".call")).to_have_count(3)
        expect(page.locator(".drop.over")).to_have_count(0)


def _pick_it_again_after_a_reload(page: Page, recording: Path) -> None:
    page.reload()
    page.locator("#id_files").set_input_files(recording)


def _click_to_try_again(page: Page, _: Path) -> None:
    page.get_by_role("button", name="다시 시도").click()
    expect(page.locator(".upload")).to_have_count(1)


@pytest.mark.parametrize("go_on", [_pick_it_again_after_a_reload, _click_to_try_again])
def test_a_large_file_goes_on_where_it_broke(
    live_server: Any, house: House, tmp_path: Path, go_on: Callable[[Page, Path], None]
) -> None:
    recording, begun, offsets = tmp_path / "긴 통화.wav", [], []
    recording.write_bytes(os.urandom(LARGE_BYTES))
    broken = True

    def part(route: Route) -> None:
        offsets.append(int(route.request.url.rpartition("=")[2]))
        if broken and offsets[-1]:
            route.abort()
        else:
            route.continue_()

    with signed_in(live_server.url, house.agent, expected=("Failed to load resource",)) as page:
        page.route("**/uploads/*/?offset=*", part)
        page.on("request", lambda request: begun.append(request.url) if request.url.endswith("/uploads/") else None)
        page.goto(f"{live_server.url}/calls/")
        page.locator("#id_files").set_input_files(recording)
        expect(page.get_by_role("button", name="다시 시도")).to_be_visible()
        broken, before = False, len(offsets)
        go_on(page, recording)
        expect(page.locator(".upload[data-status=added]")).to_contain_text(recording.name)
        expect(page.get_by_role("button", name="다시 시도")).to_have_count(0)
        expect(page.locator(".call")).to_have_count(1)
        assert offsets[before] == offsets[1] > 0, "the parts that came are not sent again"
        assert len(begun) == 1
        assert page.evaluate("localStorage.getItem('yoyak:unfinished-uploads')") == "{}"


def test_a_folder_is_imported(live_server: Any, house: House, tmp_path: Path) -> None:
    folder, table = tmp_path / "녹음", tmp_path / "표.csv"
    folder.mkdir()
    for name in ("가.wav", "나.wav", "남는 것.wav"):
        (folder / name).write_bytes(name.encode())
    table.write_text("file\n가.wav\n나.wav\n")
    with signed_in(live_server.url, house.admin) as page:
        page.goto(f"{live_server.url}/imports/")
        page.locator("input[type=file]").set_input_files(table)
        page.get_by_role("button", name="표 올리기").click()
        expect(page.locator("[data-missing-count]")).to_contain_text("2개를 기다립니다")
        page.locator("#id_files").set_input_files(folder)
        page.get_by_role("button", name="파일 올리기").click()
        expect(page.locator("[data-missing-count]")).to_contain_text("0개를 기다립니다")
        page.get_by_role("button", name="확인하고 가져오기").click()
        expect(page.locator(".batch-share, .running-main")).to_be_visible()


def test_a_template_is_tried_in_a_new_window_and_then_saved(live_server: Any, house: House) -> None:
    finished_call(house)
    spec = TemplateSpec(sections=("one_line",))
    template = add_template(organization=house.organization, name="짧게", spec=spec, actor=house.admin)
    with signed_in(live_server.url, house.admin) as page:
        page.goto(f"{live_server.url}/templates/{template.pk}/")
        page.locator("#id_name").fill("더 짧게")
        with page.expect_popup() as opened:
            page.get_by_role("button", name="새 창에서 미리 보기").click()
        expect(opened.value.get_by_role("heading", level=1)).to_have_text("미리 보기: 더 짧게")
        opened.value.close()
        page.get_by_role("button", name="저장").click()
        expect(page.locator(".message.success")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text("더 짧게")


def test_what_is_open_stays_open_while_a_run_goes_on(live_server: Any, house: House) -> None:
    approve_summary(summary=finished_call(house).summaries.get(), actor=house.reviewer)
    request = request_retraining(actor=house.admin, organization=house.organization)
    registry = open_registry(settings.ENV.registry_url)
    registry.start_run(request.run_id, 0)
    for step in (10, 20):
        registry.log_metrics(request.run_id, step, {"summary_loss": 1.0})
    with signed_in(live_server.url, house.admin) as page:
        page.goto(f"{live_server.url}/training/{request.pk}/")
        page.get_by_text("표로 보기").click()
        for _ in ("replaced", "replaced again"):
            page.wait_for_event("response", lambda answer: "/progress/" in answer.url)
        expect(page.get_by_role("table")).to_be_visible()


def test_a_batch_is_paused_and_its_failed_calls_tried_again(live_server: Any, house: House) -> None:
    calls = [finished_call(house, title=f"통화 {n}") for n in range(2)]
    batch = batches.start_batch(name="다시", calls=calls, actor=house.admin, organization_id=house.organization.pk)
    lease = leases.claim(batch.jobs.order_by("pk")[0].pk)
    assert lease is not None
    leases.fail(lease, "llm_unavailable", {})
    with signed_in(live_server.url, house.admin) as page:
        page.goto(f"{live_server.url}/batches/{batch.pk}/")
        expect(page.locator("#account")).to_contain_text("실패 1")
        page.get_by_role("button", name="잠시 멈춤").focus()
        for _ in ("replaced", "replaced again"):
            page.wait_for_event("response", lambda answer: "/progress/" in answer.url)
        expect(page.get_by_role("button", name="잠시 멈춤")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".chip.warn")).to_have_text("멈춰 있음")
        page.get_by_role("button", name="이어서 하기").click()
        expect(page.locator(".chip.warn")).to_have_count(0)
        page.get_by_role("button", name="실패한 통화 다시").click()
        expect(page.locator(".state.queued")).to_have_count(2)
        expect(page.locator("#account")).not_to_contain_text("실패 1")
