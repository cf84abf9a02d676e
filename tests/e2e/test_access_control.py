"""API keys and TLS at the front."""

import os
import signal
import socket
import ssl

import pytest

from certificates import Authority
from client import JOB_PATH, multipart
from processes import agent_command, genconf_command, run
from waiting import wait_for

KEY = "first-key-0123456789"
OTHER = "second/key+0123456789=="


def keys_file(lab, *keys, name="keys"):
    path = lab.directory / name
    path.write_text("# keys of the tests\n\n" + "".join(key + "\n" for key in keys))
    # HAProxy's master reads it, as root or as whoever started it.
    path.chmod(0o600)
    return path


def post(farm, *authorization):
    body, content_type = multipart()
    headers = [("Content-Type", content_type)]
    headers += [("Authorization", value) for value in authorization]
    return farm.request("POST", JOB_PATH, headers=headers, body=body)


def test_a_job_with_a_key_is_done_and_its_instance_never_sees_the_key(lab):
    farm = lab.start_farm(1, API_KEYS_FILE=keys_file(lab, KEY, OTHER))
    for key in (KEY, OTHER):
        assert post(farm, f"Bearer {key}").status == 200
        assert post(farm, f"bearer {key}").status == 200
    for record in farm.instances[1].requests():
        assert record.header("Authorization") is None


@pytest.mark.parametrize("extra", ["/", "/health", "/health,/docs/"])
def test_an_extra_path_that_is_a_status_path_lets_no_job_past_the_keys(lab, extra):
    farm = lab.start_farm(1, API_KEYS_FILE=keys_file(lab, KEY), EXTRA_PATHS=extra)
    for method in ("POST", "PUT", "DELETE"):
        for path in ("/", "/health"):
            assert farm.request(method, path, body=b"x").status == 405
    assert farm.counts() == {1: 0}
    assert farm.instances[1].requests() == []


@pytest.mark.parametrize(
    "authorization",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        ("Bearer wrong-key-0123456789",),
        (f"Bearer {KEY}x",),
        (f"Bearer {KEY[:-1]}",),
        (f"Bearer {KEY.upper()}",),
        (f"Basic {KEY}",),
        (KEY,),
        ("Bearer # keys of the tests",),
    ],
)
def test_anything_but_a_key_gets_the_same_401_and_reaches_no_instance(lab, authorization):
    farm = lab.start_farm(1, API_KEYS_FILE=keys_file(lab, KEY, OTHER))
    response = post(farm, *authorization)
    assert response.status == 401
    assert response.header("WWW-Authenticate") == "Bearer"
    assert response.json() == {"detail": "Unauthorized"}
    assert farm.counts() == {1: 0}


def test_without_a_key_nobody_learns_which_paths_there_are(lab):
    farm = lab.start_farm(1, API_KEYS_FILE=keys_file(lab, KEY))
    for method, path in (("GET", "/v1/models"), ("PUT", JOB_PATH), ("POST", "/transcribe")):
        assert farm.request(method, path).status == 401


@pytest.mark.parametrize("needs_key, without", [("no", 200), ("yes", 401)])
def test_the_status_is_open_or_not_by_choice(lab, needs_key, without):
    farm = lab.start_farm(1, API_KEYS_FILE=keys_file(lab, KEY), STATUS_NEEDS_KEY=needs_key)
    for path in ("/", "/health"):
        assert farm.request("GET", path).status == without
        headers = [("Authorization", f"Bearer {KEY}")]
        assert farm.request("GET", path, headers=headers).status == 200


def test_keys_are_in_no_log_and_in_no_process_list(lab):
    farm = lab.start_farm(1, API_KEYS_FILE=keys_file(lab, KEY), LOG_LEVEL="DEBUG")
    assert post(farm, f"Bearer {KEY}").status == 200
    assert post(farm, "Bearer wrong-key-0123456789").status == 401
    farm.wait_for_log(2)
    for process in (farm.agent, farm.haproxy):
        for text in (process.out(), process.err()):
            assert KEY not in text and "wrong-key" not in text
        for pid in [process.pid] + process.children():
            for name in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    assert KEY.encode() not in file.read()
    assert KEY not in farm.config_path.read_text()


