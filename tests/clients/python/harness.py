"""What the tests of the Python clients share: a server process, and official clients aimed at it.

A test of a resource is written as

    class Roles(ServerTest):
        def test_life(self):
            \"\"\"CreateRole FetchRole: a role is made and found.\"\"\"
            role = self.rest.roles.create(...)

with the operation ids in its docstring. CONFAB_BIN names the binary; CONFAB_TEST_DATABASE, when it is set, the
PostgreSQL in which each server gets a database of its own.
"""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from unittest import mock
from urllib.parse import quote, urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

# Long enough for a busy machine; what waits in vain fails with the name of what it waited for.
PATIENCE = 20

_counter = count(1)


def unique(prefix):
    """A name that no other test of this run uses."""
    return f"{prefix}-{os.getpid()}-{next(_counter)}"


def phone():
    """An E.164 address that no other test of this run uses."""
    return f"+1555{8_000_000 + next(_counter)}"


def nobody(prefix):
    """A SID of the right shape, but of nothing."""
    return prefix + "0" * 32


def poll(what, question):
    """Asks again until the answer is something; for what is only told on request."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        # A breath between two requests, so that asking does not slow down what is asked for.
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE} s in vain for {what}")


def in_parallel(items, work, width=8):
    """The results of `work` over `items` in their order, a few at a time."""
    with ThreadPoolExecutor(width) as pool:
        return list(pool.map(work, items))


class LocalHttpClient(TwilioHttpClient):
    """Sends what is meant for `https://<product>.twilio.com` to `<origin>/<product>`."""

    def __init__(self, origin, **options):
        super().__init__(**options)
        self.origin = origin

    def request(self, method, url, *args, **kwargs):
        url = re.sub(r"^https://([\w-]+)(?:\.[\w-]+){0,2}\.twilio\.com", rf"{self.origin}/\1", url)
        return super().request(method, url, *args, **kwargs)


class Server:
    """A server on its own data directory and database."""

    def __init__(self, tls=False, env=None):
        """With `tls` it also serves TLS and is a proxy, after `confab tls init`."""
        self.account_sid = "AC" + secrets.token_hex(16)
        self.auth_token = secrets.token_hex(16)
        self.port = self.tls_port = None
        self._tls = tls
        self._env = env or {}
        self._process = self._database = None
        self._directory = tempfile.TemporaryDirectory(prefix="confab-python-")
        self.data_dir = Path(self._directory.name)
        self._database = _create_database()
        try:
            if self._tls:
                command = [_binary(), "tls", "init", "--data-dir", self.data_dir]
                subprocess.run(command, env=_environment(), check=True, stdout=subprocess.DEVNULL)
            self._spawn()
        except BaseException:
            self.stop()
            raise

    def _spawn(self):
        command = [_binary(), "serve", "--listen", "127.0.0.1:0", "--data-dir", self.data_dir]
        if self._tls:
            command += ["--tls", "127.0.0.1:0"]
        if self._database:
            command += ["--database", self._database]
        own = {"CONFAB_ACCOUNT_SID": self.account_sid, "CONFAB_AUTH_TOKEN": self.auth_token}
        self._process = subprocess.Popen(
            command,
            env={**_environment(), **own, **self._env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.data_dir,
        )
        log, listens = [], threading.Event()

        def read(lines):
            for line in lines:
                log.append(line)
                if told := re.search(r"(listening on|TLS:) +https?://\S+:(\d+)$", line):
                    if told[1] == "TLS:":
                        self.tls_port = int(told[2])
                    else:
                        self.port = int(told[2])
                if self.port and (self.tls_port or not self._tls):
                    listens.set()
            listens.set()

        self._reader = threading.Thread(target=read, args=[self._process.stdout], daemon=True)
        self._reader.start()
        if not listens.wait(PATIENCE) or not self.port:
            raise AssertionError("the server does not listen:\n" + "".join(log))

    def stop(self):
        """Ends the server in order and removes all that it stored."""
        process, self._process = self._process, None
        try:
            if process:
                process.send_signal(signal.SIGTERM)
                try:
                    status = process.wait(PATIENCE)
                finally:
                    process.kill()
                    self._reader.join(PATIENCE)
                    process.stdout.close()
                if status != 0:
                    raise AssertionError(f"the server ended with {status} after SIGTERM")
        finally:
            self._directory.cleanup()
            _drop_database(self._database)
            self._database = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def authority(self):
        """What a client has to trust."""
        return str(self.data_dir / "tls" / "ca.pem")

    def twilio(self, username=None, password=None):
        """The helper library, aimed at this server; by default as the account itself."""
        return Client(
            username or self.account_sid,
            password or self.auth_token,
            account_sid=self.account_sid,
            http_client=LocalHttpClient(self.url),
        )

    def request(self, method, target, auth=True, **options):
        """A bare request for what the helper library cannot express."""
        if auth is True:
            auth = (self.account_sid, self.auth_token)
        return requests.request(method, self.url + target, auth=auth or None, timeout=PATIENCE, **options)

    def handset(self, number):
        """The messages of a simulated phone."""
        return self.request("GET", f"/simulator/v1/Handsets/{quote(number, safe='')}/Messages").json()["messages"]

    @contextmanager
    def dns(self):
        """For as long as it lasts all names of *.twilio.com lead to the server's TLS port, as DNS and a server on port
        443 would have it. Names and certificates stay what they are."""
        resolve = socket.getaddrinfo

        def getaddrinfo(host, port, *args, **kwargs):
            name = host.decode() if isinstance(host, bytes) else host
            if name and name.endswith(".twilio.com") and str(port) in ("443", "https"):
                return resolve("127.0.0.1", self.tls_port, *args, **kwargs)
            return resolve(host, port, *args, **kwargs)

        with mock.patch("socket.getaddrinfo", getaddrinfo):
            yield


class ServerTest(unittest.TestCase):
    """Tests that share a server. `account` is the helper library, `rest` its Conversations API."""

    TLS = False

    @classmethod
    def setUpClass(cls):
        cls.server = Server(tls=cls.TLS)
        cls.addClassCleanup(cls.server.stop)
        cls.account = cls.server.twilio()
        cls.rest = cls.account.conversations.v1

    @contextmanager
    def refused(self, status, code, method=None):
        """What is done in it is refused by the server, and the library says how (TwilioRestException)."""
        with self.assertRaises(TwilioRestException) as caught:
            yield caught
        error = caught.exception
        self.assertEqual((error.status, error.code), (status, code), error.msg)
        # "Unable to fetch record: " and the server's own words.
        self.assertRegex(error.msg, r"^Unable to \w+ \w+: \S")
        if method:
            self.assertEqual(error.method, method)

    @contextmanager
    def refused_page(self, status, code):
        """As `refused`, for lists: the library raises another exception there, with the whole answer."""
        with self.assertRaises(TwilioException) as caught:
            yield
        what, answer = caught.exception.args
        self.assertEqual(what, "Unable to fetch page")
        self.assertEqual((answer.status_code, json.loads(answer.text)["code"]), (status, code), answer.text)

    def assert_model(self, instance, raw, unknown=frozenset()):
        """The library's model has all that the server sent but for `unknown`, and the server sent all that it has."""
        raw = {name: value for name, value in raw.items() if name not in unknown}
        known = {name.rstrip("_") for name in vars(instance) if not name.startswith("_")}
        self.assertEqual(known - set(raw), set(), f"not sent of {type(instance).__name__}")
        self.assertEqual(set(raw) - known, set(), f"not known to {type(instance).__name__}")
        for name, value in raw.items():
            shown = getattr(instance, name)
            if name.startswith("date_") and value is not None:
                self.assertIsNotNone(shown.tzinfo, name)
            elif isinstance(value, (dict, list)) or value is None:
                self.assertEqual(shown, value, name)

    def fetch_raw(self, instance):
        """What the server sends for an instance, by the instance's own URL."""
        parts = urlsplit(instance.url)
        answer = self.server.request("GET", urlunsplit(("", "", parts.path, parts.query, "")))
        self.assertEqual(answer.status_code, 200, answer.text)
        return answer.json()


def _binary():
    try:
        return os.environ["CONFAB_BIN"]
    except KeyError:
        raise AssertionError("CONFAB_BIN must be the path of the confab binary") from None


def _environment():
    """The server reads every CONFAB_ variable as an option; those of the test run are none."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CONFAB_")}


def _create_database():
    server = os.environ.get("CONFAB_TEST_DATABASE")
    if not server:
        return None
    name = "confab_python_" + secrets.token_hex(8)
    subprocess.run([_program("createdb"), f"--maintenance-db={server}", name], check=True)
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def _drop_database(url):
    if url:
        name = urlsplit(url).path.lstrip("/")
        server = f"--maintenance-db={os.environ['CONFAB_TEST_DATABASE']}"
        subprocess.run([_program("dropdb"), "--force", server, name], check=True)


def _program(name):
    found = shutil.which(name)
    if not found:
        raise AssertionError(f"`{name}` of PostgreSQL is not in PATH")
    return found
