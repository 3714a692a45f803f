"""What the calls' page speaks to when it sends a large file in parts."""

from typing import Any

from django.test import Client

from apps.calls.models import Call, Recording
from apps.uploads.models import Upload
from tests.people import TwoHouses

CONTENT = b"\1" * 5000


def _begin(client: Client, **fields: Any) -> Any:
    return client.post("/uploads/", {"file_name": "통화.wav", "size_bytes": len(CONTENT), **fields})


def _put(client: Client, url: str, offset: object, part: bytes) -> Any:
    return client.put(f"{url}?offset={offset}", part, content_type="application/octet-stream")


def test_a_file_in_parts(houses: TwoHouses, client: Client) -> None:
    client.force_login(houses.ours.agent)
    begun = _begin(client, codec="mulaw", rate_hz="8000").json()
    url = begun["url"]
    assert _put(client, url, 0, CONTENT[:2000]).json() == {"offset": 2000}
    lost = _put(client, url, 0, CONTENT[:2000])
    assert (lost.status_code, lost.json()["offset"]) == (409, 2000)
    assert client.get(url).json() == {"offset": 2000}
    assert client.post(f"{url}finish/").status_code == 422
    assert _put(client, url, 2000, CONTENT[2000:]).json() == {"offset": 5000}
    (result,) = client.post(f"{url}finish/").json()["results"]
    call = Call.objects.get()
    assert (result["status"], result["url"]) == ("added", f"/calls/{call.pk}/")
    assert Recording.objects.get().declared_codec == "mulaw"
    again = _begin(client).json()["url"]
    _put(client, again, 0, CONTENT)
    assert client.post(f"{again}finish/").json()["results"][0]["status"] == "duplicate"


def test_nonsense_has_an_answer(houses: TwoHouses, client: Client) -> None:
    client.force_login(houses.ours.agent)
    for fields in (
        {"size_bytes": "x"},
        {"size_bytes": "-1"},
        {"size_bytes": "0"},
        {"size_bytes": 2**40},
        {"codec": "z"},
    ):
        answer = _begin(client, **fields)
        assert (answer.status_code, answer.json()["results"][0]["status"]) == (422, "refused"), fields
    assert not Upload.objects.exists()
    url = _begin(client).json()["url"]
    for offset in ("", "x", "-1", "²", "9" * 30):
        assert _put(client, url, offset, b"x").status_code == 409, offset


def test_a_form_of_another_site_is_refused(houses: TwoHouses) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(houses.ours.agent)
    assert _begin(client).status_code == 403