def test_a_reload_takes_a_changed_file_of_keys(lab):
    farm = lab.start_farm(1, API_KEYS_FILE=keys_file(lab, KEY))
    assert post(farm, f"Bearer {OTHER}").status == 401
    keys_file(lab, OTHER)
    farm.haproxy.wait_for_err("Loading success")
    farm.haproxy.send_signal(signal.SIGUSR2)
    farm.haproxy.wait_for_err("Loading success", count=2)
    farm.wait_for_haproxy()
    wait_for(lambda: post(farm, f"Bearer {OTHER}").status == 200, "the new key to be good")
    wait_for(lambda: post(farm, f"Bearer {KEY}").status == 401, "the old key to be bad")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "has no key"),
        ("# only a comment\n", "has no key"),
        (f"{KEY}\nshort\n", "line 2"),
        (f"\n\n{KEY} {OTHER}\n", "line 3"),
        (f" {KEY}\n", "line 1"),
        (f"{KEY}'\n", "line 1"),
        ("=" * 20 + "\n", "line 1"),
        (f"{KEY}\u00e9\n", "line 1"),
    ],
)
def test_a_bad_file_of_keys_is_refused_without_showing_keys(lab, text, expected):
    path = lab.directory / "keys"
    path.write_text(text)
    path.chmod(0o600)
    variables = {"INSTANCE_1_URL": "http://127.0.0.1:1", "API_KEYS_FILE": path}
    result = run(genconf_command(), variables)
    message = result.stderr.decode()
    assert result.returncode == 2
    assert f'API_KEYS_FILE="{path}"' in message and expected in message
    assert result.stdout == b"" and KEY not in message and "short" not in message
    # The agent needs no key, and may not be allowed to read any.
    assert run(agent_command() + ["-t"], variables).returncode == 0


PASSWORD = "a-password:of+the(tests)"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "has no password"),
        ("# only a comment\n", "has no password"),
        (f"{PASSWORD}\nshort\n", "line 2"),
        ("eleven-of-th\n" "eleven-of-t\n", "line 2"),
        (f"{'x' * 128}\n{'x' * 129}\n", "line 2"),
        (f"{PASSWORD} \n", "line 1"),
        (f"{PASSWORD}\t\n", "line 1"),
        (f"{PASSWORD}\u00e9\n", "line 1"),
        (f"{PASSWORD}\0\n", "line 1"),
    ],
)
def test_a_bad_file_of_passwords_is_refused_without_showing_them(lab, text, expected):
    path = lab.directory / "password"
    path.write_text(text)
    path.chmod(0o600)
    variables = {"INSTANCE_1_URL": "http://127.0.0.1:1", "ADMIN_PASSWORD_FILE": path}
    result = run(genconf_command(), variables)
    message = result.stderr.decode()
    assert result.returncode == 2
    assert len(message.splitlines()) == 1
    assert f'ADMIN_PASSWORD_FILE="{path}"' in message and expected in message
    assert result.stdout == b"" and not {PASSWORD, "short", "eleven"} & set(message.split())
    assert run(agent_command() + ["-t"], variables).returncode == 0


@pytest.mark.parametrize("variable", ["TLS_CERT_FILE", "API_KEYS_FILE", "ADMIN_PASSWORD_FILE"])
@pytest.mark.parametrize("path", ["/nonexistent/file", "/etc"])
def test_a_secret_that_cannot_be_read_is_refused(variable, path):
    result = run(genconf_command(), {"INSTANCE_1_URL": "http://127.0.0.1:1", variable: path})
    assert result.returncode == 2
    assert path in result.stderr.decode() and "can't be read" in result.stderr.decode()


@pytest.mark.parametrize("variable", ["API_KEYS_FILE", "ADMIN_PASSWORD_FILE"])
def test_secrets_that_everybody_can_read_are_warned_of(lab, variable):
    path = keys_file(lab, KEY)
    path.chmod(0o644)
    result = run(genconf_command(), {"INSTANCE_1_URL": "http://127.0.0.1:1", variable: path})
    assert result.returncode == 0
    assert "chmod o-r" in result.stderr.decode()


