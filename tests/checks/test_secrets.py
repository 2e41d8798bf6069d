import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.checks.secrets import find_secrets, is_placeholder, mask_secrets

LETTERS = string.ascii_letters + string.digits


def some(length: int, alphabet: str = LETTERS) -> str:
    """Made up here, so that no text of this repository looks like a key."""
    return "".join(random.Random(7).choices(alphabet, k=length))


UPPER, HEX, BASE64 = string.ascii_uppercase + string.digits, "0123456789abcdef", LETTERS + "+/"
KEYS = {
    "an AWS access key": "AKIA" + some(16, UPPER),
    "an AWS secret key": 'aws_secret_access_key = "' + some(40, BASE64) + '"',
    "a GitHub token": "ghp_" + some(36),
    "a GitLab token": "glpat-" + some(20),
    "a Slack token": "xoxb-" + some(12, string.digits) + "-" + some(24),
    "a Slack webhook": "https://hooks.slack.com/services/T"
    + some(8, UPPER)
    + "/B"
    + some(8, UPPER)
    + "/"
    + some(24),
    "a Google API key": "AIza" + some(35),
    "an OpenAI key": "sk-proj-" + some(40) + "T3BlbkFJ" + some(40),
    "an Anthropic key": "sk-ant-" + some(60),
    "a Hugging Face token": "hf_" + some(34),
    "a Stripe key": "sk_live_" + some(24),
    "an Azure storage key": "AccountName=rides;AccountKey=" + some(86, BASE64) + "==",
    "a PyPI token": "pypi-AgEIcHlwaS5vcmc" + some(80),
    "an npm token": "npm_" + some(36),
    "a SendGrid key": "SG." + some(22) + "." + some(43),
    "a Telegram bot token": some(9, "123456789") + ":AA" + some(33),
    "a Databricks token": "dapi" + some(32, HEX),
    "a Weights & Biases key": 'wandb.login(key="' + some(40, HEX) + '")',
    "a Kaggle key": '{"username":"ann","key":"' + some(32, HEX) + '"}',
    "a password in an address": "postgresql://rides:7" + some(12) + "@db.example.org/rides",
    "a password": 'DB_PASSWORD = "7' + some(14) + '"',
    "a private key": "-----BEGIN PRIVATE KEY-----\n" + some(64, BASE64) + "\n-----END PRIVATE KEY-----",
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_found_wherever_it_stands(kind: str) -> None:
    text = "import os\n" + "x = 1\n" * 200 + f"value = {KEYS[kind]}  # ours\n" + "y = 2\n" * 200
    (secret,) = find_secrets(text)

    assert secret.kind == kind
    assert text.count("\n", 0, secret.found_at) == 201


@pytest.mark.parametrize("kind", KEYS)
def test_what_is_shown_of_a_key_does_not_open_anything(kind: str) -> None:
    (secret,) = find_secrets(KEYS[kind])
    value = KEYS[kind][secret.start : secret.end]

    assert value not in mask_secrets(KEYS[kind].replace("\n", " "))
    assert value[5:] not in secret.masked


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        "ghp_" + "x" * 36,
        "hf_" + "abcdefghijklmnopqrstuvwxyz01234567",
        "dapi" + "0123456789abcdef" * 2,
        'password = "your-password-here-1"',
        'password = "correct horse battery staple"',
        'api_key = "${API_KEY_2024_abc}"',
        'api_key = os.environ["RIDES_API_KEY_2"]',
        'secret_key = "/run/secrets/rides_key_1"',
        'access_token: "https://example.org/oauth2/token"',
        "postgresql://postgres:postgres@db.example.org/rides",
        "postgresql://user:${PASSWORD_1}@db.example.org/rides",
        'token = "bert-base-uncased"',
        "tokenizer = AutoTokenizer.from_pretrained('sentence-transformers/all-MiniLM-L6-v2')",
        "commit = '8f4b7f84864484a7bf31766abe9204da3cbe65b3'",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "mask-rcnn-risk-assessment-of-a-very-long-name-here-and-there",
    ],
)
def test_what_opens_nothing_is_left_alone(text: str) -> None:
    assert list(find_secrets(text)) == []


def test_a_line_of_a_dotenv_file_is_shown_without_its_value() -> None:
    assert mask_secrets("export POSTGRES_PASSWORD=short") == "export POSTGRES_PASSWORD=********"
    assert mask_secrets("URL=postgres://me:short@db/rides") == "URL=postgres://me:********@db/rides"
    assert mask_secrets("MAX_TOKENS = get(1)") == "MAX_TOKENS = get(1)"
    assert mask_secrets("    token=settings.token,") == "    token=settings.token,"
    assert mask_secrets("frame = pd.read_csv(path)") == "frame = pd.read_csv(path)"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", True), ("changeme", True), ("<your key>", True), ("${KEY}", True), ("test", True), ("xxxxx", True),
     ("kT9wqLz2", False), ("postgres", False), ("'kT9wqLz2'", False)],
)  # fmt: skip
def test_a_placeholder_is_known(value: str, expected: bool) -> None:
    assert is_placeholder(value) is expected


@pytest.mark.parametrize(
    "piece",
    [
        "a.wandb.",
        "token=",
        'token="',
        "sk-",
        "://a:bbbbbbbb",
        "xoxb-aaaaaaaa",
        "PRIVATE KEY-----\n",
        "aws secret ",
    ],
)
def test_a_line_of_nothing_but_hints_ends(piece: str) -> None:
    """A pattern that starts over at every character would take minutes."""
    assert list(find_secrets(piece * 4_000)) == []


@given(st.text(alphabet="AKIasecrt_pw:=\"'/@ \n0129xkey-", max_size=200))
def test_any_text_is_read_and_masking_twice_changes_nothing(text: str) -> None:
    assert all(text[secret.start : secret.end] for secret in find_secrets(text))
    once = mask_secrets(text)
    assert mask_secrets(once) == once
