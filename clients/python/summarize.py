"""Upload a recording and print its summary: an example of `yoyak_client`.

YOYAK_TOKEN=yoyak_… python summarize.py https://calls.example.com call.wav
"""

import os
import sys
from pathlib import Path

from yoyak_client import Client


def main(address: str, recording: str) -> int:
    """Upload, wait, print. The exit status is 1 when there is no summary."""
    client = Client(address, os.environ["YOYAK_TOKEN"])
    call = client.upload(Path(recording))
    job = client.wait(call.id)
    if job.state != "done":
        print(f"{job.state}: {job.reason}", file=sys.stderr)
        return 1
    summary = client.summary(call.id)
    print(summary.title, summary.one_line, sep="\n")
    for action, due in zip(summary.content["actions"], summary.dues, strict=True):
        print(f"- {action['who']}: {action['what']} {due['due_on'] or action['when'] or ''}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
