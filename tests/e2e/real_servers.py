"""Real instances: the servers that tools/fetch-servers fetches, with models that know nothing."""

import json
import os
import re
from pathlib import Path

from client import JOB_PATH, Connection, Job, http_request
from ports import Ports
from processes import ROOT, Process
from tiny_llama import tiny_llama
from tiny_whisper import silence, tiny_whisper
from waiting import wait_for

COMPLETIONS = "/v1/completions"
# More than anybody waits for: such a job ends when its client leaves.
ENDLESS_WORDS = 1_000_000_000
ENDLESS_SECONDS = 300
# One sample without labels of the Prometheus text format.
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*) (\S+)$", re.MULTILINE)


def servers_directory():
    """Where tools/fetch-servers has put them; the Makefile says the same."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME", "/"), ".cache")
    return Path(os.environ.get("LEASTJOBS_SERVERS") or Path(cache, "leastjobs/servers"))


class RealServer(Process):
    """One that works for as long as it is asked to, at the lowest priority."""

    program = None

    def __init__(self, name, directory, port, arguments):
        program = servers_directory() / self.program
        fetch = f"{ROOT}/tools/fetch-servers {program.parent}"
        assert program.exists(), f"{program} isn't there: {fetch}"
        command = ["nice", "-n", "19", program, "--host", "127.0.0.1", "--port", port]
        variables = {"LLAMA_CACHE": directory}
        super().__init__(name, command + arguments, directory, variables)
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def get(self, target, **options):
        return http_request(self.port, target=target, **options)

    def wait_until_ready(self):
        def ready():
            self.assert_alive_or_expected()
            try:
                return self.get("/health").status == 200
            except OSError:
                return False

        wait_for(ready, f"{self.name} to have loaded its model")
        return self

    def stop(self):
        """On SIGTERM they first do what waits (whisper.cpp), or hang at times (llama.cpp)."""
        if self.is_running():
            self.kill()
        return super().stop()


class Llama(RealServer):
    """llama.cpp's server; beyond its slots, requests wait in its own line."""

    program = "llama-server"
    slots = 2

    def __init__(self, name, directory, port):
        model = Path(directory, f"{name}.gguf")
        model.write_bytes(tiny_llama())
        arguments = ["--model", model, "--alias", "tiny", "--metrics", "--slots", "--offline"]
        arguments += ["--parallel", self.slots, "--threads", 1, "--context-shift"]
        super().__init__(name, directory, port, arguments)

    def requests(self):
        """How many requests it runs, and how many wait."""
        answer = self.get("/metrics")
        assert answer.status == 200, answer
        samples = dict(SAMPLE.findall(answer.body.decode()))
        kinds = ("processing", "deferred")
        return tuple(float(samples[f"llamacpp:requests_{kind}"]) for kind in kinds)

    def wait_for_requests(self, running, waiting):
        def right():
            found = self.requests()
            assert found == (running, waiting), f"{self.name} has {found}"
            return True

        wait_for(right, f"{self.name} to run {running} requests while {waiting} wait")


class Completion(Connection):
    """Words that were asked for, at the balancer's or an instance's port."""

    def __init__(self, port, words=ENDLESS_WORDS):
        super().__init__(port)
        request = {"prompt": "Say", "max_tokens": words, "ignore_eos": True, "temperature": 0}
        body = json.dumps(request | {"stream": words == ENDLESS_WORDS}).encode()
        self.send_head(
            "POST",
            COMPLETIONS,
            [
                ("Host", f"127.0.0.1:{port}"),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
            ],
        )
        self.send(body)

    def wait_for_a_word(self):
        """The head of a streamed answer, and its first event."""
        head = self.read_head()
        assert head.status == 200, head
        events = b""
        while b"data: {" not in events:
            data = self.read_some()
            assert data, f"closed without a word: {events!r}"
            events += data


class Whisper(RealServer):
    """whisper.cpp's server; it runs one job at a time and says nothing of those that wait."""

    program = "whisper-server"
    # One a connection (cpp-httplib's CPPHTTPLIB_THREAD_POOL_COUNT).
    threads = max(8, len(os.sched_getaffinity(0)) - 1)

    def __init__(self, name, directory):
        model = Path(directory, f"{name}.bin")
        model.write_bytes(tiny_whisper())
        # A port that somebody holds is of no use to it: it sets SO_REUSEPORT, not SO_REUSEADDR.
        ports = Ports()
        port = ports.take()
        ports.release()
        arguments = ["--model", model, "--threads", 1, "--inference-path", JOB_PATH]
        super().__init__(name, directory, port, arguments)

    def wait_until_running(self, count=1):
        """Waits until so many jobs have ever begun."""
        self.wait_for_err(r"processing '.*' \(\d+ samples", f"{count} jobs of {self.name}", count)


def transcription(port, seconds=ENDLESS_SECONDS, **fields):
    """A job that isn't sent yet."""
    return Job(port, job_time=None, file=silence(seconds), fields=fields)
