from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.secrets import Secret, find_secrets
from pavedroad.checks.source import Module

# Text that people write or tools keep beside it. Data, pictures and locks hold no secrets, but much text.
READ = (
    ".toml", ".cfg", ".ini", ".conf", ".yml", ".yaml", ".json", ".env", ".sh", ".bash", ".tf", ".tfvars",
    ".tfstate", ".md", ".rst", ".txt", ".properties", ".pem", ".key", ".r", ".R", ".sql", ".js", ".ts",
    ".java", ".scala", ".xml", ".bat", ".ps1", ".http", ".dvc",
)  # fmt: skip
NAMES = (
    "Dockerfile", "Makefile", "config", "credentials", "id_rsa", "id_ed25519", ".netrc", ".npmrc", ".pypirc",
    ".pgpass", ".env", "Procfile", "Jenkinsfile", "kaggle.json",
)  # fmt: skip
# Sites of documentation: the key of their search is meant for every reader.
PAGES = ("docusaurus.config.", "mkdocs.")
LOCKS = ("package-lock.json", "yarn.lock", "pnpm-lock.yaml", "conda-lock.yml", "composer.lock")
LARGEST_BYTES = 2**20


@rule("SEC701", "secret-in-text", since="0.1", explore="error", team="error", production="error")
def secret_in_text(project: Project) -> Iterator[Found]:
    """Secrets live outside of the repository.

    Why:
        A key that was pushed once is in every clone and stays in the history; robots find it within
        minutes. 26% of 42 public projects held something that looks like one.
    Bad:
        ```toml
        [registry]
        token = "ghp_" + 36 letters and digits
        ```
    Good:
        ```toml
        [registry]
        token = "${REGISTRY_TOKEN}"
        ```
    Accepts:
        Keys of documentation and emulators (AKIAIOSFODNN7EXAMPLE, Azurite's), placeholders, variables,
        test values. It looks at code, configuration, and notebooks with their saved outputs, for keys of
        AWS, GitHub, GitLab, Slack, Google, OpenAI, Anthropic, Hugging Face, Stripe, Azure, PyPI, npm,
        SendGrid, Telegram, Databricks, Weights & Biases, Kaggle, private keys, and passwords that look
        made up. The secret itself is never shown, stored or hashed.
    References:
        https://docs.github.com/code-security/secret-scanning/introduction/about-secret-scanning
    """
    for module in project.modules:
        if module.notebook:
            yield from _in_notebook(module)
        else:
            yield from _in_text(module.path, module.text, keys_only=project.is_test(module.path))
    for path, file in project.files.items():
        name = path.rpartition("/")[2]
        is_read = name.endswith(READ) or name in NAMES or name.startswith(("Dockerfile", ".env"))
        if is_read and file.size_bytes <= LARGEST_BYTES and name not in LOCKS:
            is_page = name.startswith(PAGES)
            yield from _in_text(path, project.text(path), keys_only=is_page or project.is_test(path))


def _in_text(path: str, text: str, *, keys_only: bool) -> Iterator[Found]:
    for secret in find_secrets(text):
        if not (keys_only and secret.kind.startswith("a password")):
            yield _found(secret, place_in(text, path, secret))


def _in_notebook(module: Module) -> Iterator[Found]:
    assert module.notebook is not None
    for cell in module.notebook.cells:
        for secret in find_secrets(cell.written):
            yield _found(secret, place_in(cell.written, module.path, secret, cell=cell.number))
        for secret in find_secrets(cell.printed):
            line = cell.written.split("\n", 1)[0]
            at = Place(path=module.path, cell=cell.number, end_column=len(line) + 1)
            yield _found(secret, at, where=f"the output of cell {cell.number}")


def place_in(text: str, path: str, secret: Secret, *, cell: int = 0) -> Place:
    """The line of a secret, without its columns: what is shown has another length."""
    line = text.count("\n", 0, secret.found_at) + 1
    return Place(path=path, line=line, cell=cell)


def _found(secret: Secret, at: Place, where: str = "") -> Found:
    return Found(
        at=at,
        says=f"{where + ' shows' if where else 'this holds'} {secret.kind} ({secret.masked})",
        hint="withdraw it where it was issued, then read it from the environment",
    )
