"""Airflow passes over a setting that it does not know: what deploy/ sets must be one."""

from __future__ import annotations

import re

from airflow.configuration import conf
from airflow.providers_manager import ProvidersManager
from conftest import ROOT


def test_airflow_knows_each_setting_that_is_deployed() -> None:
    ProvidersManager().initialize_providers_configuration()
    files = (ROOT / "deploy" / "airflow" / name for name in ("airflow.env.example", "compose.yaml", "look.py"))
    names = {name for path in files for name in re.findall(r"\bAIRFLOW__[A-Z_]+", path.read_text(encoding="utf-8"))}
    assert len(names) > 15
    known = conf.configuration_description
    for name in names:
        section, _, option = name.removeprefix("AIRFLOW__").lower().partition("__")
        assert option in known[section]["options"], name
