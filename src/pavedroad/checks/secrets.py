"""Secrets in text: some twenty precise patterns, and what is known to be none. No secret is passed on."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator

import msgspec

# A named group holds the secret where it is a part of what gives it away. Only the last spans lines.
_PATTERNS: dict[str, str] = {
    "an AWS access key": r"(?<![A-Za-z0-9/+])(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9/+=])",
    "an AWS secret key": (
        r"(?i:aws.{0,20}?secret.{0,20}?[\"']?[ \t]*[=:]>?[ \t]*[\"']?)"
        r"(?P<aws>[A-Za-z0-9/+]{40})(?![\w/+=])"
    ),
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_[A-Za-z0-9_]{40,255}\b",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,255}",
    "a Slack token": r"\bxox[abeoprs]-[0-9A-Za-z]{8,64}-[0-9A-Za-z-]{8,128}",
    "a Slack webhook": (
        r"https://hooks\.slack\.com/(?:services|workflows)/(?P<slack>T\w{6,32}/[AB]\w{6,32}/\w{16,64})"
    ),
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}(?![\w-])",
    "an OpenAI key": (
        r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,128}T3BlbkFJ[A-Za-z0-9_-]{20,128}|\bsk-[A-Za-z0-9]{48}\b"
    ),
    "an Anthropic key": r"\bsk-ant-[A-Za-z0-9_-]{32,255}",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{34,64}\b",
    "a Stripe key": r"\b[sr]k_live_[0-9A-Za-z]{20,255}\b",
    "an Azure storage key": r"AccountKey=(?P<azure>[A-Za-z0-9+/]{86}==)",
    "a PyPI token": r"\bpypi-AgE[\w-]{60,400}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a SendGrid key": r"\bSG\.[\w-]{22}\.[\w-]{43}",
    "a Telegram bot token": r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b",
    "a Databricks token": r"\bdapi[0-9a-f]{32}\b",
    "a Weights & Biases key": (
        r"(?i:wandb.{0,24}?(?:key|login).{0,8}?[=:(][ \t]*[\"']?)(?P<wandb>[0-9a-f]{40})(?![0-9a-f])"
    ),
    "a Kaggle key": (
        r"[\"']username[\"'][ \t]*:[ \t]*[\"'][\w-]{1,64}[\"'][ \t]*,[ \t]*[\"']key[\"'][ \t]*:[ \t]*"
        r"[\"'](?P<kaggle>[0-9a-f]{32})[\"']|"
        r"(?i:kaggle_key[\"'\]]*[ \t]*[=:][ \t]*[\"']?)(?P<kaggle_env>[0-9a-f]{32})\b"
    ),
    "a password in an address": (
        r"\b[a-z][a-z0-9+]{2,20}://[^\s:/@\"'<>{}$]{1,64}:"
        r"(?P<address>[^\s:/@\"'<>{}$`|]{8,128})@[\w-]+\.[\w.-]+"
    ),
    "a password": (
        r"(?i:\b[\w.-]{0,64}(?:password|passwd|passphrase|secret|secret[_-]?key|api[_-]?key|auth[_-]?token|"
        r"access[_-]?token|client[_-]?secret|private[_-]?key|bot[_-]?token)[\"']?\]?[ \t]*"
        r"(?::[ \t]*str[ \t]*)?(?::=|=>|[=:])[ \t]*)"
        r"(?P<quote>[\"'])(?P<assigned>[^\s\"'<>{}$]{12,128})(?P=quote)"
    ),
    "a private key": (
        r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----(?:\\n|\s)+(?P<pem>[A-Za-z0-9+/=]{40,4096})"
    ),
}
_KINDS = {f"k{number}": kind for number, kind in enumerate(_PATTERNS)}
_SECRET = re.compile("|".join(f"(?P<k{n}>{pattern})" for n, pattern in enumerate(_PATTERNS.values())))
_PARTS = ("aws", "slack", "azure", "wandb", "kaggle", "kaggle_env", "pem", "address", "assigned")
# One of these stands in or before every secret: only what is around them is looked at closely. Looking for
# fixed words is many times faster than any pattern; what must follow the word is looked at where it stands.
_ANYTHING = re.compile("")
_VALUE_FOLLOWS = re.compile(r"[\w\"'\]-]{0,32}[ \t]{0,9}[:=]")
_EXACT_HINTS: dict[str, re.Pattern[str]] = {
    "AKIA": re.compile(r"AKIA[0-9A-Z]{16}"),
    "ASIA": re.compile(r"ASIA[0-9A-Z]{16}"),
    **{f"gh{letter}_": re.compile(r"gh._[A-Za-z0-9]{36}") for letter in "pousr"},
    "github_pat_": _ANYTHING,
    "glpat-": _ANYTHING,
    "xox": re.compile(r"xox[abeoprs]-"),
    "hooks.slack.com": _ANYTHING,
    "AIza": re.compile(r"AIza[0-9A-Za-z_-]{35}"),
    "sk-": re.compile(r"sk-[A-Za-z0-9_-]{32}"),
    "hf_": re.compile(r"hf_[A-Za-z0-9]{34}"),
    "k_live_": _ANYTHING,
    "AccountKey": _ANYTHING,
    "pypi-AgE": _ANYTHING,
    "npm_": re.compile(r"npm_[A-Za-z0-9]{36}"),
    "SG.": re.compile(r"SG\.[\w-]{22}\."),
    ":AA": re.compile(r":AA[A-Za-z0-9_-]{33}"),
    "dapi": re.compile(r"dapi[0-9a-f]{32}"),
    "PRIVATE KEY": _ANYTHING,
    "://": re.compile(r"://[^\s:/@]{1,64}:[^\s/@]{8}"),
}
_HINTS: dict[str, re.Pattern[str]] = {  # in lower case
    "wandb": _ANYTHING,
    "kaggle_key": _ANYTHING,
    "username": re.compile(r"username[\"'][ \t]*:"),
    **dict.fromkeys(
        ("passw", "passphrase", "secret", "token", "api_key", "api-key", "apikey"), _VALUE_FOLLOWS
    ),
    **dict.fromkeys(("private_key", "private-key", "privatekey"), _VALUE_FOLLOWS),
}
BEFORE, BEHIND = 120, 400  # characters around a hint that are looked at
# What documentation and emulators use: known to open nothing.
_KNOWN_FAKES = re.compile(
    r"EXAMPLE|Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq|AKIAIOSFODNN7|"
    r"wJalrXUtnFEMI|ghp_x{4}|xox.-0{4}|00000000|TESTTEST|AKIA(TEST|FAKE|X{4})",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"example|sample|dummy|fake|placeholder|change[_-]?(me|this|it|in)|replace|redacted|your[_-]?|my[_-]|insert|"
    r"x{4,}|\*{3,}|\.{3}|…|todo|fixme|test|demo|mock|secret|password|passwd|passw0rd|default|local|dev[_-]|foobar|"
    r"not[_-]?(a|real|needed|used|set)|none|null|undefined|string|token|key$|^key|-here|_here|abc|123456|qwerty|"
    r"super|minio|admin|postgres|mlflow|airflow|grafana|guest|deadbeef|lorem|username|user",
    re.IGNORECASE,
)
_STANDS_FOR_ONE = re.compile(
    r"(.)\1*|(your|my|some|change|replace|insert|todo|xxx)[\w-]*|.*(example|here|placeholder).*|"
    r"test(ing)?|fake|dummy|none|null|true|false|\.+",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[()\[\]]|^[./~@%#]|^(os|env|process|settings|config|self|st|var|local|data|module)\.|^https?:|::"
)
_WORDS = re.compile(r"[A-Za-z]+([-_.:/ ][A-Za-z]+)*[-_]?v?\d{0,2}")
# For showing, what may be no secret is hidden too: an entry of a .env file, any password in an address.
_ENV_ENTRY = re.compile(
    r"^((?:export\s+)?[A-Z0-9_]*(?:PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL|DSN)[A-Z0-9_]*=)[^\s(\[{].*$"
)
_URL_PASSWORD = re.compile(r"(://[^\s:/@]*:)[^\s@$<{]+(?=@)")
LEAST_BITS = 3.3  # per character, of a password that somebody made up well
SHOWN = 4


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """Where a secret stands in a text. What it is stays in the text."""

    kind: str
    start: int
    end: int
    found_at: int  # where what gives it away begins: for a private key the line above
    masked: str  # its first characters and its length


def find_secrets(text: str) -> Iterator[Secret]:
    """Every secret of a text, in order; known fakes and placeholders are left out."""
    for start, end in _suspicious(text):
        for match in _SECRET.finditer(text, start, end):
            name = next(name for name in _KINDS if match[name] is not None)
            part = next((part for part in _PARTS if match[part] is not None), name)
            if not _is_fake(match[part], part):
                kind = _KINDS[name]
                first, last = match.span(part)
                masked = _masked(match[part], kind)
                yield Secret(kind=kind, start=first, end=last, found_at=match.start(), masked=masked)


def _suspicious(text: str) -> Iterator[tuple[int, int]]:
    """Stretches around hints; those that meet are one."""
    start = end = -1
    for hint in sorted(_hints_in(text)):
        if hint - BEFORE > end:
            if end >= 0:
                yield start, end
            start = max(end, text.rfind("\n", 0, hint) + 1, hint - BEFORE, 0)
        end = min(len(text), hint + BEHIND)
    if end >= 0:
        yield start, end


def _hints_in(text: str) -> Iterator[int]:
    lower = text.lower()
    if len(lower) != len(text):  # a letter that is two in lower case would move all places behind it
        lower = text
    for place, hints in ((text, _EXACT_HINTS), (lower, _HINTS)):
        for word, follows in hints.items():
            at = place.find(word)
            while at >= 0:
                if follows.match(place, at):
                    yield at
                at = place.find(word, at + len(word))


def mask_secrets(line: str) -> str:
    """A line as it may be shown: the secrets in it, and what may be one, are stars."""
    pieces, at = [], 0
    for secret in find_secrets(line):
        pieces += [line[at : secret.start], line[secret.start : secret.start + _shown(secret.kind)], "*" * 8]
        at = secret.end
    line = _URL_PASSWORD.sub(r"\1********", "".join([*pieces, line[at:]]))
    return _ENV_ENTRY.sub(r"\1********", line)


def is_placeholder(value: str) -> bool:
    """Whether a value only stands for one: empty, a variable, `your-key`, an example from documentation."""
    value = value.strip().strip("\"'")
    if len(value) < 2 or value[0] in "$<{%" or _KNOWN_FAKES.search(value):
        return True
    return bool(_STANDS_FOR_ONE.fullmatch(value))


def _is_fake(value: str, part: str) -> bool:
    if _KNOWN_FAKES.search(value) or len(set(value)) < 6:
        return True
    if _is_sequence(value.rpartition("-")[2]):
        return True
    if part not in ("assigned", "address"):
        return bool(re.search(r"x{6,}|X{6,}|\.\.\.|your|fake|dummy|abcdefgh|12345678", value))
    if _PLACEHOLDER.search(value) or _CODE.search(value) or _WORDS.fullmatch(value):
        return True
    if not (re.search(r"\d", value) and re.search(r"[A-Za-z]", value)):
        return True
    return part == "assigned" and _bits(value) < LEAST_BITS


def _is_sequence(value: str) -> bool:
    """Whether most characters follow the one before, as in 0123456789abcdef."""
    steps = sum(ord(after) - ord(before) in (0, 1) for before, after in itertools.pairwise(value))
    return steps > len(value) * 0.6


def _bits(value: str) -> float:
    counts = Counter(value)
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())


def _shown(kind: str) -> int:
    """Of a made-up password nothing is shown: its first characters already help to guess it."""
    return 0 if kind.startswith(("a password", "a private")) else SHOWN


def _masked(value: str, kind: str) -> str:
    return f"{value[: _shown(kind)]}********, {len(value)} characters" if _shown(kind) else "********"
