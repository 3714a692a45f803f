"""Read the installation's settings from the environment, strictly.

One frozen object for the web, the workers and the training task. An unknown ``YOYAK_`` variable or a value out of
range is an error at start, so a misspelt setting cannot be ignored for months. Knows no Django.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

ROOT = Path(__file__).resolve().parent.parent

OFFLINE_SWITCHES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "PYANNOTE_METRICS_ENABLED": "0",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


class ConfigError(Exception):
    """The environment holds a setting that cannot be used; the message names it."""

    permanent = True


class Environment(BaseModel):
    """Every setting of an installation, with its default for one machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str = ""
    broker_url: str = ""
    data_dir: Path = ROOT / "var"
    secret_key: str = ""
    debug: bool = False
    allowed_hosts: str = "localhost,127.0.0.1,[::1]"
    csrf_trusted_origins: str = ""
    secure_cookies: bool = False
    trusted_proxy: str = ""
    log_level: str = "INFO"
    time_zone: str = "Asia/Seoul"

    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_name: str = "SSO"

    asr_model: str = str(ROOT / "pretrained" / "speech-mini")
    asr_language: str = "ko"
    asr_batch_size: int = Field(default=8, ge=1, le=256)
    asr_threads: int = Field(default=2, ge=1, le=256)
    asr_device: str = "cpu"
    asr_compute_type: str = "default"

    llm_model: str = str(ROOT / "pretrained" / "summarizer-mini")
    llm_base_url: str = ""
    llm_api_key: str = ""
    llm_context: int = Field(default=8192, ge=2048)
    llm_threads: int = Field(default=2, ge=1, le=256)
    kernels: Literal["auto", "torch", "triton"] = "auto"

    watch_folder: str = ""
    watch_organization: str = ""
    watch_owner: str = ""
    watch_s: float = Field(default=10.0, ge=1.0, le=3600.0)
    price_cpu_hour_krw: float = Field(default=50.0, ge=0.0)
    price_gpu_hour_krw: float = Field(default=4000.0, ge=0.0)
    price_foreign_input_krw: float = Field(default=3500.0, ge=0.0)
    price_foreign_output_krw: float = Field(default=14_000.0, ge=0.0)

    allow_downloads: bool = False
    webhooks_allow_private: bool = False
    max_upload_mb: int = Field(default=512, ge=1)
    max_call_minutes: int = Field(default=180, ge=1)
    lease_s: float = Field(default=60.0, ge=1.0)
    sweep_s: float = Field(default=5.0, ge=0.5)
    max_attempts: int = Field(default=3, ge=1, le=20)
    require_services: bool = False

    @model_validator(mode="after")
    def _watched_for_somebody(self) -> Self:
        if self.watch_folder and not self.watch_organization:
            raise ValueError("YOYAK_WATCH_FOLDER needs YOYAK_WATCH_ORGANIZATION")
        return self

    @property
    def registry_url(self) -> str:
        """Where the model registry lives: its own SQLite file, or the schema `ml` of the PostgreSQL database."""
        return self.database_url or f"sqlite:///{self.data_dir / 'registry.sqlite3'}"


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Return the settings held in `variables` (the process environment by default).

    ``DATABASE_URL`` and ``BROKER_URL`` are read without a prefix, everything else as ``YOYAK_<NAME>``.

    Raises:
        ConfigError: a variable is unknown or its value is out of range.
    """
    source = os.environ if variables is None else variables
    values = {name[6:].lower(): value for name, value in source.items() if name.startswith("YOYAK_")}
    values |= {name.lower(): source[name] for name in ("DATABASE_URL", "BROKER_URL") if name in source}
    try:
        return Environment.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(f"YOYAK_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"settings cannot be used: {problems}") from error


def set_offline_switches(allow_downloads: bool) -> None:
    """Tell the libraries loaded later to stay off the network and to send no telemetry."""
    for name, value in OFFLINE_SWITCHES.items():
        if allow_downloads and name.endswith("_OFFLINE"):
            continue
        os.environ.setdefault(name, value)
