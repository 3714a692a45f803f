"""Start everything on this machine: web, workers and scheduler under one supervisor."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from apps.core.demo import ensure_demo
from apps.core.supervisor import Child, Supervisor


class Command(BaseCommand):
    help = "Prepare the database and run the web server, the workers and the scheduler until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where to listen and whether to load the samples."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-demo", action="store_true", help="no demo user and no sample calls")
        parser.add_argument("--no-samples", action="store_true", help="a demo user, but no sample calls")

    def handle(self, *_: Any, **options: Any) -> None:
        """Migrate, make the demo, print the address, supervise."""
        call_command("migrate", verbosity=0, interactive=False)
        Path(settings.STATIC_ROOT).mkdir(exist_ok=True)
        address = f"http://{options['host']}:{options['port']}/"
        if options["no_demo"]:
            self.stdout.write(f"Yoyak: {address}")
        else:
            username, password = ensure_demo(samples=not options["no_samples"])
            self.stdout.write(f"Yoyak: {address}   사용자/user: {username}   비밀번호/password: {password}")
        self.stdout.flush()
        Supervisor(_children(options["host"], options["port"])).run()


def web_command(host: str, port: int) -> list[str]:
    """Return the command that serves the pages and the API, and nothing else, on this machine."""
    return [sys.executable, "-m", "config.serve", f"{host}:{port}"]


def _children(host: str, port: int) -> list[Child]:
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"]
    worker = [*celery, "worker", "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"]
    return [
        Child("web", web_command(host, port)),
        Child("io", [*worker, "-n", "io@%h", "-Q", "io", "-c", "2"]),
        Child("asr", [*worker, "-n", "asr@%h", "-Q", "asr", "-c", "1"]),
        Child("llm", [*worker, "-n", "llm@%h", "-Q", "llm", "-c", "1"]),
        Child("beat", [*celery, "beat", "-l", "WARNING", "--pidfile="]),
    ]
