"""The settings of the watched folder: nothing is watched for nobody."""

import pytest

from config.env import ConfigError, read_environment


def test_a_watched_folder_needs_an_organization() -> None:
    with pytest.raises(ConfigError, match="YOYAK_WATCH_ORGANIZATION"):
        read_environment({"YOYAK_WATCH_FOLDER": "/srv/in"})
    watched = read_environment({"YOYAK_WATCH_FOLDER": "/srv/in", "YOYAK_WATCH_ORGANIZATION": "가람통신"})
    assert (watched.watch_folder, watched.watch_s) == ("/srv/in", 10.0)
    with pytest.raises(ConfigError, match="YOYAK_WATCH_S"):
        read_environment({"YOYAK_WATCH_S": "0"})
