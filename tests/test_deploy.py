"""What `deploy/airflow` ships: units and a compose file that parse, are closed, and name every secret and give none."""

from __future__ import annotations

import configparser
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.core.config import load_settings

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "airflow"
UNITS = sorted((FOLDER / "systemd").glob("*.service"))
COMPONENTS = {"api-server", "scheduler", "dag-processor", "triggerer", "worker"}
SECRETS = {
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__CELERY__RESULT_BACKEND",
    "AIRFLOW__CELERY__BROKER_URL",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "KENTONGAN_ALERT_SMTP_PASSWORD",
}
MADE_FROM_PASSWORDS = {each for each in SECRETS if each.endswith(("_CONN", "_BACKEND", "_URL"))}
INSIDE = {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL"}  # the compose file's own network has another address
SECRET_NAME = re.compile(r"PASSWORD|SECRET|FERNET|TOKEN|_KEY$|_CONN$|RESULT_BACKEND|BROKER_URL")


def _unit(path: Path) -> dict[str, dict[str, list[str]]]:
    """The sections of a unit; a key may stand there several times."""
    values: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, line
            values.setdefault(section, {}).setdefault(key, []).append(value)
    return values


def _template() -> dict[str, str]:
    """The variables of the environment template with what it gives them."""
    text = (FOLDER / "airflow.env.example").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len({line.partition("=")[0] for line in lines}) == len(lines)
    return dict(line.split("=", 1) for line in lines)


def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
    return found


def _asked() -> set[str]:
    """The variables that the compose file wants from outside."""
    return set(re.findall(r"\$\{(\w+)", (FOLDER / "compose.yaml").read_text(encoding="utf-8")))


def test_there_is_a_unit_for_each_component() -> None:
    services = {path.stem.removeprefix("kentongan-") for path in UNITS}
    assert services == COMPONENTS | {"db-clean"}
    timer = configparser.ConfigParser(interpolation=None)
    timer.read(FOLDER / "systemd" / "kentongan-db-clean.timer")
    assert timer["Install"]["WantedBy"] == "timers.target"
    for name in COMPONENTS:
        (command,) = _unit(FOLDER / "systemd" / f"kentongan-{name}.service")["Service"]["ExecStart"]
        assert command.split()[0] == "/opt/kentongan/.venv-airflow/bin/airflow"
        assert name in command.split()[1:3]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_is_closed_in(path: Path) -> None:
    service = {key: values[-1] for key, values in _unit(path)["Service"].items()}
    assert service["User"] == service["Group"] == "kentongan"
    assert service["EnvironmentFile"] == "/etc/kentongan/airflow.env"
    assert (service["NoNewPrivileges"], service["ProtectSystem"]) == ("yes", "strict")
    assert (service["ProtectHome"], service["PrivateTmp"]) == ("yes", "yes")
    assert (service["CapabilityBoundingSet"], service["UMask"]) == ("", "0077")
    if path.stem != "kentongan-db-clean":
        assert (service["KillMode"], service["TimeoutStopSec"], service["Restart"]) == ("mixed", "40", "always")


def test_all_units_are_closed_in_alike() -> None:
    texts = [path.read_text(encoding="utf-8") for path in UNITS]
    assert len({text.partition("# Who runs it")[2].partition("\n\n")[0].strip() for text in texts}) == 1


def test_a_unit_holds_no_setting_of_its_own() -> None:
    for path in UNITS:
        assert [each.split("=")[0] for each in _unit(path)["Service"]["Environment"]] == ["PATH"]
        assert "AIRFLOW__" not in path.read_text(encoding="utf-8")


def test_the_template_names_every_secret_says_how_to_make_it_and_gives_none() -> None:
    template = _template()
    assert {name for name in template if SECRET_NAME.search(name)} == SECRETS
    assert {name for name, value in template.items() if not value} == SECRETS
    lines = (FOLDER / "airflow.env.example").read_text(encoding="utf-8").splitlines()
    for name in SECRETS:
        before = lines[lines.index(f"{name}=") - 1]
        assert before.startswith(("# openssl rand", "# postgresql+", "# db+postgresql+", "# redis://:", "# Of the"))


def test_each_variable_of_the_template_is_used_and_each_that_is_used_stands_in_it() -> None:
    template, asked = _template(), _asked()
    passed = set(_compose()["x-airflow"]["environment"])
    assert asked <= set(template)
    assert asked | passed == set(template)
    assert passed - asked == MADE_FROM_PASSWORDS | INSIDE | {"KENTONGAN_ALERT_SMTP_PASSWORD"}
    assert {"AIRFLOW_HOME"} <= {name for path in UNITS for name in re.findall(r"\$\{(\w+)\}", path.read_text())}
    alerts = (FOLDER.parent.parent / "dags" / "kentongan_alerts.py").read_text(encoding="utf-8")
    for name in template:
        if name.startswith("KENTONGAN_ALERT"):
            assert f'"{name}"' in alerts


def test_a_message_comes_again_only_after_the_longest_task_may_have_ended() -> None:
    files = (FOLDER.parent.parent / "dags").glob("*.py")
    found = re.findall(r"execution_timeout\W+timedelta\((\w+)=(\d+)\)", " ".join(path.read_text() for path in files))
    assert len(found) >= 3
    longest = max(timedelta(**{unit: int(count)}) for unit, count in found)
    template = _template()
    again = timedelta(seconds=int(template["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"]))
    alive = timedelta(seconds=int(template["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"]))
    assert again >= longest + timedelta(hours=1) > alive


def test_one_run_may_take_every_hour_of_which_flags_can_stand() -> None:
    keep = load_settings(None, {})[0].retention
    assert int(_template()["AIRFLOW__CORE__MAX_MAP_LENGTH"]) > 24 * max(keep.confirmed, keep.unreviewed)


def test_nothing_of_the_compose_file_has_a_default_and_no_password_stands_in_it() -> None:
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{\w+([^}]*)\}", text)) == {":?see airflow.env.example"}
    for service in _compose()["services"].values():
        for name, value in service.get("environment", {}).items():
            if SECRET_NAME.search(name) and value is not None:
                assert re.search(r"\$\{\w+:\?", value), name


def test_the_compose_file_opens_ports_on_loopback_alone_and_runs_every_component() -> None:
    services = _compose()["services"]
    assert set(services) == COMPONENTS | {"postgres", "redis", "migrate"}
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)
    for name in COMPONENTS:
        assert services[name]["command"][0] == "airflow"
        assert name in services[name]["command"][1:3]
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["stop_grace_period"] == "40s"


def test_what_the_picture_is_made_of_is_there() -> None:
    text = (FOLDER / "Containerfile").read_text(encoding="utf-8")
    copied = [words.split()[1:-1] for words in re.findall(r"^COPY (.*)$", text.replace("COPY ", "COPY COPY "), re.M)]
    for name in (each for names in copied for each in names):
        assert (FOLDER.parent.parent / name).exists(), name
    assert text.rstrip().endswith("USER kentongan")
