"""Reading and checking call scripts: what the language means, and that every broken rule is reported at its line."""

from pathlib import Path

import pytest

from model_core.data.call import CATEGORIES
from model_core.data.simulator.__main__ import main
from model_core.data.simulator.banks import SCRIPTS_FOLDER, load_library
from model_core.data.simulator.check import check_file
from model_core.data.simulator.script import ScriptFile, parse_file, parse_text
from model_core.data.simulator.template import Choice, Particle, Slot, TemplateError, Text, parse, slots_always

GOOD = """# A comment.
## bank telecom formal
open: A: 네, {brand} 상담원 {agent}입니다. / B: 네 [안녕하세요|수고하십니다].
close: A: 감사합니다. / B: 네.
brand: 하늘통신 | 가온텔레콤

## telecom.bill_jump
title: 요금 과다 청구 문의 | 이번 달 {item} 문의
outcome: pending
sentiment: negative
style: formal
slot amount = money 60000 190000 100
slot day = date future
slot item = choice 로밍 요금 | 소액결제 | 부가서비스 이용료
B1: [저기요|저] 요금이 {amount}(이/가) 나왔는데 [이거 좀|왜 이렇게] 이상해서요.
A1: [네|예] 고객님, {item} 항목이 [새로|이번에] 청구되었습니다.
B2: 저는 {item}(을/를) 쓴 적이 없는데요?
A2?: [아|음] 그러셨군요.
B3: 그냥 내라는 건 아니죠?
A3: 그럼 {day}까지 [확인해서|알아보고] 차액을 환불해 드리겠습니다.
B4: 꼭 부탁드려요.
A4: 네, 알겠습니다.
one <B1 A3>: 요금 {amount} 청구를 문의했고 {day}까지 환불하기로 함
topic 요금 청구 | 청구 문의
- <B1>: 요금이 {amount} 청구됨
- <A1 B2>: {item} 항목이 청구됨 | {item}(을/를) 쓴 적이 없음
action 상담원 <A3> when {day}: 차액 환불 | 확인 후 차액 환불
decision <A3>: {day}까지 환불하기로 함
fact! amount
fact! day
fact item
fact! =환불
"""


def _check(text: str) -> list[str]:
    return [str(error) for error in check_file(parse_text(text, "telecom.call"))]


def test_a_good_script_has_no_violations_and_is_read_whole() -> None:
    assert _check(GOOD) == []
    file = parse_text(GOOD, "telecom.call")
    (script,) = file.scripts
    assert [turn.label for turn in script.turns] == ["B1", "A1", "B2", "A2", "B3", "A3", "B4", "A4"]
    assert [turn.label for turn in script.turns if turn.optional] == ["A2"]
    assert script.kind == "telecom" and script.split == "train" and len(script.titles) == 2
    assert script.topics[0].points[1].cites == ("A1", "B2")
    assert (script.actions[0].who, script.actions[0].when) == ("상담원", "day")
    assert [(fact.name, fact.required, fact.is_word) for fact in script.facts][2:] == [
        ("item", False, False),
        ("환불", True, True),
    ]
    assert len(file.banks[0].opens[0]) == 2 and file.banks[0].brands == ("하늘통신", "가온텔레콤")


