"""Pages in a headless Chromium, which talk to a balancer of another origin.

A page runs one piece of JavaScript and sends what it found to the server that it came from.
"""

import contextlib
import http.server
import json
import os
import queue
import shutil
import signal
import threading

from processes import Process, own_children
from waiting import SLOWNESS, wait_for

PAGE_TIMEOUT = 60
# Names for this host, so that pages have origins of their own. Who starts the tests is root,
# whom Chromium's sandbox refuses.
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--window-size=800,600",
    "--host-resolver-rules=MAP *.example 127.0.0.1",
]
# What a page may use; a problem that a page can't read is {"error": …}.
HELPERS = """
async function ask(method, path, headers = {}, body = undefined, more = {}) {
    try {
        const answer = await fetch(BALANCER + path, { method, headers, body, ...more });
        const text = await answer.text();
        return {
            status: answer.status,
            text,
            retryAfter: answer.headers.get("Retry-After"),
            type: answer.headers.get("Content-Type"),
        };
    } catch (error) {
        return { error: String(error) };
    }
}
function upload(headers = {}, more = {}, bytes = 100000) {
    const form = new FormData();
    form.append("file", new File([new Uint8Array(bytes)], "speech.wav", { type: "audio/wav" }));
    return ask("POST", "/v1/audio/transcriptions", headers, form, more);
}
"""
PAGE = """<!DOCTYPE html>
<meta charset="utf-8">
<title>A page of another origin</title>
<h1>A page of another origin</h1>
<p id="where"></p>
<pre id="found" style="white-space: pre-wrap">…</pre>
<script>
const BALANCER = %s;
document.getElementById("where").textContent = location.origin + " asks " + BALANCER;
%s
async function run() {
%s
}
run().catch((error) => ({ failed: String(error) })).then((found) => {
    document.getElementById("found").textContent = JSON.stringify(found, null, 1);
    return fetch("/found", { method: "POST", body: JSON.stringify(found) });
});
</script>
"""


class _Handler(http.server.BaseHTTPRequestHandler):
    """The pages' own server."""

    def do_GET(self):
        page = self.server.page if self.path == "/" else b""
        self.send_response(200 if page else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self.server.found.put(json.loads(body))

    def log_message(self, *_):
        pass


def chromium_command():
    found = shutil.which("chromium")
    assert found, "chromium isn't installed: tools/install-packages test"
    return found


@contextlib.contextmanager
def _page_server(port, page):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _Handler, False)
    server.allow_reuse_address = True
    server.server_bind()
    server.server_activate()
    server.page, server.found = page.encode(), queue.Queue()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run_page(lab, farm, script, host="page.example", port=None):
    """Opens a page at `host` whose script returns a value; returns that value.

    To see the page: add --screenshot=/tmp/page.png and --virtual-time-budget=20000 to OPTIONS, and
    wait for the process.
    """
    port = port or lab.ports.take()
    name = lab.name("chromium")
    directory = lab.directory / name
    page = PAGE % (json.dumps(f"http://127.0.0.1:{farm.port}"), HELPERS, script)
    command = [chromium_command(), *OPTIONS, f"--user-data-dir={directory}"]
    with _page_server(port, page) as server:
        variables = {"HOME": str(directory), "XDG_RUNTIME_DIR": str(directory)}
        before = set(own_children())
        process = Process(name, [*command, f"http://{host}:{port}/"], lab.directory, variables)
        try:
            found = server.found.get(timeout=PAGE_TIMEOUT * SLOWNESS)
        except queue.Empty:
            raise AssertionError(f"the page found nothing:\n{process.err()[-3000:]}") from None
        finally:
            _end(process, before)
    assert "failed" not in (found or {}), found
    return found


def _end(process, before):
    """Chromium, and what it has started."""
    if process.is_running():
        os.killpg(process.pid, signal.SIGKILL)
    process.popen.wait()
    end_children_since(before)


def end_children_since(before):
    """What a browser has left to us: all children that weren't there before."""

    def is_alone():
        for pid in set(own_children()) - before:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return set(own_children()) <= before

    wait_for(is_alone, "Chromium's processes to end")
