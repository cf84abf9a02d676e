"""A certificate authority of a test's own, by the openssl command."""

import subprocess


def _openssl(*arguments):
    command = ["openssl", *[str(argument) for argument in arguments]]
    result = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr.decode()


class Authority:
    def __init__(self, directory, name="ca"):
        self.directory = directory
        self.file = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        self._count = 0
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", f"/CN={name} of the tests"),
            *("-keyout", self._key, "-out", self.file),
        )

    def issue(self, subject_alternative_name):
        """Certificate and key for a server, as the simulator's arguments."""
        self._count += 1
        stem = self.directory / f"{self.file.stem}-{self._count}"
        key, request, certificate = (stem.with_suffix(s) for s in (".key", ".csr", ".crt"))
        extensions = stem.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={subject_alternative_name}\n")
        _openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", "/CN=an instance", "-keyout", key, "-out", request),
        )
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key),
            *("-set_serial", self._count, "-days", "2", "-extfile", extensions),
            *("-out", certificate),
        )
        return ["--tls-cert", certificate, "--tls-key", key]
