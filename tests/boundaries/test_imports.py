"""The web process must stay light: no torch and no model library may be loaded by any address it answers."""

import json
import os
import subprocess
import sys

HEAVY = ["torch", "transformers", "whisperx", "deepspeed", "triton", "ctranslate2", "numpy", "langchain_core"]
HEAVY += ["weasyprint", "docx"]

_LOAD_EVERYTHING = """
import json, sys, django
django.setup()
from django.core.handlers.wsgi import WSGIHandler
WSGIHandler()
from django.urls import get_resolver
def walk(patterns):
    return sum((walk(p.url_patterns) if hasattr(p, "url_patterns") else 1) for p in patterns)
count = walk(get_resolver().url_patterns)
print(json.dumps({"urls": count, "modules": sorted(sys.modules)}))
"""


def _modules_after(code: str) -> dict[str, object]:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    result: dict[str, object] = json.loads(answer.stdout)
    return result


def test_the_web_process_never_loads_a_model_library() -> None:
    loaded = _modules_after(_LOAD_EVERYTHING)
    assert isinstance(loaded["urls"], int) and loaded["urls"] > 10
    modules = loaded["modules"]
    assert isinstance(modules, list)
    assert [name for name in HEAVY if name in modules] == []
    assert [name for name in modules if name.startswith(("workers.stages", "workers.engines", "workers.tasks"))] == []


def test_loading_the_tasks_loads_no_model_library() -> None:
    code = (
        "import json, sys, django; django.setup();"
        "import workers.tasks.calls, workers.tasks.upkeep, workers.tasks.training, workers.tasks.webhooks;"
        "import workers.pipeline;"
        "print(json.dumps({'modules': sorted(sys.modules)}))"
    )
    modules = _modules_after(code)["modules"]
    assert isinstance(modules, list)
    assert [name for name in HEAVY if name in modules] == []
