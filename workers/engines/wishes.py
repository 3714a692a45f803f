"""A template's wishes in the words of a prompt, for models that follow instructions. Our own model takes none."""

from workers.contracts.template import TemplateSpec

_TONES = {
    "notes": "Write short notes; in Korean end them in the noun form (~함, ~예정).",
    "formal": "Write full sentences in a formal tone; in Korean use the 합니다 style.",
    "polite": "Write full sentences in a friendly tone; in Korean use the 해요 style.",
}
_LANGUAGES = {
    "ko": "Write in Korean, whatever the language of the call.",
    "en": "Write in English, whatever the language of the call; figures and names stay spelled as in the call.",
}
_LISTS = {"topics": "topics", "points": "points in a topic", "actions": "actions", "decisions": "decisions"}


def wishes(spec: TemplateSpec) -> str:
    """Return the instructions of `spec`, "" when it leaves everything to the model."""
    parts = [_LANGUAGES.get(spec.language, ""), _TONES.get(spec.tone, "")]
    limits = spec.limits.model_dump(exclude_none=True)
    parts += [f"At most {most} {_LISTS[name]}, the most important ones." for name, most in limits.items()]
    parts += [f"Leave {name} empty." for name in ("topics", "actions", "decisions") if name not in spec.sections]
    return " ".join(part for part in parts if part)
