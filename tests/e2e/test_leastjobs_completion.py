"""Completion of the operator's program, by bash itself."""

import os
import shlex
import subprocess

from processes import ROOT, build_directory, environment

SCRIPT = ROOT / "completions" / "leastjobs.bash"


def complete(line, folder=None, **variables):
    """What bash offers for the last word of a line, as its programmable completion asks for it."""
    words = line.split(" ")
    quoted = " ".join(shlex.quote(word) for word in words)
    script = f"""
        . {shlex.quote(str(SCRIPT))}
        COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}
        $(complete -p leastjobs | sed 's/.*-F \\([^ ]*\\) .*/\\1/') leastjobs \
            {shlex.quote(words[-1])} {shlex.quote(words[-2])}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{build_directory()}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=environment(variables) | {"PATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.splitlines() if done.stdout.strip() else []


def test_commands_options_files_and_instances_are_completed(lab, tmp_path):
    farm = lab.start_farm(dict(zip((2, 17, 170), lab.sim(3).instances)))
    assert complete("leastjobs dr") == ["drain"]
    assert {"run", "status", "explain", "drain", "maint", "ready", "reload", "check"} <= set(
        complete("leastjobs ")
    )
    assert complete("leastjobs status --w") == ["--watch"]
    assert {"--json", "--sort", "--watch", "--help", "--env-file"} <= set(
        complete("leastjobs status --")
    )
    assert complete("leastjobs status --sort l") == ["load"]
    for command in ("drain", "maint", "ready", "explain"):
        assert complete(f"leastjobs {command} ", **farm.variables) == ["2", "17", "170"]
    assert complete("leastjobs drain 2 17", **farm.variables) == ["17", "170"]
    assert complete("leastjobs drain --wait --timeout ", **farm.variables) == []
    # Also those of the one that a file on the line says.
    (tmp_path / "my.env").write_text(f"STATUS_PORT={farm.status_port}\n")
    assert complete("leastjobs drain --env-file m", tmp_path) == ["my.env"]
    (tmp_path / "two  words").touch()
    assert complete("leastjobs drain --env-file tw", tmp_path) == ["two  words"]
    assert complete("leastjobs drain --env-file my.env 1", tmp_path) == ["17", "170"]
    farm.agent.stop()
    assert complete("leastjobs drain ", **farm.variables) == []
