"""Sends what is queued for webhooks: threads of the server, after the commit, with retries and time limits.

At least once: a delivery whose sender died is sent again, under the same delivery id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

import msgspec

from pavedroad.errors import PavedError
from pavedroad.kit.clock import now_ms
from pavedroad.kit.secrets import SecretFile
from pavedroad.kit.sql import Row, Transaction
from pavedroad.record import Record
from pavedroad.registry.webhook_addresses import AllowedHosts, check_url, machines, read_allowed
from pavedroad.registry.webhooks import SQL, Webhook, get_webhook, secret_name

LOG = logging.getLogger("pavedroad.webhooks")
LOOK_EVERY_S = 0.5
ANSWER_WITHIN_S = 10  # between two bytes
END_WITHIN_S = 30  # for the whole request
MACHINES_TRIED = 2  # of one name
LEASE_MS = 60_000  # then the sender is taken for dead
DELAYS_S = (1, 5, 30, 120, 600)  # before each further attempt
LONGEST_DELAY_S = 600
SENDERS = 8
SENDERS_PER_WEBHOOK = 4  # a slow receiver leaves room for others
KEPT_ANSWER_BYTES = 10_000
RETRIED = {408, 429, 500, 502, 503, 504}
KEPT_MS = {"delivered": 7 * 86_400_000, "failed": 30 * 86_400_000}
FORGET_EVERY_S = 3600


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request."""

    status: int = 0  # 0: there was no answer
    body: str = ""
    error: str = ""
    retry_after_s: int = 0

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_worth_a_retry(self) -> bool:
        return self.status in RETRIED or (self.status == 0 and not self.error.startswith("refused"))


def secrets_of(record: Record) -> SecretFile:
    return SecretFile(record.settings.home / "secrets.json")


def signature(secret: str, delivery_id: str, timestamp: str, body: bytes) -> str:
    """MLflow's: HMAC-SHA256 of `id.timestamp.body`, base64, behind its version."""
    signed = b".".join((delivery_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def send(url: str, body: bytes, *, delivery_id: str, secret: str | None, allowed: AllowedHosts) -> Sent:
    """One POST. Redirects are not followed. Raises nothing: what went wrong is in the answer."""
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "pavedroad",
        "X-MLflow-Delivery-Id": delivery_id,
        "X-MLflow-Timestamp": timestamp,
    }
    if secret is not None:
        headers["X-MLflow-Signature"] = signature(secret, delivery_id, timestamp, body)
    try:
        return _post(url, body, headers, allowed)
    except PavedError as error:
        return Sent(error=f"refused: {error}")
    except ssl.SSLError as error:
        return Sent(error=f"TLS: {error.reason or error}")
    except TimeoutError:
        return Sent(error="no answer in time")
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return Sent(error=f"{type(error).__name__}: {error}"[:300])


def _post(url: str, body: bytes, headers: dict[str, str], allowed: AllowedHosts) -> Sent:
    parts = check_url(url, allowed)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_WITHIN_S)
    connection.sock = _connect(host, port, allowed, use_tls=parts.scheme == "https")
    is_over = threading.Event()
    ended = threading.Timer(END_WITHIN_S, _shut, [connection.sock, is_over])
    ended.start()
    try:
        connection.request("POST", target, body=body, headers={"Host": parts.netloc, **headers})
        response = connection.getresponse()
        text = response.read(KEPT_ANSWER_BYTES).decode("utf-8", "replace")
        if is_over.is_set():
            raise TimeoutError
        wait = response.headers.get("Retry-After", "")
        return Sent(
            status=response.status,
            body=text,
            error="" if 200 <= response.status < 300 else f"answered {response.status}",
            retry_after_s=min(int(wait), LONGEST_DELAY_S) if wait.isascii() and wait.isdigit() else 0,
        )
    finally:
        ended.cancel()
        connection.close()


def _connect(host: str, port: int, allowed: AllowedHosts, *, use_tls: bool) -> socket.socket:
    failure: OSError = ConnectionError(f"no machine answers as {host}")
    for address in machines(host, port, allowed)[:MACHINES_TRIED]:
        try:
            connected = socket.create_connection(address, timeout=ANSWER_WITHIN_S)
        except OSError as error:
            failure = error
            continue
        if not use_tls:
            return connected
        try:
            return ssl.create_default_context().wrap_socket(connected, server_hostname=host)
        except BaseException:
            connected.close()
            raise
    raise failure


