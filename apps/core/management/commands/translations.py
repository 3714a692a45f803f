"""Renew the English catalogue from the strings of the code and compile it."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config.messages import FOLDER, compile_mo, gather, read_po, write_po


class Command(BaseCommand):
    help = "Bring config/locale/en up to date with the code and compile it; print what is not translated yet."

    def handle(self, *_: Any, **__: Any) -> None:
        """Keep what is translated, add what is new, drop what is gone."""
        folder = settings.BASE_DIR / FOLDER
        known = read_po((folder / "django.po").read_text(encoding="utf-8"))
        catalog = {
            message: known.get(message) or ("",) * (1 + bool(message.plural)) for message in gather(settings.BASE_DIR)
        }
        (folder / "django.po").write_text(write_po(catalog), encoding="utf-8")
        (folder / "django.mo").write_bytes(compile_mo(catalog))
        for message, translations in catalog.items():
            if not all(translations):
                self.stdout.write(f"not translated: {message.text}")
