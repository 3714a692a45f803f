"""Simulated calls: the same for the same index, true to their lines, different from one another."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from model_core.data.call import CATEGORIES, SimulatedCall, plain
from model_core.data.korean.values import find_values
from model_core.data.simulator.banks import load_library
from model_core.data.simulator.check import ROLES
from model_core.data.simulator.confusions import Confusions, align, load_confusions, measure
from model_core.data.simulator.disfluency import Habits
from model_core.data.simulator.errors import DataError
from model_core.data.simulator.expand import CallSimulator, expand, load_scripts, speech_texts
from model_core.data.simulator.noise import corrupt, corrupt_call, corrupt_tracked
from model_core.data.simulator.substitute import nouns

CALLS = 160


def _texts(call: SimulatedCall) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each text of a summary with its evidence, () for titles, which may draw on the whole call."""
    summary = call.summary
    yield summary.title, ()
    for topic in summary.topics:
        yield topic.title, ()
    points = [point for topic in summary.topics for point in topic.points]
    for item in (summary.one_line, *points, *summary.decisions):
        yield item.text, item.evidence
    for action in summary.actions:
        yield action.what, action.evidence


def _values(call: SimulatedCall) -> Iterator[tuple[str, tuple[int, ...]]]:
    for text, evidence in _texts(call):
        for value in re.findall("<v>(.*?)</v>", text):
            yield value, evidence
    for action in call.summary.actions:
        if action.when is not None:
            yield action.when, action.evidence


def _assert_true_to_its_lines(call: SimulatedCall) -> None:
    everywhere = tuple(range(1, len(call.lines) + 1))
    for value, evidence in _values(call):
        cited = evidence or everywhere
        assert value and any(value in call.lines[number - 1].text for number in cited), (call.id, value, evidence)
    for text, evidence in _texts(call):
        assert plain(text).strip() == plain(text) != ""
        assert list(evidence) == sorted(set(evidence)) and set(evidence) <= set(everywhere)
    for action in call.summary.actions:
        said = any(action.who in line.text for line in call.lines)
        assert action.evidence and (action.who in ROLES or said)


@pytest.mark.parametrize("written_p", [0.0, 1.0])
@pytest.mark.parametrize("substitute_p", [0.0, 1.0])
def test_summaries_say_what_their_cited_lines_say(written_p: float, substitute_p: float) -> None:
    simulator = CallSimulator("train", 11, written_p=written_p, substitute_p=substitute_p)
    for index in range(CALLS):
        _assert_true_to_its_lines(simulator.call(index))


def test_summaries_of_the_test_split_too() -> None:
    simulator = CallSimulator("test", 1)
    for index in range(CALLS):
        _assert_true_to_its_lines(simulator.call(index))


@pytest.mark.parametrize("level", [0.02, 0.1, 0.3])
def test_corrupted_calls_stay_consistent(level: float) -> None:
    simulator, rng = CallSimulator("train", 12, substitute_p=0.5, written_p=0.3), random.Random(5)
    for index in range(CALLS):
        call = simulator.call(index)
        corrupted = corrupt_call(call, rng, level)
        _assert_true_to_its_lines(corrupted)
        assert corrupted.spoken == call.spoken
        assert [line.party for line in corrupted.lines] == [line.party for line in call.lines]
        assert all(set(new.forms) >= set(old.forms) for new, old in zip(corrupted.facts, call.facts, strict=True))


def test_a_call_is_the_same_whenever_it_is_asked_for() -> None:
    forward, backward = CallSimulator("train", 3, substitute_p=0.5), CallSimulator("train", 3, substitute_p=0.5)
    calls = [forward.call(index) for index in range(20)]
    assert [backward.call(index) for index in reversed(range(20))] == calls[::-1]
    assert CallSimulator("train", 4, substitute_p=0.5).call(0) != calls[0]


def test_no_two_calls_are_alike_and_kinds_are_even() -> None:
    simulator = CallSimulator("train", 0)
    calls = [simulator.call(index) for index in range(10 * len(CATEGORIES))]
    assert len({call.lines for call in calls}) == len(calls)
    assert Counter(call.category for call in calls) == dict.fromkeys(CATEGORIES, 10)
    assert 0.05 < sum(len(call.scripts) == 2 for call in calls) / len(calls) < 0.3


def test_splits_share_no_script() -> None:
    by_split = {}
    for split in ("train", "test"):
        simulator = CallSimulator(split, 0)
        by_split[split] = {name for index in range(400) for name in simulator.call(index).scripts}
    assert not by_split["train"] & by_split["test"]
    assert by_split["test"] == {script.id for script in load_scripts() if script.split == "test"}


def test_required_facts_are_in_the_lines() -> None:
    simulator = CallSimulator("test", 2)
    for index in range(CALLS):
        call = simulator.call(index)
        said = "\n".join(line.text for line in call.lines)
        for fact in call.facts:
            if fact.kind != "word":
                assert any(form in said for form in fact.forms), (call.id, fact)


def test_spoken_lines_hold_no_digits_and_written_ones_do() -> None:
    call = CallSimulator("train", 5, written_p=1.0).call(0)
    assert not any(char.isdigit() for line in call.spoken for char in line.text)
    assert any(char.isdigit() for line in call.lines for char in line.text)
    assert [line.party for line in call.spoken] == [line.party for line in call.lines]


