"""Workers as root: Celery's warning is about pickles, which no queue of ours takes, so it stays out of the log."""

import os
import warnings

import pytest
from celery.exceptions import SecurityError
from celery.platforms import check_privileges
from celery.signals import celeryd_init

from config.celery import app


def test_a_worker_of_roots_says_nothing_and_takes_no_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.delenv("C_FORCE_ROOT", raising=False)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        check_privileges(app.conf.accept_content)
        assert len(said) == 1
        celeryd_init.send(sender=None, instance=None, conf=app.conf, options={})
        check_privileges(app.conf.accept_content)
        assert len(said) == 1
    with pytest.raises(SecurityError):
        check_privileges([*app.conf.accept_content, "pickle"])
