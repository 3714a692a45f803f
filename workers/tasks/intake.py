"""Look into the watched folder, for the organization and the person that the settings name, and bring imports in."""

import logging
import time
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.intake.selectors import members_by_name
from config.celery import app
from workers.contracts.stages import IMPORT_TASK, INTAKE_TASK
from workers.importing import run_import
from workers.watching import Watched

logger = logging.getLogger(__name__)


@app.task(name=INTAKE_TASK)
def watch() -> None:
    """Take in what has arrived. A setting that names nobody is logged, and the files stay where they are."""
    watched = watched_folder()
    if isinstance(watched, str):
        logger.error("the watched folder is not looked into: %s", watched)
    else:
        watched.visit(time.time())


@app.task(name=IMPORT_TASK)
def bring_in(run_id: str) -> None:
    """Check and import a folder that came by page or API, once, however often the bell rings."""
    run_import(UUID(run_id))


def watched_folder() -> Watched | str:
    """Return the folder that the settings name, or what is wrong with them."""
    env = settings.ENV
    folder = Path(env.watch_folder)
    organization = Organization.objects.filter(name=env.watch_organization).first()
    if not folder.is_dir():
        return _("YOYAK_WATCH_FOLDER: %(folder)s 폴더가 없습니다") % {"folder": folder}
    if organization is None:
        return _("YOYAK_WATCH_ORGANIZATION: “%(name)s” 조직이 없습니다") % {"name": env.watch_organization}
    owner = members_by_name(organization).get(env.watch_owner)
    if env.watch_owner and owner is None:
        names = {"owner": env.watch_owner, "name": env.watch_organization}
        return _("YOYAK_WATCH_OWNER: “%(owner)s” 님은 “%(name)s”의 구성원이 아닙니다") % names
    return Watched(folder, organization, owner, env.watch_s)
