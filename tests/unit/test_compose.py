"""docker-compose.kafka.yml and Dockerfile: valid, complete, and the same shop as the reference project.

No container runs here, but its commands do: tests/integration/kafka/test_kafka_composed.py. What can be said without
either is said: the specification's schema, every reference from one part to another, programs of health checks that the
images are known to hold, and settings that the engine itself accepts.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from postventa.cli.main import COMMANDS
from postventa.settings import DECIDING, Settings, read_settings
from postventa.starter import FILES, FOLDERS
from postventa.testing.jars import locked
from postventa.tokens import Tokens

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.kafka.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
FOREIGN = {name: service for name, service in SERVICES.items() if "build" not in service}
LONG_RUNNING = {name for name in SERVICES if not name.endswith("-setup")}

# What a health check may call, by the repository of the image it runs in; seen in the images' own build files.
PROGRAMS = {
    "apache/kafka": {"/opt/kafka/bin/kafka-broker-api-versions.sh"},
    "postgres": {"pg_isready"},
    "axllent/mailpit": {"/mailpit"},
    "postventa": {"python"},
}
# Where an image keeps its data: another path would be a volume that stays empty.
DATA = {"apache/kafka": "/var/lib/kafka/data", "postgres": "/var/lib/postgresql"}
KAFKA = "KAFKA_BOOTSTRAP_SERVERS"


def _default(text: str) -> str:
    """The value with `${NAME:-default}` filled in, as compose does when nothing is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(text))


def _environment() -> dict[str, str]:
    return {name: _default(value) for name, value in OURS["worker-1"]["environment"].items()}


@pytest.fixture(scope="module")
def settings() -> Settings:
    found, problems, _ = read_settings(COMPOSE["configs"]["settings"]["content"])
    assert problems == []
    return found


def test_the_file_keeps_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_cast() -> None:
    assert set(SERVICES) == {
        "kafka", "postgres", "mail", "database-setup", "kafka-setup", "journeys-setup", "worker-1", "worker-2", "web",
    }  # fmt: skip
    assert SERVICES["worker-1"] == SERVICES["worker-2"]


@pytest.mark.parametrize("name", FOREIGN)
def test_images_are_pinned_to_a_release(name: str) -> None:
    tag = FOREIGN[name]["image"].partition(":")[2]
    assert re.match(r"v?\d+\.\d+", tag), f"{name}: pin {FOREIGN[name]['image']} to a release"


def test_the_broker_is_the_one_the_tests_start() -> None:
    version = SERVICES["kafka"]["image"].partition(":")[2]
    assert f"org/apache/kafka/kafka_2.13/{version}/kafka_2.13-{version}.jar" in locked()


@pytest.mark.parametrize("name", sorted(LONG_RUNNING))
def test_health_checks_call_programs_of_the_image(name: str) -> None:
    service = SERVICES[name]
    kind, program, *_ = service["healthcheck"]["test"]
    assert kind == "CMD", "no shell is needed, so none is asked for"
    assert program in PROGRAMS[service["image"].partition(":")[0]]


def test_workers_and_pages_are_asked_whether_they_are_ready_where_they_answer() -> None:
    settings = read_settings(COMPOSE["configs"]["settings"]["content"])[0]
    for name in ("worker-1", "worker-2", "web"):
        command, check = SERVICES[name]["command"], SERVICES[name]["healthcheck"]["test"][-1]
        told = command[command.index("--metrics") + 1] if "--metrics" in command else settings.listen.private
        assert f"127.0.0.1:{told.rpartition(':')[2]}/readyz" in check, name


def test_everybody_waits_for_what_they_need() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_healthy" if other in LONG_RUNNING else "service_completed_successfully"
            assert how["condition"] == wanted, f"{name} waits for {other}"
            assert other in SERVICES
    assert set(SERVICES["database-setup"]["depends_on"]) == {"postgres"}
    assert set(SERVICES["kafka-setup"]["depends_on"]) == {"kafka"}
    assert set(SERVICES["journeys-setup"]["depends_on"]) == {"database-setup"}
    for name in ("worker-1", "worker-2", "web"):
        assert set(SERVICES[name]["depends_on"]) == {"journeys-setup", "kafka-setup", "mail"}


