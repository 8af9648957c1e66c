from __future__ import annotations

from pathlib import Path

import pytest

from tidewheel.errors import ConfigError
from tidewheel.runtime.config import Settings, load_config


def write(folder: Path, text: str) -> Path:
    (folder / "tidewheel.toml").write_text(text)
    return folder


def test_defaults_hold_without_a_file(tmp_path: Path) -> None:
    config = load_config(tmp_path, variables={})
    assert config.settings == Settings()
    assert config.layout.log == tmp_path / ".tidewheel" / "log"
    assert config.catalog == str(tmp_path / ".tidewheel" / "catalog.sqlite")


def test_file_then_environment_then_variable(tmp_path: Path) -> None:
    write(tmp_path, 'port = 1\nworkers = 2\nflush_every = "30s"\n[env.prod]\nport = 2\nmax_body = "2MB"\n')
    config = load_config(tmp_path, "prod", variables={"TIDEWHEEL_PORT": "3", "TIDEWHEEL_DATA": "elsewhere"})
    assert (config.settings.port, config.settings.workers, config.settings.max_body) == (3, 2, 2 << 20)
    assert config.settings.flush_every == 30_000_000
    assert config.sources["port"] == "TIDEWHEEL_PORT"
    assert config.sources["max_body"].endswith("[env.prod]")
    assert load_config(tmp_path, variables={"TIDEWHEEL_ENV": "prod"}).settings.port == 2


@pytest.mark.parametrize(
    ("text", "env", "variables", "words"),
    [
        ("prot = 1", None, {}, ["unknown key 'prot'", "'port'", "tidewheel.toml"]),
        ("[env.prod]\nworker = 1", "prod", {}, ["unknown key 'worker'", "'workers'", "[env.prod]"]),
        ("", "prod", {}, ["no environment 'prod'", "[env.prod]"]),
        ("[env.dev]", "prod", {}, ["there are: dev"]),
        ("port = 'x'", None, {}, ["port = 'x'", "int"]),
        ("port = 99999", None, {}, ["port = 99999", "65535"]),
        ("clock = 'fast'", None, {}, ["clock = 'fast'", "real, replay"]),
        ("flush_every = 10", None, {}, ["no unit", '"10s"']),
        ("flush_every = '10m'", None, {}, ["'10m'"]),
        ("port = ", None, {}, ["not TOML", "Invalid value"]),
        ("env = 3", None, {"TIDEWHEEL_ENV": "x"}, ["no environment 'x'"]),
        ("", None, {"TIDEWHEEL_PROT": "1"}, ["TIDEWHEEL_PROT", "'port'"]),
        ("", None, {"TIDEWHEEL_PORT": "many"}, ["TIDEWHEEL_PORT", "port = 'many'"]),
        ("namespace = 'a b'", None, {}, ["namespace = 'a b'"]),
    ],
)
def test_mistakes_are_named(
    tmp_path: Path, text: str, env: str | None, variables: dict[str, str], words: list[str]
) -> None:
    write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, env, variables=variables)
    for word in words:
        assert word in str(caught.value)


def test_a_variable_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    assert load_config(tmp_path, variables={"TIDEWHEEL_KERNEL_CACHE": "/x"}).settings == Settings()
