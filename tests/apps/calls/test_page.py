"""What the call page and the list are drawn from: waveform, names of the channels, rows that move, rights read once."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.calls.models import Call
from apps.calls.waveform import LANE_HEIGHT, MAX_BARS, draw
from apps.core.context import person
from apps.jobs.requests import request_processing
from apps.transcripts.corrections import name_parties, swap_parties
from apps.transcripts.selectors import parties_swapped
from tests.calls import finished_call
from tests.people import TwoHouses


def _bars(path: str) -> list[tuple[float, float]]:
    """Return the top and bottom of each bar."""
    return [(float(bar.split()[1].split("V")[0]), float(bar.split("V")[1])) for bar in path.split("M")[1:]]


def test_no_peaks_make_no_waveform() -> None:
    assert draw([], party_each=True) is None
    assert draw([[], []], party_each=True) is None


def test_each_channel_is_a_lane_of_its_party() -> None:
    drawn = draw([[0.5, 0.25], [0.0, 1.0]], party_each=True)
    assert drawn is not None and (drawn.width, drawn.height) == (2, 2 * LANE_HEIGHT)
    assert [lane.party for lane in drawn.lanes] == ["A", "B"]
    upper, lower = (_bars(lane.path) for lane in drawn.lanes)
    assert all(bottom <= LANE_HEIGHT for _, bottom in upper) and all(top >= LANE_HEIGHT for top, _ in lower)
    heights = [bottom - top for top, bottom in upper + lower]
    assert heights[3] > heights[0] > heights[1] > heights[2] >= 2, "the loudest fills its lane, silence still shows"


def test_swapped_parties_swap_their_lanes() -> None:
    drawn = draw([[0.5], [0.1]], party_each=True, swapped=True)
    assert drawn is not None and [lane.party for lane in drawn.lanes] == ["B", "A"]


def test_one_lane_for_all_holds_the_loudest_and_long_calls_are_thinned() -> None:
    drawn = draw([[0.1] * 5000, [0.9] * 5000], party_each=False)
    assert drawn is not None and drawn.width == MAX_BARS
    (lane,) = drawn.lanes
    assert lane.party == "" and len(set(_bars(lane.path))) == 1
    silent = draw([[0.0, 0.0]], party_each=True)
    assert silent is not None and len(_bars(silent.lanes[0].path)) == 2


def test_parties_are_swapped_by_every_second_swap(houses: TwoHouses) -> None:
    call = finished_call(houses.ours)
    for swapped in (True, False, True):
        swap_parties(call=call, actor=houses.ours.agent)
        assert parties_swapped(call) is swapped


@pytest.fixture
def call(houses: TwoHouses, client: Client) -> Call:
    client.force_login(houses.ours.agent)
    return finished_call(houses.ours)


def test_a_row_that_moves_keeps_its_hits(houses: TwoHouses, client: Client, call: Call) -> None:
    request_processing(call=call, actor=houses.ours.agent)
    page = client.get("/calls/", {"q": "가람통신"}).content.decode()
    assert "<mark>" in page and "live/?q=%EA%B0%80%EB%9E%8C%ED%86%B5%EC%8B%A0&amp;id=" in page
    polled = client.get("/calls/live/", {"q": "가람통신", "id": str(call.pk)}).content.decode()
    assert "<mark>가람통신</mark>" in polled and "q=%EA%B0%80" in polled
    assert "<mark>" not in client.get("/calls/live/", {"id": str(call.pk)}).content.decode()


def test_the_player_calls_the_channels_by_the_names_people_gave(
    houses: TwoHouses, client: Client, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.calls.page.probe_facts", lambda _: {"tracks": ["a", "b"]})
    name_parties(call=call, names={"A": "김하늘 상담원", "B": ""}, actor=houses.ours.agent)
    player = client.get(f"/calls/{call.pk}/").content.decode().split('class="player-parties"')[1].split("</div>")[0]
    assert "김하늘 상담원" in player and "건 쪽" in player and "받은 쪽" not in player


def test_the_rights_are_read_once_for_a_page(
    houses: TwoHouses, rf: object, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = rf.get("/")  # type: ignore[attr-defined]
    request.user = houses.ours.admin
    with django_assert_num_queries(1):
        rights = person(request)["rights"]
        assert "calls" in rights and "set_up" in rights and "train" in rights


def test_pages_that_are_not_there_lead_home(houses: TwoHouses, client: Client) -> None:
    client.force_login(houses.ours.auditor)
    answer = client.get("/calls/")
    assert answer.status_code == 404 and 'class="button" href="/"' in answer.content.decode()
    assert client.get("/", follow=True).status_code == 200