def _shut(connected: socket.socket, is_over: threading.Event) -> None:
    is_over.set()
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


class _Sender:
    """Looks for what is due and hands it to a few threads."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._allowed = read_allowed(record.settings.webhook_hosts)
        self._secrets = secrets_of(record)
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="webhook")
        self._busy: dict[str, str] = {}  # delivery -> webhook
        self._lock = threading.Lock()
        self._is_more = False
        self.woken = threading.Event()

    def look(self) -> None:
        self._is_more = False
        for row in self._record.db.all(SQL.due_deliveries, now_ms=now_ms(), limit=200):
            with self._lock:
                if row["id"] in self._busy:
                    continue
                of_webhook = sum(known == row["webhook_id"] for known in self._busy.values())
                if len(self._busy) >= SENDERS or of_webhook >= SENDERS_PER_WEBHOOK:
                    self._is_more = True
                    continue
                self._busy[row["id"]] = row["webhook_id"]
            self._pool.submit(self._deliver, row)

    def forget(self) -> None:
        for state, kept_ms in KEPT_MS.items():
            before_ms = now_ms() - kept_ms
            self._record.db.write(partial(_forget, state=state, before_ms=before_ms))

    def stop(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _deliver(self, row: Row) -> None:
        try:
            self._claim_and_send(row)
        except Exception as error:  # the database is away: sent again when the lease is over
            LOG.warning("a webhook's delivery %s could not be recorded: %s", row["id"], error)
        finally:
            with self._lock:
                del self._busy[row["id"]]
            if self._is_more:
                self.woken.set()

    def _claim_and_send(self, row: Row) -> None:
        now = now_ms()
        claimed = self._record.db.write(
            lambda tx: tx.run(SQL.claim_delivery, id=row["id"], now_ms=now, lease_ms=now + LEASE_MS)
        )
        if not claimed:
            return
        webhook = get_webhook(self._record.db, row["webhook_id"])
        sent = self._send(webhook, row)
        attempts = row["attempts"] + 1
        again = not sent.is_good and sent.is_worth_a_retry and attempts <= len(DELAYS_S)
        delay_s = max(DELAYS_S[attempts - 1], sent.retry_after_s) if again else 0
        state = "delivered" if sent.is_good else "waiting" if again else "failed"
        if state == "failed":
            host = urlsplit(webhook.url).hostname
            LOG.warning("webhook %s (%s) did not take %s: %s", webhook.name, host, row["event"], sent.error)
        self._record.db.write(
            lambda tx: tx.run(
                SQL.end_delivery,
                id=row["id"],
                state=state,
                next_ms=now_ms() + delay_s * 1000,
                http_status=sent.status,
                error=sent.error,
            )
        )

    def _send(self, webhook: Webhook, row: Row) -> Sent:
        secret = self._secrets.get(secret_name(webhook.id)) if webhook.has_secret else None
        if webhook.has_secret and secret is None:
            return Sent(error="refused: its secret is not on this machine; set it again")
        return send(
            webhook.url,
            row["body"].encode(),
            delivery_id=row["id"],
            secret=secret,
            allowed=self._allowed,
        )


def _forget(tx: Transaction, *, state: str, before_ms: int) -> None:
    tx.run(SQL.forget_deliveries, state=state, before_ms=before_ms)


@contextmanager
def delivering_webhooks(record: Record) -> Iterator[None]:
    """Send what is queued until the block ends. Raises ConfigError for a wrong `webhook_hosts`."""
    sender = _Sender(record)
    stopped = threading.Event()

    def look() -> None:
        forgotten = 0.0
        while not stopped.is_set():
            sender.woken.wait(LOOK_EVERY_S)
            sender.woken.clear()
            try:
                sender.look()
                if time.monotonic() - forgotten > FORGET_EVERY_S:
                    sender.forget()
                    forgotten = time.monotonic()
            except Exception as error:  # the database is away: the next look may reach it
                LOG.warning("could not look for what webhooks wait for: %s", error)

    thread = threading.Thread(target=look, name="webhooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        sender.woken.set()
        thread.join()
        sender.stop()


def check_address(url: str, record: Record) -> None:
    """Raises Invalid for an address that this server will not call."""
    check_url(url, read_allowed(record.settings.webhook_hosts))
