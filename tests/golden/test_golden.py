"""haproxy.cfg of each *.env here, byte for byte as in the *.cfg beside it, and valid."""

import difflib
import os
import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = Path(ROOT, os.environ.get("LEASTJOBS_BUILD", "build")).resolve()
UPDATE = os.environ.get("LEASTJOBS_UPDATE_GOLDEN") == "1"
TIMEOUT_S = 60

every_case = pytest.mark.parametrize("case", sorted(path.stem for path in HERE.glob("*.env")))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What @FILES@ stands for in a case: a folder with a certificate, keys and a password."""
    folder = tmp_path_factory.mktemp("files")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=golden", "-keyout", key, "-out", certificate]
    subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True)
    (folder / "balancer.pem").write_bytes(certificate.read_bytes() + key.read_bytes())
    (folder / "keys").write_text("# the keys\nan-example-of-a-key\n")
    (folder / "password").write_text("an-example-of-a-password\n")
    return str(folder)


def generate(case, files, tmp_path):
    env_file = tmp_path / f"{case}.env"
    env_file.write_text((HERE / f"{case}.env").read_text().replace("@FILES@", files))
    done = subprocess.run(
        [BUILD / "leastjobs-genconf", "--env-file", env_file],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().replace(files, "@FILES@").encode()


@every_case
def test_the_configuration_is_the_expected_one(case, files, tmp_path):
    expected_path = HERE / f"{case}.cfg"
    generated = generate(case, files, tmp_path)
    if UPDATE:
        expected_path.write_bytes(generated)
    expected = expected_path.read_bytes() if expected_path.exists() else b""
    if generated == expected:
        return
    difference = difflib.unified_diff(
        expected.decode().splitlines(keepends=True),
        generated.decode().splitlines(keepends=True),
        f"tests/golden/{case}.cfg",
        "generated",
    )
    pytest.fail(
        "".join(difference) + "\nIf that is what you want: LEASTJOBS_UPDATE_GOLDEN=1 make golden",
        pytrace=False,
    )


@every_case
def test_haproxy_accepts_the_configuration_without_a_warning(case, files, tmp_path):
    text = (HERE / f"{case}.cfg").read_text().replace("@FILES@", files)
    path = tmp_path / "haproxy.cfg"
    # The names in the cases aren't anybody's: HAProxy would warn that they don't resolve. genconf
    # makes the state file beside the socket, where there is a folder for it.
    states = tmp_path / "states"
    states.write_text("1\n")
    text = text.replace("init-addr last,libc,none", "init-addr last,none")
    path.write_text(re.sub(r"(server-state-file) \S+", rf"\1 {states}", text))
    done = subprocess.run(
        [os.environ.get("LEASTJOBS_HAPROXY", "haproxy"), "-c", "-dW", "-f", path],
        # Debian has it in /usr/sbin.
        env={"PATH": os.environ["PATH"] + ":/usr/sbin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()


def test_the_case_of_everything_sets_every_option():
    text = (HERE / "everything.env").read_text()
    done = subprocess.run(
        [BUILD / "leastjobs-genconf", "--help"], capture_output=True, timeout=TIMEOUT_S, check=True
    )
    lines = done.stdout.decode().splitlines()
    names = [line.strip().split("=")[0] for line in lines if line[:3].strip().isupper()]
    assert len(names) > 10
    patterns = {name: name.replace("INSTANCE_N_", "INSTANCE_[0-9]+_") for name in names}
    assert [n for n in names if not re.search(f"^{patterns[n]}=", text, re.MULTILINE)] == []
