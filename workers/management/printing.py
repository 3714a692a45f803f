"""Show what became of a call on a terminal: one JSON object, or plain text."""

import json
from typing import Any, Protocol


class _Out(Protocol):
    def write(self, msg: str) -> Any: ...


def print_report(out: _Out, report: dict[str, Any], *, as_json: bool) -> None:
    """Write `report` (see `call_report` and `refusal_report`) to `out`."""
    if as_json:
        out.write(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        _print_plain(out, report)


def _print_plain(out: _Out, report: dict[str, Any]) -> None:
    for segment in report.get("segments", ()):
        out.write(f"{segment['number']:>4} {_clock(segment['start_s'])} {segment['party']}: {segment['text']}")
    if report["reason"]:
        out.write(f"\n{report['status']}: {report['reason']['ko']} / {report['reason']['en']}")
    if report.get("summary"):
        _print_summary(out, report["summary"])


def _print_summary(out: _Out, summary: dict[str, Any]) -> None:
    out.write(f"\n{summary['title']}   [{summary['category']} · {summary['outcome']} · {summary['method']}]")
    out.write(_line(summary["one_line"]))
    for topic in summary["topics"]:
        out.write(f"\n■ {topic['title']}")
        for point in topic["points"]:
            out.write(f"  - {_line(point)}")
    for action in summary["actions"]:
        when = f" ({action['when']})" if action["when"] else ""
        out.write(f"\n☐ {action['who']}: {action['what']}{when} {_cited(action)}")
    for decision in summary["decisions"]:
        out.write(f"\n✔ {_line(decision)}")


def _line(statement: dict[str, Any]) -> str:
    return f"{statement['text']} {_cited(statement)}{'' if statement['supported'] else ' ⚠'}"


def _cited(statement: dict[str, Any]) -> str:
    return "".join(f"[{number}]" for number in statement["evidence"])


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
