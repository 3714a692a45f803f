"""The rules of docs/simulator.md that hold between the lines of a call script.

Reads parsed scripts and reports every violation with file and line; it changes nothing and draws nothing.
"""

import re
from collections.abc import Iterable, Iterator

from model_core.data.call import CATEGORIES, OUTCOMES, SENTIMENTS
from model_core.data.korean.josa import is_pair
from model_core.data.simulator.errors import ScriptError
from model_core.data.simulator.script import STYLES, Bank, Reference, Script, ScriptFile
from model_core.data.simulator.template import (
    Choice,
    Particle,
    Slot,
    Template,
    Text,
    slots_always,
    slots_in,
    text_of,
    walk,
)

BANK_SLOTS = ("agent", "caller", "brand")
ROLES = ("상담원", "고객", "직원", "기사", "발신자", "수신자")
_FOREIGN = re.compile(r"[^가-힣 .,?]")
_DOUBLE_SPACE = re.compile(r" {2,}| [.,?]")
_TURNS, _TOPICS, _ACTIONS, _DECISIONS, _FACTS, _REQUIRED = (8, 18), (1, 3), (0, 3), (0, 2), (3, 7), (2, 5)


def check_file(file: ScriptFile) -> list[ScriptError]:
    """Return every violation of the script language in a file, in the order of its lines."""
    found = list(file.errors)
    stem = file.path.removesuffix(".call")
    styles = {style for bank in file.banks for style in ([bank.style] if bank.style else STYLES)}
    seen: set[str] = set()
    for script in file.scripts:
        found.extend(_check_script(script))
        found.extend(_error(script, script.line, problem) for problem in _place_problems(script, stem, styles, seen))
        seen.add(script.id)
    for bank in file.banks:
        found.extend(_check_bank(bank, stem))
    return sorted(found, key=lambda error: error.line)


def _error(owner: Script | Bank, line: int, message: str) -> ScriptError:
    return ScriptError(owner.path, line, f"{owner.id}: {message}" if isinstance(owner, Script) else message)


def _place_problems(script: Script, stem: str, styles: set[str], seen: set[str]) -> Iterator[str]:
    if script.kind != stem or script.kind not in CATEGORIES:
        yield f"kind {script.kind!r} is not the file's, or none of {' '.join(CATEGORIES)}"
    if script.id in seen:
        yield "the id is used twice"
    if script.style in STYLES and script.style not in styles:
        yield f"the file has no '## bank {stem} {script.style}' for a script of this style"


def _check_script(script: Script) -> Iterator[ScriptError]:
    for problem in _field_problems(script):
        yield _error(script, script.line, problem)
    yield from _check_slots(script)
    labels: set[str] = set()
    for turn in script.turns:
        if turn.label in labels:
            yield _error(script, turn.line, f"label {turn.label} is used twice")
        labels.add(turn.label)
        yield from _check_text(script, turn.line, turn.text, set(script.slots))
    for title in script.titles:
        yield from _check_wording(script, script.title_line, title, None)
    for reference in _references(script):
        yield from _check_reference(script, reference)
    yield from _check_topics(script)
    yield from _check_actions(script)
    yield from _check_facts(script)


def _field_problems(script: Script) -> Iterator[str]:
    for name, value, allowed in (
        ("outcome", script.outcome, OUTCOMES),
        ("sentiment", script.sentiment, SENTIMENTS),
        ("style", script.style, STYLES),
        ("split", script.split, ("train", "test")),
    ):
        if value not in allowed:
            yield f"{name} {value!r} is none of {' '.join(allowed)}"
    if not script.titles:
        yield "no title"
    if script.one is None:
        yield "no 'one' line"
    for name, count, (low, high) in (
        ("turns", len(script.turns), _TURNS),
        ("topics", len(script.topics), _TOPICS),
        ("actions", len(script.actions), _ACTIONS),
        ("decisions", len(script.decisions), _DECISIONS),
        ("facts", len(script.facts), _FACTS),
        ("required facts (fact!)", sum(fact.required for fact in script.facts), _REQUIRED),
    ):
        if not low <= count <= high:
            yield f"{count} {name}; {low} to {high} are wanted"


def said_always(script: Script, labels: Iterable[str] | None = None) -> set[str]:
    """Return the slots that these turns (None: all that are never left out) say in every expansion."""
    turns = [turn for turn in script.turns if (not turn.optional if labels is None else turn.label in set(labels))]
    return set().union(*(slots_always(turn.text) for turn in turns))


def _check_slots(script: Script) -> Iterator[ScriptError]:
    said = set().union(*(slots_in(turn.text) for turn in script.turns))
    for name, line in script.slot_lines.items():
        if name in BANK_SLOTS:
            yield _error(script, line, f"slot name {name} is kept for the banks")
        if name not in said:
            yield _error(script, line, f"slot {name} is said in no turn")
        slot = script.slots[name]
        if slot.kind == "choice":
            for word in slot.args:
                if _FOREIGN.search(word):
                    yield _error(script, line, f"{word!r} holds other characters than Hangul and blanks")