BROKEN = [
    ("slot amount = money 60000 190000 100", "slot amount = money 60000", "money takes LO HI STEP"),
    ("slot day = date future", "slot day = date someday", "date takes future or past or near"),
    ("slot day = date future", "slot day = weekday", "slot type 'weekday'"),
    ("B3: 그냥 내라는", "B3: {price} 그냥 내라는", "slot {price} is not defined"),
    ("slot day = date future", "slot day = date future\nslot spare = phone", "slot spare is said in no turn"),
    ("one <B1 A3>", "one <B1 A9>", "cited turn A9 does not exist"),
    ("one <B1 A3>", "one <B1 A2 A3>", "cited turn A2 is optional"),
    (
        "- <B1>: 요금이 {amount} 청구됨",
        "- <B2>: 요금이 {amount} 청구됨",
        "slot {amount} is not said (in every alternative) in B2",
    ),
    ("A3: 그럼 {day}까지", "A3: 그럼 [{day}까지|곧]", "slot {day} is not said (in every alternative) in A3"),
    ("B4: 꼭 부탁드려요.", "B4: 꼭 OK예요.", "not 'KO'"),
    ("B4: 꼭 부탁드려요.", "B4: 꼭 3일이에요.", "not '3'"),
    ("B4: 꼭", "B3: 꼭", "label B3 is used twice"),
    ("{item}(을/를) 쓴 적이 없는데요", "{item}(를/을) 쓴 적이 없는데요", "(를/을) is no particle"),
    ("나왔는데 [이거", "나왔는데(은/는) [이거", "does not follow a slot or an alternative"),
    ("B4: 꼭 부탁드려요.\n", "", "7 turns; 8 to 18 are wanted"),
    ("fact! amount\nfact! day\nfact item\nfact! =환불\n", "fact amount\nfact day\nfact item\n", "0 required facts"),
    ("fact! =환불", "fact! =보상", "fact word '보상' is in no turn"),
    ("fact! amount", "fact! price", "fact slot 'price' is not defined"),
    ("outcome: pending", "outcome: unknown", "outcome 'unknown' is none of"),
    ("style: formal", "style: familiar", "no '## bank telecom familiar'"),
    ("when {day}:", "when {item}:", "when slot {item} is not said in A3"),
    ("action 상담원", "action 점장", "WHO '점장' is neither"),
    ("B1: [저기요|저]", "B1: [저기요|저", "a '[' is not closed"),
    ("B4: 꼭 부탁드려요.", "B4: 꼭 | 부탁드려요.", "a '|' outside brackets"),
    ("decision <A3>:", "dicision <A3>:", "is no line of the script language"),
    ("## telecom.bill_jump", "## delivery.bill_jump", "kind 'delivery' is not the file's"),
    ("brand: 하늘통신 | 가온텔레콤\n", "", "{brand} is used, but there is no 'brand:' line"),
]


@pytest.mark.parametrize(("good", "broken", "message"), BROKEN, ids=[message for *_, message in BROKEN])
def test_every_broken_rule_is_reported_with_its_line(good: str, broken: str, message: str) -> None:
    assert GOOD.count(good) == 1
    errors = _check(GOOD.replace(good, broken))
    assert any(message in error for error in errors), errors
    assert all(error.startswith("telecom.call:") and error.split(":")[1].isdigit() for error in errors)


def test_the_line_of_an_unreadable_line_is_named() -> None:
    line = GOOD.splitlines().index("B4: 꼭 부탁드려요.") + 1
    errors = _check(GOOD.replace("B4: 꼭 부탁드려요.", "B4: 꼭 [부탁드려요."))
    assert f"telecom.call:{line}: a '[' is not closed" in errors


def test_templates() -> None:
    first, second = parse("[가|나[다|]] {x}(이/가) | 라")
    assert second == (Text("라"),)
    assert isinstance(first[0], Choice) and first[2] == Slot("x") and first[3] == Particle("이", "가")
    assert slots_always(parse("[{x} {y}|{x}] {z}")[0]) == {"x", "z"}


@pytest.mark.parametrize("source", ["가]", "[가", "{}", "{가 나}", "(이)", "가}"])
def test_malformed_templates_are_refused(source: str) -> None:
    with pytest.raises(TemplateError):
        parse(source)


def _files() -> list[ScriptFile]:
    return [parse_file(path) for path in sorted(SCRIPTS_FOLDER.glob("*.call"))]


def test_the_shipped_scripts_keep_every_rule() -> None:
    assert [str(error) for file in _files() for error in check_file(file)] == []


def test_the_shipped_scripts_are_many() -> None:
    scripts = load_library().scripts
    assert {script.kind for script in scripts} == set(CATEGORIES)
    assert sum(script.split == "train" for script in scripts) >= 300 - 40
    assert sum(script.split == "test" for script in scripts) >= 40
    assert len(scripts) >= 300


def test_the_command_line_checks_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "telecom.call"
    path.write_text(GOOD, encoding="utf-8")
    assert main(["check", str(path)]) == 0
    path.write_text(GOOD.replace("fact! day", "fact! date"), encoding="utf-8")
    assert main(["check", str(path)]) == 1
    assert "fact slot 'date' is not defined" in capsys.readouterr().out


def test_the_command_line_samples_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "--kind", "car", "--n", "2", "--seed", "3"]) == 0
    assert capsys.readouterr().out.count("=== train-3-") == 2
    assert main(["stats"]) == 0
    assert "telecom" in capsys.readouterr().out