def test_kafka_is_reached_from_inside_and_outside() -> None:
    kafka = SERVICES["kafka"]["environment"]
    listeners = dict(each.split("://") for each in kafka["KAFKA_LISTENERS"].split(","))
    advertised = dict(each.split("://") for each in kafka["KAFKA_ADVERTISED_LISTENERS"].split(","))
    protocols = dict(each.split(":") for each in kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert set(protocols) == set(listeners) == {"INTERNAL", "EXTERNAL", "CONTROLLER"}
    assert advertised["INTERNAL"] == _environment()[KAFKA] == f"kafka{listeners['INTERNAL']}"
    assert f"127.0.0.1:9092{listeners['EXTERNAL']}" in SERVICES["kafka"]["ports"]
    assert advertised["EXTERNAL"] == "localhost:9092"
    assert kafka["KAFKA_CONTROLLER_QUORUM_VOTERS"] == f"{kafka['KAFKA_NODE_ID']}@kafka{listeners['CONTROLLER']}"
    assert kafka["KAFKA_INTER_BROKER_LISTENER_NAME"] == "INTERNAL"
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_data_outlive_containers() -> None:
    mounted = [mount.split(":") for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert {volume for volume, _ in mounted} == set(COMPOSE["volumes"])
    for name in ("kafka", "postgres"):
        image = SERVICES[name]["image"].partition(":")[0]
        assert [path for _, path in (mount.split(":") for mount in SERVICES[name]["volumes"])] == [DATA[image]]
    assert SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"] == DATA["apache/kafka"]


def test_nothing_is_open_to_other_machines() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports), ports


def test_the_environment_is_what_the_settings_name(settings: Settings) -> None:
    named = {settings.keys_env, settings.store.postgres_env, settings.listen.token_env, KAFKA}
    assert set(_environment()) == named, "every variable is read by somebody, and none is missing"
    assert all(service["environment"] == OURS["web"]["environment"] for service in OURS.values())
    assert Tokens.from_environment(_environment()).keys, "the keys for trying out are keys the engine takes"


def test_the_database_address_fits_the_database() -> None:
    postgres = {name: _default(value) for name, value in SERVICES["postgres"]["environment"].items()}
    user, database, password = (postgres[f"POSTGRES_{part}"] for part in ("USER", "DB", "PASSWORD"))
    assert _environment()["DATABASE_URL"] == f"postgresql://{user}:{password}@postgres:5432/{database}"


def test_mails_go_to_the_catcher(settings: Settings) -> None:
    mail = settings.channels.email
    assert mail.kind == "smtp"
    assert (mail.host, mail.port, mail.tls) == ("mail", 1025, "none")


def test_it_is_the_shop_of_the_reference_project(settings: Settings) -> None:
    reference, problems, _ = read_settings((ROOT / "postventa.yaml").read_bytes())
    assert problems == []
    for key in DECIDING:
        assert getattr(settings, key) == getattr(reference, key), f"'{key}' decides, and differs from postventa.yaml"


def test_the_pages_listen_where_the_ports_lead(settings: Settings) -> None:
    inside = {port.rpartition(":")[2] for port in SERVICES["web"]["ports"]}
    assert inside == {settings.listen.public.rpartition(":")[2], settings.listen.private.rpartition(":")[2]}
    assert settings.listen.private.startswith("0.0.0.0:")
    assert settings.listen.token_env, "an open listener asks for its token"


def test_every_command_exists() -> None:
    names = {command.name for command in COMMANDS if command.exists}
    assert {service["command"][0] for service in OURS.values()} <= names


def test_the_image_is_pinned_locked_and_not_root() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.13\.\d+-slim-\w+", bases[0])
    assert re.findall(r"^USER (\w+)", DOCKERFILE, re.MULTILINE) == ["postventa"]
    for line in DOCKERFILE.splitlines():
        if "pip install" in line:
            assert "--require-hashes" in line or "--no-deps" in line, f"not locked: {line}"
    assert f"ENTRYPOINT {json.dumps(['postventa'])}" in DOCKERFILE
    assert shlex.split("postventa init /project")[0] in DOCKERFILE


def test_the_build_sees_what_the_wheel_needs() -> None:
    """.dockerignore lets nothing in but what it names, so a new folder of the starter must be named."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    for name in (*FILES, *FOLDERS, "src", "pyproject.toml", "README.md", "LICENSE", "requirements.lock"):
        assert any(fnmatch(name, pattern) for pattern in let_in), f"the image would lack {name}: add !{name}"
    assert all(list(ROOT.glob(pattern)) for pattern in let_in if pattern not in FOLDERS)
