"""The words for the states of a training run."""

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

STATES: dict[str, str | Promise] = {
    "queued": pgettext_lazy("run", "대기 중"),
    "running": pgettext_lazy("run", "학습 중"),
    "done": pgettext_lazy("run", "완료"),
    "stopped": pgettext_lazy("run", "멈춤"),
    "failed": pgettext_lazy("run", "실패"),
}