def _check_text(owner: Script | Bank, line: int, template: Template, known: set[str]) -> Iterator[ScriptError]:
    for name in sorted(slots_in(template) - known):
        yield _error(owner, line, f"slot {{{name}}} is not defined")
    for node in walk(template):
        if isinstance(node, Text) and _FOREIGN.search(node.text):
            stray = "".join(sorted(set(_FOREIGN.findall(node.text))))
            yield _error(
                owner, line, f"{node.text.strip()[:30]!r}: only Hangul, blanks and . , ? are allowed, not {stray!r}"
            )
        if isinstance(node, Text) and _DOUBLE_SPACE.search(node.text):
            yield _error(owner, line, f"{node.text[:30]!r}: two blanks, or a blank before punctuation")
        if isinstance(node, Particle) and not is_pair(node.after_consonant, node.after_vowel):
            yield _error(
                owner,
                line,
                f"({node.after_consonant}/{node.after_vowel}) is no particle (form after a consonant first)",
            )
    yield from _check_particle_places(owner, line, template)


def _check_particle_places(owner: Script | Bank, line: int, template: Template) -> Iterator[ScriptError]:
    before: object = None
    for node in template:
        if isinstance(node, Particle) and not isinstance(before, Slot | Choice):
            yield _error(
                owner, line, f"({node.after_consonant}/{node.after_vowel}) does not follow a slot or an alternative"
            )
        if isinstance(node, Choice):
            for option in node.options:
                yield from _check_particle_places(owner, line, option)
        before = node


def _references(script: Script) -> Iterator[Reference]:
    if script.one:
        yield script.one
    for topic in script.topics:
        yield from topic.points
    for action in script.actions:
        yield action.what
    yield from script.decisions


def _check_reference(script: Script, reference: Reference) -> Iterator[ScriptError]:
    turns = {turn.label: turn for turn in script.turns}
    for label in reference.cites:
        if label not in turns:
            yield _error(script, reference.line, f"cited turn {label} does not exist")
        elif turns[label].optional:
            yield _error(script, reference.line, f"cited turn {label} is optional")
    for wording in reference.wordings:
        yield from _check_wording(script, reference.line, wording, reference.cites)


def _check_wording(
    script: Script, line: int, wording: Template, cites: tuple[str, ...] | None
) -> Iterator[ScriptError]:
    if not wording:
        yield _error(script, line, "an empty wording")
    yield from _check_text(script, line, wording, set(script.slots))
    where = " ".join(cites) if cites else "any turn that is never left out"
    for name in sorted(slots_in(wording) & set(script.slots) - said_always(script, cites)):
        yield _error(script, line, f"slot {{{name}}} is not said (in every alternative) in {where}")


def _check_topics(script: Script) -> Iterator[ScriptError]:
    for topic in script.topics:
        if not topic.points:
            yield _error(script, topic.line, "a topic without points")
        for title in topic.titles:
            yield from _check_wording(script, topic.line, title, None)


def _check_actions(script: Script) -> Iterator[ScriptError]:
    for action in script.actions:
        line, said = action.what.line, said_always(script, action.what.cites)
        slot = re.fullmatch(r"\{(\w+)\}", action.who)
        if slot is None and action.who not in ROLES:
            yield _error(script, line, f"WHO {action.who!r} is neither a {{slot}} nor one of {' '.join(ROLES)}")
        for role, name in (("WHO", slot[1] if slot else None), ("when", action.when)):
            if name and name not in script.slots:
                yield _error(script, line, f"{role} slot {{{name}}} is not defined")
            elif name and name not in said and (role == "when" or name not in said_always(script)):
                yield _error(script, line, f"{role} slot {{{name}}} is not said in {' '.join(action.what.cites)}")


def _check_facts(script: Script) -> Iterator[ScriptError]:
    said = said_always(script)
    texts = [text_of(turn.text) for turn in script.turns]
    words = " ".join(texts + [word for slot in script.slots.values() if slot.kind == "choice" for word in slot.args])
    for fact in script.facts:
        if fact.is_word and fact.name not in words:
            yield _error(script, fact.line, f"fact word {fact.name!r} is in no turn")
        elif not fact.is_word and fact.name not in script.slots:
            yield _error(script, fact.line, f"fact slot {fact.name!r} is not defined")
        elif not fact.is_word and fact.name not in said:
            yield _error(script, fact.line, f"fact slot {fact.name!r} is not said in every expansion")


def _check_bank(bank: Bank, stem: str) -> Iterator[ScriptError]:
    if bank.kind != stem:
        yield _error(bank, bank.line, f"bank of kind {bank.kind!r} in {bank.path}")
    if not bank.opens or not bank.closes:
        yield _error(bank, bank.line, "a bank needs 'open:' and 'close:' lines")
    slots: set[str] = set()
    for turns in bank.opens + bank.closes:
        for _, text in turns:
            slots |= slots_in(text)
            yield from _check_text(bank, bank.line, text, set(BANK_SLOTS))
    if "brand" in slots and not bank.brands:
        yield _error(bank, bank.line, "{brand} is used, but there is no 'brand:' line")
