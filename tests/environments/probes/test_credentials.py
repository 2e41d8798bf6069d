import json
import os
from typing import TYPE_CHECKING

from pavedroad.environments.probe import Line
from pavedroad.environments.probes.credentials import DAY_MS, credentials

if TYPE_CHECKING:
    from tests.environments.conftest import Made

SECRET = "AKIAFAKEFAKEFAKE0001"
SSO = "home/ada/.aws/sso/cache/session.json"


def made_days_ago(made: "Made", path: str, days: int, text: str = "{}") -> None:
    file = made.file(path, text)
    at_s = (made.machine.now_ms - days * DAY_MS) / 1000
    os.utime(file, (at_s, at_s))


def test_nothing_is_told_where_nothing_is(made: "Made") -> None:
    assert credentials(made.machine) == [
        Line(check="login", verdict="ok", says="no credentials of a cloud are here")
    ]


def test_an_expired_login_fails_with_the_way_to_renew_it(made: "Made") -> None:
    made_days_ago(made, SSO, 4, json.dumps({"accessToken": SECRET, "expiresAt": "2026-11-15T10:00:00Z"}))
    line = made.ask(credentials)
    assert (line.check, line.verdict) == ("aws login", "fail")
    assert line.says.startswith("expired 3 days ago (~/.aws/sso/cache/session.json)")
    assert line.next_step == "`aws sso login`, or new keys"


def test_a_login_that_holds_says_for_how_long(made: "Made") -> None:
    made_days_ago(made, SSO, 1, json.dumps({"expiresAt": "2026-11-20T10:00:00UTC"}))
    line = made.ask(credentials)
    assert line.verdict == "ok"
    assert "valid for" in line.says


def test_age_is_judged_where_no_end_is_said(made: "Made") -> None:
    path = "home/ada/.config/gcloud/application_default_credentials.json"
    for days, verdict in ((10, "ok"), (120, "warn"), (700, "fail")):
        made_days_ago(made, path, days)
        assert (made.ask(credentials).verdict, days) == (verdict, days)


def test_a_variable_that_names_a_missing_file_fails(made: "Made") -> None:
    made.change(environ={"GOOGLE_APPLICATION_CREDENTIALS": "/keys/gone.json"})
    line = made.ask(credentials)
    assert (line.verdict, line.says) == (
        "fail",
        "GOOGLE_APPLICATION_CREDENTIALS names a file that is not there",
    )


def test_keys_that_others_can_read_are_warned_of(made: "Made") -> None:
    made_days_ago(made, "home/ada/.aws/credentials", 1, f"[default]\naws_access_key_id = {SECRET}\n")
    assert made.ask(credentials).verdict == "ok"
    (made.home / ".aws" / "credentials").chmod(0o644)
    assert made.ask(credentials).next_step == "`chmod 600 ~/.aws/credentials`"


def test_no_value_is_ever_told(made: "Made") -> None:
    made_days_ago(made, "home/ada/.aws/credentials", 1, f"[default]\naws_access_key_id = {SECRET}\n")
    made_days_ago(made, SSO, 1, json.dumps({"accessToken": SECRET, "expiresAt": "2020-01-01T00:00:00Z"}))
    made_days_ago(made, "home/ada/.cache/huggingface/token", 1, SECRET)
    made.change(environ={"AWS_ACCESS_KEY_ID": SECRET, "HF_TOKEN": SECRET, "MLFLOW_TRACKING_TOKEN": SECRET})
    lines = credentials(made.machine)
    assert len(lines) == 3
    assert SECRET not in str(lines)