def test_habits_happen_when_asked_for() -> None:
    script = next(script for script in load_scripts() if script.id == "car.battery_dead")
    always = Habits(filler=1, stutter=0, backchannel=1, correction=1, confirmation=1, broken=0, merged=0)
    never = Habits(filler=0, stutter=0, backchannel=0, correction=0, confirmation=0, broken=0, merged=0)
    busy = expand(script, random.Random(1), written_p=0, habits=always)
    calm = expand(script, random.Random(1), written_p=0, habits=never)
    assert len(busy.lines) > 1.5 * len(calm.lines)
    text = " ".join(line.text for line in busy.lines)
    assert re.search(r" (아니|아 아니|아니요|아니 아니|아 죄송합니다) ", text)
    assert re.search(r"맞으시죠|맞으십니까|하셨죠|맞으세요|말씀이시죠|이요\?|요\?", text)
    _assert_true_to_its_lines(busy)


def test_corrections_leave_the_settled_value_in_the_summary() -> None:
    script = next(script for script in load_scripts() if script.id == "car.battery_dead")
    habits = Habits(correction=1.0, confirmation=0, backchannel=0, broken=0)
    for seed in range(20):
        call = expand(script, random.Random(seed), written_p=0, habits=habits)
        fact = next(fact for fact in call.facts if fact.name == "eta")
        assert fact.forms[0] in plain(call.summary.one_line.text)


def test_a_split_without_scripts_is_refused() -> None:
    with pytest.raises(DataError, match="no-such-kind"):
        CallSimulator("train", 0, kinds=["no-such-kind"])


def test_nouns_come_from_training_scripts_and_hold_no_values() -> None:
    pool = nouns(load_library())
    assert len(pool) > 500
    assert not {"고객", "상담원", "문의"} & set(pool)
    assert not any(find_values(noun) for noun in pool)


def test_substitution_changes_words_in_lines_and_summary_alike() -> None:
    plain_calls, other_calls = CallSimulator("train", 6), CallSimulator("train", 6, substitute_p=1.0)
    changed = sum(plain_calls.call(index).summary.title != other_calls.call(index).summary.title for index in range(60))
    assert changed > 30
    assert all(plain_calls.call(index).scripts == other_calls.call(index).scripts for index in range(60))


@pytest.mark.parametrize("level", [0.02, 0.1, 0.2])
def test_the_level_is_the_syllable_error_rate(level: float) -> None:
    rng, simulator = random.Random(0), CallSimulator("train", 7)
    wrong = total = 0
    for index in range(60):
        for line in simulator.call(index).lines:
            said, heard = (re.sub("[ .,?]", "", text) for text in (line.text, corrupt(line.text, rng, level)))
            wrong += sum(one != other for one, other in align(said, heard))
            total += len(said)
    assert wrong / total == pytest.approx(level, rel=0.25)


def test_runs_of_corrupted_lines_are_tracked() -> None:
    rng = random.Random(3)
    line = "그럼 오후 세 시 반에 마포구 월드컵로 십이 길로 갈게요."
    for _ in range(200):
        corrupted = corrupt_tracked(line, rng, 0.2)
        start = line.index("오후")
        assert corrupted.run(start, start + 9) in corrupted.text
        assert corrupted.run(0, len(line)) in corrupted.text
    assert corrupt(line, rng, 0.0) == line


def test_confusions_are_measured_saved_and_drawn(tmp_path: Path) -> None:
    pairs = [("네 고객님 요금이요", "네 코객님 요금이요"), ("고객 센터입니다.", "코객센터입니다")] * 20 + [
        ("안내 드릴게요", "안내 드릴게")
    ] * 10
    confusions = measure(pairs)
    assert confusions.heard_as == {"고": {"코": 40}, "요": {"": 10}}
    assert (confusions.spaces, confusions.spaces_lost, confusions.spaces_added) == (70, 20, 0)
    assert confusions.weight("고") > confusions.weight("네")
    path = tmp_path / "confusions.json"
    confusions.save(path)
    assert load_confusions(path) == confusions
    rng = random.Random(0)
    heard = Counter(
        char for _ in range(300) for char in corrupt("고고고고고고고고", rng, 0.3, confusions) if char != "고"
    )
    assert heard.most_common(1)[0][0] == "코" and heard["코"] > 0.6 * heard.total()


def test_alignments_spell_both_texts() -> None:
    rng = random.Random(9)
    for line in islice(speech_texts(1), 60):
        heard = corrupt(line, rng, 0.2)
        pairs = align(line, heard)
        assert "".join(one for one, _ in pairs) == line
        assert "".join(other for _, other in pairs) == heard


def test_nothing_measured_changes_nothing() -> None:
    assert Confusions().weight("가") == 1.0
    assert Confusions().draw("가", random.Random(0)) is None


def test_speech_texts_are_spoken_korean_of_training_scripts() -> None:
    texts = list(islice(speech_texts(2), 400))
    assert list(islice(speech_texts(2), 400)) == texts
    assert len(set(texts)) > 250
    assert all(re.fullmatch(r"[가-힣 .,?]+", text) for text in texts)
    assert sum(bool(find_values(text)) for text in texts) > 100
