"""Secrets of every kind are taken out of every sort of text; what is none stays."""

from __future__ import annotations

import random
import string

import pytest

from pavedroad.desk.scrubbing import kinds, scrub

RANDOM = random.Random(7)


def some(number: int, letters: str = string.ascii_letters + string.digits) -> str:
    return "".join(RANDOM.choice(letters) for _ in range(number))


HEX, UPPER = "0123456789abcdef", string.ascii_uppercase + "234567"
# Kind -> what must be gone, and how it is written. Made of pieces, so that no scanner takes them for real.
SECRETS: dict[str, str] = {
    "private key": "-----BEGIN RSA "
    + f"PRIVATE KEY-----\n{some(64)}\n{some(40)}\n-----END RSA "
    + "PRIVATE KEY-----",
    "AWS key id": "AK" + "IA" + some(16, UPPER),
    "Google API key": "AI" + "za" + some(35),
    "Google OAuth secret": "GOC" + "SPX-" + some(28),
    "Google token": "ya" + "29." + some(60),
    "Google refresh token": "1/" + "/0" + some(40),
    "GitHub token": "gh" + "p_" + some(36),
    "GitLab token": "gl" + "pat-" + some(20),
    "Slack token": "xo" + "xb-" + some(12, string.digits) + "-" + some(24),
    "Slack webhook": "https://hooks.slack" + ".com/services/T0/B0/" + some(24),
    "Teams webhook": "https://team.webhook." + "office.com/webhookb2/" + some(36),
    "Discord webhook": "https://discord" + ".com/api/webhooks/1234567890/" + some(60),
    "Hugging Face token": "h" + "f_" + some(34, string.ascii_letters),
    "Anthropic key": "sk-" + "ant-api03-" + some(60),
    "OpenAI key": "s" + "k-proj-" + some(48),
    "Stripe key": "sk_" + "live_" + some(24),
    "PyPI token": "py" + "pi-" + some(80),
    "npm token": "np" + "m_" + some(36),
    "Databricks token": "da" + "pi" + some(32, HEX),
    "Docker token": "dc" + "kr_pat_" + some(27),
    "DigitalOcean token": "do" + "p_v1_" + some(64, HEX),
    "SendGrid key": "S" + "G." + some(22) + "." + some(43),
    "Mailgun key": "ke" + "y-" + some(32, HEX),
    "Twilio key": "S" + "K" + some(32, HEX),
    "Grafana token": "gl" + "sa_" + some(40),
    "New Relic key": "NR" + "AK-" + some(27),
    "Sentry token": "snt" + "rys_" + some(60),
    "Linear key": "lin" + "_api_" + some(40),
    "Notion token": "nt" + "n_" + some(46),
    "Vault token": "hv" + "s." + some(90),
    "Terraform token": some(14) + ".atlas" + "v1." + some(60),
    "Pulumi token": "pu" + "l-" + some(40, HEX),
    "Prefect key": "pn" + "u_" + some(36),
    "Replicate token": "r" + "8_" + some(37),
    "Groq key": "gs" + "k_" + some(52),
    "Shopify token": "shp" + "at_" + some(32, HEX),
    "Telegram token": some(9, "123456789") + ":A" + "A" + some(33),
    "Atlassian token": "ATA" + "TT3" + some(100),
    "JSON web token": "ey" + "J" + some(30) + ".ey" + "J" + some(60) + "." + some(43),
    "Azure storage key": some(86) + "==",
    "Azure shared key": some(43) + "=",
    "age key": "AGE-SECRET" + "-KEY-1" + some(58, string.ascii_uppercase),
    "signature in a URL": some(64, HEX),
    "password in a URL": some(14),
    "authorization header": some(30),
    "bearer token": some(40),
    "cookie": f"session={some(30)}",
    "netrc password": some(12),
    "password": some(12),
    "named secret": some(24) + "7",
    "password option": some(12),
    "home folder": "ada.lovelace",
}
WRITTEN = {
    "Azure storage key": "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={}",
    "Azure shared key": "Endpoint=sb://x.example/;SharedAccessKeyName=r;SharedAccessKey={}",
    "signature in a URL": "https://b.s3.amazonaws.com/k?X-Amz-Expires=9&X-Amz-Signature={}",
    "password in a URL": "postgresql://ada:{}@db.example:5432/x",
    "authorization header": "Authorization: Basic {}",
    "bearer token": "curl -H 'X: Bearer {}'",
    "cookie": "Cookie: {}",
    "netrc password": "machine example.org login ada password {}",
    "password": "DB_PASSWORD={}",
    "named secret": "client_secret: {}",
    "password option": "mysql --password {} -h db",
    "home folder": "/home/{}/train.py",
}
PLACES = {
    "alone": "{}",
    "traceback": 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: bad {}\n',
    "log": "2026-11-24 10:00:00,123 ERROR [worker] request failed: {} (attempt 3)",
    "environment": "PATH=/usr/bin\nVALUE={}\nLANG=C",
    "notebook": '{{"cells": [{{"source": ["x = 1\\n", "y = {}\\n"]}}]}}',
}  # fmt: skip


def test_every_kind_is_tried():
    assert set(SECRETS) == set(kinds())
    assert len(SECRETS) >= 40


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", SECRETS)
def test_a_planted_secret_is_gone(kind: str, place: str):
    secret = SECRETS[kind]
    text = PLACES[place].replace("{{", "{").replace("}}", "}").replace("{}", WRITTEN.get(kind, "{}"))
    scrubbed = scrub(text.replace("{}", secret))
    for line in secret.split("\n"):
        if not line.startswith("-----"):
            assert line not in scrubbed.text
    assert scrubbed.total >= 1
    assert scrub(scrubbed.text).text == scrubbed.text


@pytest.mark.parametrize(
    "text",
    [
        "KeyError: 'api_key'",
        "ValueError: token: unexpected end of input",
        "TypeError: __init__() missing 1 required positional argument: 'password'",
        "tokenizer.pad_token = tokenizer.eos_token",
        "max_tokens=4096, num_tokens: 1048576",
        "password = os.environ['DB_PASSWORD']",
        "secret_key: ${SECRET_KEY}",
        "requests.get(url, auth=(user, password))",
        'File "/usr/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1501, in _call_impl',
        "commit 9c47904cb8a3f0d4e6a7b81234567890abcdef12",
        "https://example.org/search?q=key+value&page=2",
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x2 and 6x64)",
    ],
)
def test_what_is_no_secret_stays(text: str):
    assert scrub(text).text == text
