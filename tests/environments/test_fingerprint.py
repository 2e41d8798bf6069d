import importlib.metadata
import platform
import time
from pathlib import Path

from pavedroad.environments import environment_fingerprint, installed_distributions, normalised


def metadata_folder(site: Path, name: str) -> None:
    (site / name).mkdir(parents=True)


def test_it_names_python_the_host_and_what_is_installed(tmp_path: Path) -> None:
    environment = environment_fingerprint(tmp_path)

    assert environment.python == platform.python_version()
    assert environment.host.machine == platform.machine()
    assert environment.host.cpus >= 1
    assert environment.installed["msgspec"] == importlib.metadata.version("msgspec")


def test_it_agrees_with_importlib_metadata_on_every_distribution() -> None:
    expected = {}
    for distribution in importlib.metadata.distributions():
        if name := distribution.metadata["Name"]:
            expected.setdefault(normalised(name), distribution.version)

    assert installed_distributions() == expected


def test_the_digest_changes_with_the_lock_and_with_nothing_else(tmp_path: Path) -> None:
    without = environment_fingerprint(tmp_path)
    (tmp_path / "uv.lock").write_text("version = 1\n")
    first = environment_fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("hello")
    same = environment_fingerprint(tmp_path)
    (tmp_path / "uv.lock").write_text("version = 2\n")
    second = environment_fingerprint(tmp_path)

    assert (without.lock_file, first.lock_file) == ("", "uv.lock")
    assert len({without.digest, first.digest, second.digest}) == 3
    assert first.digest == same.digest


def test_the_first_folder_on_the_path_wins(tmp_path: Path) -> None:
    metadata_folder(tmp_path / "one", "Flask_Admin-1.0.dist-info")
    metadata_folder(tmp_path / "two", "flask_admin-2.0.dist-info")
    metadata_folder(tmp_path / "two", "old_style-3.1-py3.11.egg-info")

    found = installed_distributions([str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "missing")])

    assert found == {"flask-admin": "1.0", "old-style": "3.1"}


def test_an_installation_during_the_process_is_seen(tmp_path: Path) -> None:
    metadata_folder(tmp_path, "one-1.0.dist-info")
    before = installed_distributions([str(tmp_path)])
    time.sleep(0.02)  # the folder's time must move on
    metadata_folder(tmp_path, "two-2.0.dist-info")

    assert (before, installed_distributions([str(tmp_path)])) == (
        {"one": "1.0"},
        {"one": "1.0", "two": "2.0"},
    )
