"""The files that the API gives. Their content is tested in `tests/apps/calls/test_exports.py`."""

import io
import json
import zipfile

from apps.accounts.models import AccessLog
from tests.apps.api.asking import BASE, Program
from tests.people import TwoHouses


def test_a_call_a_table_and_a_batch(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    call_id = program.add_call("문의")
    text = program.ask("GET", f"/calls/{call_id}/export")
    assert (text.status_code, text["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert "B: 신용 카드 환불이 안 됐어요" in text.content.decode()
    assert program.ask("GET", f"/calls/{call_id}/export?format=exe").status_code == 422
    untimed = program.ask("GET", f"/calls/{call_id}/export?format=srt")
    assert (untimed.status_code, json.loads(untimed.content)["code"]) == (422, "no_times")
    headers = {"authorization": f"Bearer {program.token}"}
    table = b"".join(program.client.get(f"{BASE}/calls/export?q=환불", headers=headers).streaming_content).decode()  # type: ignore[attr-defined]
    assert call_id in table
    for path in ("calls/export", "ledger/export"):
        assert ".csv" in program.client.get(f"{BASE}/{path}", headers=headers)["Content-Disposition"]
    log = Program(houses.ours.admin).ask("GET", "/access-log/export")
    assert log["Content-Disposition"] == 'attachment; filename="access-log.csv"'
    batch = json.loads(program.ask("POST", "/batches", {"name": "b", "calls": [call_id]}).content)["id"]
    answer = program.client.get(f"{BASE}/batches/{batch}/export", headers=headers)
    assert "b.zip" in answer["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert archive.namelist() == ["calls.csv", "0001 문의.txt", "0001 문의.json"]
    assert AccessLog.objects.filter(action="export_call").count() == 4
