"""Every door that takes a path refuses one that climbs, names another machine or cannot be a path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

PROXY = "mlflow-artifacts/artifacts"
HOSTILE = {  # as they stand in an address
    "parent": "a/..%2f..%2fetc/passwd",
    "dot-dot first": "%2e%2e/etc/passwd",
    "dot-dot twice encoded": "%252e%252e/etc/passwd",
    "dot-dot three times encoded": "a/%25252e%25252e/b",
    "dot-dot at the end": "a/b/%2e%2e",
    "dot": "a/%2e/b",
    "absolute": "%2fetc%2fpasswd",
    "absolute twice encoded": "%252fetc%252fpasswd",
    "empty part": "a%2f%2fb",
    "backslash": "a%5cb",
    "backslash twice encoded": "a%255cb",
    "parent with backslash": "..%5c..%5cwindows",
    "another machine": "%5c%5chost%5cshare",
    "another machine with slashes": "%2f%2fhost%2fshare",
    "drive": "C:%2fwindows",
    "drive without slash": "c:windows",
    "drive encoded": "c%253a%252fwindows",
    "a file address": "file:%2f%2f%2fetc%2fpasswd",
    "nul": "a%00b",
    "nul twice encoded": "a%2500b",
    "too long": "a/" + "b" * 1000,
    "too deep": "a%2f" * 600 + "b",
    "endlessly encoded": "%" + "25" * 1500 + "2e",
}
Ask = Callable[[Any, str, str], Any]  # the server, a run, the path


def in_address(method: str, prefix: str) -> Ask:
    body = b"1" if method == "PUT" else None
    return lambda api, run_id, path: api(method, f"{prefix}/{path}", body=body, content_type=None)


def in_query(address: str) -> Ask:
    return lambda api, run_id, path: api("GET", address.format(run_id=run_id, path=path))


def _upload(api: Any, run_id: str, path: str) -> Any:
    return api("POST", f"upload-artifact?run_uuid={run_id}&path={path}", body=b"1")


def _multipart(step: str, prefix: str) -> Ask:
    asked = {"path": "f", "num_parts": 1, "upload_id": "0" * 32, "parts": [{"part_number": 1}]}
    return lambda api, run_id, path: api("POST", f"{prefix}/mpu/{step}/{path}", asked)


def _model(rest: str) -> Ask:
    def ask(api: Any, run_id: str, path: str) -> Any:
        made = api.ok("POST", "logged-models", {"experiment_id": "0", "source_run_id": run_id})
        return api("GET", f"logged-models/{made['model']['info']['model_id']}/{rest.format(path=path)}")

    return ask


DOORS: dict[str, Ask] = {
    **{
        f"{method} {prefix}": in_address(method, f"{prefix}/2.0/{PROXY}")
        for prefix in ("/api", "/ajax-api")
        for method in ("GET", "HEAD", "PUT", "DELETE")
    },
    **{
        f"mpu {step} {prefix}": _multipart(step, f"{prefix}/2.0/mlflow-artifacts")
        for prefix in ("/api", "/ajax-api")
        for step in ("create", "complete", "abort")
    },
    "list of the proxy": in_query(f"/api/2.0/{PROXY}?path={{path}}"),
    "artifacts/list": in_query("artifacts/list?run_id={run_id}&path={path}"),
    "get-artifact": in_query("/get-artifact?run_id={run_id}&path={path}"),
    "upload-artifact": _upload,
    "model-versions/get-artifact": in_query("model-versions/get-artifact?name=m&version=1&path={path}"),
    "model-versions/get-artifact of pages": in_query(
        "/model-versions/get-artifact?name=m&version=1&path={path}"
    ),
    "logged-models directories": _model("artifacts/directories?artifact_directory_path={path}"),
    "logged-models files": _model("artifacts/files?artifact_file_path={path}"),
    "page of files": in_address("GET", "/files"),
    "page of files as JSON": lambda api, run_id, path: api("GET", f"/files/{path}.json"),
    "pages of files shown in a sandbox": in_address("GET", "/sandbox"),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_hostile_path_is_refused_at_every_door(api: Any, door: str) -> None:
    run_id = api.new_run()
    for name, path in HOSTILE.items():
        answered = DOORS[door](api, run_id, path)
        assert answered.status == 400, (door, name, answered.status, answered.body)
        if not door.startswith("HEAD"):
            assert answered.json["error_code"] == "INVALID_PARAMETER_VALUE", (door, name)
            assert "Invalid path" in answered.json["message"], (door, name, answered.json)


@pytest.mark.parametrize(
    "name", ["..a", "a..b", "...", "a b", "ä", "%25", "a:b", "~", "CON", ".hidden", "'\"<>|?*"]
)
def test_an_odd_but_harmless_name_is_a_name(api: Any, name: str) -> None:
    from urllib.parse import quote

    address = f"/api/2.0/{PROXY}/x/{quote(name, safe='')}"
    assert api("PUT", address, body=b"1", content_type=None).status == 200
    assert api("GET", address).body == b"1"
