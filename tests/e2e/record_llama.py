#!/usr/bin/python3 -B
"""Writes what the real llama-server says, idle and busy, into files for the unit tests.

    tests/e2e/record_llama.py DIRECTORY
"""

import sys
import tempfile
from pathlib import Path

from lab import Lab
from processes import run
from real_servers import Completion, Llama, servers_directory

TARGETS = {
    "health.json": "/health",
    "metrics.txt": "/metrics",
    "slots.json": "/slots",
    "models.json": "/v1/models",
}
README = """\
What llama.cpp's llama-server answers, recorded by tests/e2e/record_llama.py: idle after one
completion, and busy with {slots} completions running and one waiting.

{version}

Debian's packages (tools/fetch-servers):

{packages}
Command:

    {command}

Seen by hand with 0.7.0: while a model is loaded, 503 to /health and /metrics
(`{{"error":{{"message":"Loading model","type":"unavailable_error","code":503}}}}`); without `--metrics`
or with `--no-slots`, 501 to /metrics and /slots; with `--api-key` but without a key, 401 to all of
these but /health. /metrics is `text/plain; version=0.0.4`. It comes within milliseconds while a long
prompt is read. Whoever leaves while waiting is counted as deferred until there is a slot for it.
"""


def record(llama, state, directory):
    for name, target in TARGETS.items():
        answer = llama.get(target)
        assert answer.status == 200, answer
        Path(directory, f"{state}-{name}").write_bytes(answer.body)


def describe(llama, directory):
    version = run([servers_directory() / "llama-server", "--version"])
    packages = Path(servers_directory(), "versions").read_text()
    options = llama.command[llama.command.index("--alias") :]
    text = README.format(
        slots=Llama.slots,
        version=(version.stdout + version.stderr).decode().strip(),
        packages="".join(f"    {line}\n" for line in packages.splitlines()),
        command=" ".join(["llama-server --model tiny.gguf", *options]),
    )
    Path(directory, "README.md").write_text(text)


def main(directory):
    Path(directory).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        lab = Lab(scratch)
        try:
            llama = lab.start(Llama("llama", lab.directory, lab.ports.take())).wait_until_ready()
            Completion(llama.port, words=5).read_response("POST")
            llama.wait_for_requests(0, 0)
            record(llama, "idle", directory)
            completions = [Completion(llama.port) for _ in range(Llama.slots + 1)]
            llama.wait_for_requests(Llama.slots, 1)
            record(llama, "busy", directory)
            for completion in completions:
                completion.close()
            describe(llama, directory)
        finally:
            problems = lab.close()
        assert not problems, "\n".join(problems)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: tests/e2e/record_llama.py DIRECTORY")
    main(sys.argv[1])
