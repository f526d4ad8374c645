"""Random requests made of the server's own OpenAPI document: none may be answered with 5xx or an undocumented status.

CONFAB_BIN names the binary, CONFAB_SCHEMATHESIS_EXAMPLES how many requests each operation gets. The last line counts
the cases: `cases: 8030 generated, 8030 passed`.
"""

import base64
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path


class Server:
    """A server on a data directory of its own."""

    def __init__(self, directory):
        self.account, self.token = "AC" + secrets.token_hex(16), secrets.token_hex(16)
        own = {"CONFAB_ACCOUNT_SID": self.account, "CONFAB_AUTH_TOKEN": self.token}
        self.process = subprocess.Popen(
            [os.environ["CONFAB_BIN"], "serve", "--listen", "127.0.0.1:0", "--data-dir", str(directory)],
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=(Path(directory).parent / "server.log").open("wb"),
            text=True,
        )
        for line in self.process.stdout:
            if found := re.search(r"listening on +(http://\S+)", line):
                self.origin = found[1]
                return
        raise SystemExit("the server did not start")

    def post(self, path, **form):
        """Makes something; gives it."""
        body = urllib.parse.urlencode({name.replace("_", "."): value for name, value in form.items()}, doseq=True)
        return self.send(path, body.encode(), "application/x-www-form-urlencoded")

    def send(self, path, body, kind):
        basic = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        request = urllib.request.Request(
            self.origin + path, data=body, headers={"Authorization": f"Basic {basic}", "Content-Type": kind}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)


def items(server):
    """Something for each item of a path, so that requests get further than to 404."""
    service = server.post("/conversations/v1/Services", FriendlyName="random")["sid"]
    root = f"/conversations/v1/Services/{service}"
    conversation = server.post(f"{root}/Conversations", UniqueName="random")["sid"]
    at = f"{root}/Conversations/{conversation}"
    server.post(f"{at}/Participants", Identity="alice")
    message = server.post(f"{at}/Messages", Body="hello", Author="alice")["sid"]
    template = {"language": "en", "types": {"twilio/text": {"body": "hello {{1}}"}}}
    content = server.send("/content/v1/Content", json.dumps(template).encode(), "application/json")["sid"]
    messaging = server.post("/messaging/v1/Services", FriendlyName="random")["sid"]
    return {
        "AccountSid": server.account,
        "ChatServiceSid": service,
        "ServiceSid": service,
        "ConversationSid": conversation,
        "ChannelSid": conversation,
        "MessageSid": message,
        "UserSid": "alice",
        "ContentSid": content,
        "MessagingServiceSid": messaging,
    }


def main():
    directory = tempfile.TemporaryDirectory(prefix="confab-random-")
    server = Server(Path(directory.name) / "data")
    try:
        lines = [f'"path.{name}" = "{value}"' for name, value in items(server).items()]
        config = Path(directory.name) / "schemathesis.toml"
        config.write_text("[parameters]\n" + "\n".join(lines) + "\n")
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config),
            "run", f"{server.origin}/openapi.json",
            "--auth", f"{server.account}:{server.token}",
            "--checks", "not_a_server_error,status_code_conformance",
            "--phases", "examples,coverage,fuzzing",
            "--max-examples", os.environ.get("CONFAB_SCHEMATHESIS_EXAMPLES", "10"),
            "--workers", "2", "--no-color",
        ]
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    finally:
        server.stop()
    sys.stdout.write(ran.stdout)
    found = re.search(r"(\d+) generated(?:, (\d+) found \d+ unique failures)?(?:, (\d+) passed)?", ran.stdout)
    if not found or ran.returncode not in (0, 1):
        raise SystemExit("schemathesis did not run")
    generated, failed = int(found[1]), int(found[2] or 0)
    if ran.returncode and not failed:
        raise SystemExit("schemathesis found something")
    print(f"cases: {generated} generated, {generated - failed} passed")
    raise SystemExit(1 if failed else 0)


main()