def test_hsts_without_tls_is_refused():
    result = run(genconf_command(), {"INSTANCE_1_URL": "http://127.0.0.1:1", "HSTS_MAX_AGE": "60"})
    assert result.returncode == 2
    assert "TLS_CERT_FILE" in result.stderr.decode()


class TlsClient:
    """Requests over TLS, each on its own connection."""

    def __init__(self, farm, ca, **limits):
        self.port = farm.port
        self.context = ssl.create_default_context(cafile=str(ca))
        for name, value in limits.items():
            setattr(self.context, name, value)

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), 30)
        return self.context.wrap_socket(plain, server_hostname="localhost")

    def get(self, path):
        with self.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = b""
            while data := connection.recv(65536):
                answer += data
        return answer.decode()


@pytest.fixture
def certificate(lab):
    """The CA's file, and one with a certificate for localhost and its key."""
    authority = Authority(lab.directory)
    _, certificate, _, key = authority.issue("DNS:localhost")
    path = lab.directory / "balancer.pem"
    path.write_bytes(certificate.read_bytes() + key.read_bytes())
    path.chmod(0o600)
    return authority.file, path


def start_tls_farm(lab, certificate, **variables):
    farm = lab.start_farm(1, TLS_CERT_FILE=certificate[1], **variables)
    return farm, TlsClient(farm, certificate[0])


def test_tls_at_the_front_serves_jobs_and_the_instance_learns_of_it(lab, certificate):
    farm, client = start_tls_farm(lab, certificate)
    assert client.get("/health").startswith("HTTP/1.1 200")
    body, content_type = multipart()
    with client.connect() as connection:
        assert connection.version() == "TLSv1.3"
        connection.sendall(
            f"POST {JOB_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        assert connection.recv(12) == b"HTTP/1.1 200"
    (record,) = farm.instances[1].requests()
    assert record.header("X-Forwarded-Proto") == "https"


def test_tls_12_is_spoken_and_older_versions_are_not(lab, certificate):
    farm, _ = start_tls_farm(lab, certificate)
    new = TlsClient(farm, certificate[0], maximum_version=ssl.TLSVersion.TLSv1_2)
    with new.connect() as connection:
        assert connection.version() == "TLSv1.2"
        assert "GCM" in connection.cipher()[0] or "CHACHA20" in connection.cipher()[0]
    with pytest.warns(DeprecationWarning):
        old = TlsClient(farm, certificate[0], minimum_version=ssl.TLSVersion.TLSv1)
        old.context.maximum_version = ssl.TLSVersion.TLSv1_1
    old.context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        old.connect()


def test_http_2_is_not_offered(lab, certificate):
    _, client = start_tls_farm(lab, certificate)
    client.context.set_alpn_protocols(["h2", "http/1.1"])
    with client.connect() as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"


def test_plain_http_on_the_tls_port_gets_nothing(lab, certificate):
    farm, _ = start_tls_farm(lab, certificate)
    with socket.create_connection(("127.0.0.1", farm.port), 30) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            answer = connection.recv(65536)
        except ConnectionResetError:
            answer = b""
    assert b"HTTP" not in answer


@pytest.mark.parametrize("variables, expected", [({}, None), ({"HSTS_MAX_AGE": 31536000}, 31536000)])
def test_hsts_is_said_by_choice(lab, certificate, variables, expected):
    _, client = start_tls_farm(lab, certificate, **variables)
    for path in ("/health", "/nowhere"):
        answer = client.get(path).lower()
        if expected is None:
            assert "strict-transport-security" not in answer
        else:
            assert f"strict-transport-security: max-age={expected}\r\n" in answer


def test_started_as_root_haproxy_serves_as_somebody_else_in_a_chroot(lab):
    assert os.geteuid() == 0, "the suite runs as root"
    farm = lab.start_farm(1)
    assert farm.run_job().status == 200
    (worker,) = farm.haproxy.children()
    with open(f"/proc/{worker}/status") as file:
        fields = dict(line.split(":\t", 1) for line in file)
    assert set(fields["Uid"].split()) != {"0"} and "0" not in fields["Uid"].split()
    assert int(fields["CapEff"], 16) == 0
    assert os.readlink(f"/proc/{worker}/root") == "/var/lib/haproxy"
