"""What a distribution asks of the Makefile: hardened programs, its own flags, no -Werror."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(ROOT, os.environ.get("LEASTJOBS_BUILD", "build")).resolve()
TIMEOUT_S = 60
OBJECT = "obj/common/xalloc.o"


def run(*command):
    # Not the flags of the `make` that runs this.
    kept = {name: os.environ[name] for name in ("PATH", "CC") if name in os.environ}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=kept | {"LC_ALL": "C"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
        check=False,
        text=True,
    )


def build_object(folder, *variables):
    return run("make", "V=1", f"BUILD={folder}", *variables, f"{folder}/{OBJECT}")


@pytest.mark.parametrize("program", ["leastjobs-agent", "leastjobs-genconf"])
def test_the_programs_are_hardened(program):
    def readelf(what):
        done = run("readelf", "--wide", what, BUILD / program)
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert re.search(r"Type:\s+DYN \(Position-Independent Executable", readelf("--file-header"))
    assert "GNU_RELRO" in readelf("--program-headers")
    dynamic = readelf("--dynamic")
    assert re.search(r"\(FLAGS\).*\bBIND_NOW\b", dynamic)
    assert re.search(r"\(FLAGS_1\).*\bNOW\b.*\bPIE\b", dynamic)
    symbols = readelf("--symbols")
    assert "__stack_chk_fail" in symbols and "_chk@" in symbols, "no stack protector, or no fortify"


@pytest.mark.parametrize("variable", ["CPPFLAGS", "CFLAGS"])
def test_another_level_of_fortify_source_is_kept(tmp_path, variable):
    done = build_object(tmp_path, f"{variable}=-O2 -D_FORTIFY_SOURCE=3")
    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout and "redefined" not in done.stdout, done.stdout
    assert set(re.findall(r"-D_FORTIFY_SOURCE=\d", done.stdout)) == {"-D_FORTIFY_SOURCE=3"}


def test_fortify_source_is_there_by_default(tmp_path):
    done = build_object(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "-D_FORTIFY_SOURCE=2" in done.stdout


def test_a_compilers_warning_does_not_stop_a_build(tmp_path):
    header = tmp_path / "newer.h"
    header.write_text("#warning as a newer compiler has it\n")
    done = build_object(tmp_path, f"CFLAGS=-O2 -include {header}")
    assert done.returncode == 0, done.stdout
    assert "warning: #warning as a newer compiler has it" in done.stdout


def compiled(done):
    assert done.returncode == 0, done.stdout
    return re.findall(r" -c -o (\S+)", done.stdout)


def test_other_flags_build_again_and_the_same_do_not(tmp_path):
    built = [f"{tmp_path}/{OBJECT}"]
    assert compiled(build_object(tmp_path)) == built
    assert compiled(build_object(tmp_path)) == []
    quoted = "CPPFLAGS=-DQUOTED='\"it is \\\"quoted\\\"\"'"
    for flags in ("CFLAGS=-O1", "SANITIZE=-fsanitize=undefined", "LDFLAGS=-Wl,-O1", quoted):
        assert compiled(build_object(tmp_path, flags)) == built, flags
        assert compiled(build_object(tmp_path, flags)) == [], flags
    assert compiled(build_object(tmp_path)) == built
    assert compiled(build_object(tmp_path, "PKG_CONFIG=env pkg-config")) == built


def test_no_two_files_of_the_product_have_one_name():
    """Includes are relative to several folders; tests/fuzz/run puts all objects into one."""
    folders = run("make", "-s", "print-PRODUCT").stdout.split()
    for suffix in (".c", ".h"):
        paths = [path for folder in folders for path in Path(ROOT, folder).rglob(f"*{suffix}")]
        names = sorted(path.name for path in paths if path.name != "main.c")
        assert len(names) > 10
        assert names == sorted(set(names))


def broken_links(folder):
    broken = []
    for document in folder.rglob("*.md"):
        for link in re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", document.read_text()):
            if not re.match(r"[a-z]+:", link) and not (document.parent / link).exists():
                broken.append(f"{document.relative_to(folder)}: {link}")
    return broken


def test_what_is_installed_can_be_uninstalled(tmp_path):
    root = tmp_path / "a place with blanks"

    def make(target):
        done = run("make", target, f"BUILD={BUILD}", f"DESTDIR={root}", "PREFIX=/usr")
        assert done.returncode == 0, done.stdout

    def installed():
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    make("install")
    assert [path.name for path in tmp_path.iterdir()] == [root.name]
    assert "usr/bin/leastjobs-genconf" in installed()
    assert "usr/share/leastjobs/haproxy.cfg.in" in installed()
    template = root / "usr/share/leastjobs/haproxy.cfg.in"
    assert template.read_bytes() == Path(ROOT, "genconf/haproxy.cfg.in").read_bytes()
    documents = root / "usr/share/doc/leastjobs"
    assert broken_links(documents) == []
    make("uninstall")
    assert installed() == []
    assert not template.parent.exists() and not documents.exists()
