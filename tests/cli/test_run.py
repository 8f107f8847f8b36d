"""`osiris run` as a person, a script and a terminal see it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from osiris.adapters import ADAPTERS

HOSTILE = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202eevil\r\n✓ s  complete"


def good(lab: Any) -> Path:
    return lab.pipeline(lab.source("a", batches=3), lab.sink("s", "a.df"), lab.table("t", "a.df"))


def bad(lab: Any) -> Path:
    return lab.pipeline(lab.source("a", at={"run": {"raise": "DataError"}}), lab.sink("s", "a.df"))


def test_the_summary_says_what_was_written_where(lab: Any) -> None:
    (lab.root / "a.csv").write_text("id\n1\n2\n")
    extract = lab.step("a", "filesystem.csv_extractor", path="a.csv")
    file = lab.pipeline(
        extract, lab.step("f", "filesystem.csv_writer", "a.df", path="out/b.csv"), lab.table("t", "a.df")
    )
    done = lab.osiris("run", file)
    assert done.returncode == 0
    assert re.search(r"p succeeded in \d", done.stdout)
    assert re.search(r"out/b\.csv +2 rows, \d+ B +replace", done.stdout)
    assert re.search(r"wh\.duckdb:t +2 rows +append", done.stdout)
    folder = re.search(r"Evidence +(\S+)", done.stdout)
    assert folder
    assert (lab.root / folder[1] / "status.json").is_file()


def test_the_summary_says_how_much_and_how_fast(lab: Any) -> None:
    """The source pauses for longer than a second, so there is a speed, and a step that was waited for."""
    pause = {"batch": {"number": 1, "hang": 1.1}}
    done = lab.osiris(
        "run", lab.pipeline(lab.source("a", batches=2, rows=500, at=pause), lab.sink("s", "a.df"))
    )
    assert re.search(r"✓ a +probe\.source +1,000 rows out +8 kB +[\d.]+/s +\d+\.\d\d s$", done.stdout, re.M)
    assert re.search(r"✓ s +probe\.sink +1,000 rows in +8 kB +[\d.]+/s +\d+\.\d\d s$", done.stdout, re.M)
    assert re.search(r"^Slowest   a → s: s waited \d+\.\d\d s for a$", done.stdout, re.M)


def test_progress_goes_to_stderr(lab: Any) -> None:
    done = lab.osiris("run", good(lab))
    assert "… a  probe.source" in done.stderr
    assert "✓ s  3 rows" in done.stderr
    assert "…" not in done.stdout


def test_the_help_names_every_place_to_run(command: Any) -> None:
    (option,) = [line for line in command("run", "--help").out.splitlines() if "--adapter" in line]
    assert all(name in option for name in ADAPTERS)


@pytest.mark.parametrize("make", [good, bad])
def test_json_is_exactly_one_document(lab: Any, make: Any) -> None:
    done = lab.osiris("run", make(lab), "--json")
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode == (0 if make is good else 5)
    assert document["state"] == ("succeeded" if make is good else "failed")
    assert (document["error"] or {}).get("code") == (None if make is good else "DAT001")
    assert (lab.root / document["session"]).is_dir()


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["gone.yaml"], "USE003", 2),
        (["pipelines/p.yaml", "--adapter", "moon"], "USE001", 2),
        (["pipelines/p.yaml", "--param", "novalue"], "USE001", 2),
        (["pipelines/p.yaml", "--run-key", ""], "USE001", 2),
        (["pipelines/wrong.yaml"], None, 3),
        (["pipelines/p.yaml", "--no-such-option"], "USE001", 2),
    ],
)
def test_what_cannot_begin_is_one_document_too(
    lab: Any, arguments: list[str], code: str | None, exit_code: int
) -> None:
    good(lab)
    (lab.root / "pipelines/wrong.yaml").write_text("oml_version: '0.1.0'\nname: x\nsteps: []\n")
    done = lab.osiris("run", *arguments, "--json")
    document = json.loads(done.stdout)
    assert (document["ok"], done.returncode) == (False, exit_code)
    assert code in (None, document["error"]["code"])
    assert not list((lab.root / "logs").glob("run_*"))


def test_a_failure_is_told_with_place_and_hint(lab: Any) -> None:
    done = lab.osiris("run", bad(lab))
    assert done.returncode == 5
    assert "error DAT001" in done.stderr
    assert "where  step a" in done.stderr
    assert "target unchanged" in done.stderr
    assert "✗ a" in done.stdout


def test_what_a_driver_prints_is_no_part_of_the_answer(lab: Any) -> None:
    driver = lab.root / "components/probe/driver.py"
    driver.write_text(driver.read_text() + '\n\nprint("noise")\nprint("no line end", end="")\n')
    done = lab.osiris("run", good(lab), "--json")
    json.loads(done.stdout)
    assert "noise" in done.stderr
    assert "no line end" in done.stderr


def on_terminal(lab: Any, *arguments: Any, **environment: str) -> str:
    """All that the command writes to a terminal."""
    ours, theirs = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"} | environment
    process = subprocess.Popen(lab.command(*arguments), cwd=lab.root, env=env, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not data:
            break
        seen += data
    os.close(ours)
    process.wait(timeout=30)
    return seen.decode()


SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["terminal", "NO_COLOR", "dumb terminal"],
)
def test_colours_only_where_they_are_wanted(lab: Any, environment: dict[str, str], coloured: bool) -> None:
    assert bool(SGR.search(on_terminal(lab, "run", good(lab), **environment))) is coloured


def hostile(lab: Any) -> Path:
    """An error whose text would drive a terminal, and fake a line."""
    driver = lab.root / "components/probe/driver.py"
    driver.write_text(driver.read_text().replace("The probe was told to raise {name}.", repr(HOSTILE)[1:-1]))
    return bad(lab)


@pytest.mark.parametrize(
    "arguments",
    [["run", "pipelines/p.yaml", "--progress", "plain"], ["runs", "list"], ["runs", "show", "last"]],
)
def test_data_does_not_drive_the_terminal(lab: Any, arguments: list[str]) -> None:
    file = hostile(lab)
    if arguments[0] == "runs":
        lab.osiris("run", file)
    seen = SGR.sub("", on_terminal(lab, *arguments))
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", seen)
    assert "\r" not in seen.replace("\r\n", "")


def test_data_does_not_pass_for_a_line_of_progress(lab: Any) -> None:
    done = lab.osiris("run", hostile(lab))
    assert not [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("✓ s")]


@pytest.mark.parametrize(
    "arguments", [["run", "pipelines/p.yaml"], ["run", "pipelines/p.yaml", "--json"], ["runs", "list"]]
)
@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_nobody_reading_is_no_failure(lab: Any, arguments: list[str], closed: str) -> None:
    good(lab)
    process = lab.start(*arguments)
    getattr(process, closed).close()
    other = process.stderr if closed == "stdout" else process.stdout
    said = other.read()
    other.close()
    assert process.wait(timeout=30) == 0
    assert "Traceback" not in said
    assert "Error" not in said


def test_a_subfolder_of_the_project_will_do(lab: Any) -> None:
    good(lab)
    done = lab.osiris("run", "p.yaml", cwd=lab.root / "pipelines")
    assert done.returncode == 0, done.stderr
    assert list((lab.root / "logs").glob("run_*"))
    assert lab.written("s") == [0, 1, 2]


def test_a_terminal_that_knows_no_unicode_will_do(lab: Any) -> None:
    done = lab.osiris("run", good(lab), env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", ["logs", ".osiris", "build"])
def test_a_folder_that_cannot_be_written_is_a_coded_error(lab: Any, folder: str) -> None:
    """A file where the folder should be stands for all refusals: root may write anywhere else."""
    good(lab)
    (lab.root / folder).write_text("in the way")
    done = lab.osiris("run", "pipelines/p.yaml", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "RES003"
    assert "Traceback" not in done.stderr


def _can_mount() -> bool:
    return subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.skipif(not _can_mount(), reason="needs the right to mount")
@pytest.mark.parametrize("kilobytes", [4, 8, 12, 16, 24, 40])
@pytest.mark.parametrize("folder", ["logs", ".osiris"])
def test_a_full_disk_is_a_coded_error(lab: Any, folder: str, kilobytes: int) -> None:
    """The folder is a tmpfs that fills up at one moment or another; what is written is whole or not there."""
    (lab.root / folder).mkdir()
    chatty = {"batch": {"report": {"text": "x" * 200}}}
    lab.pipeline(
        lab.source("a", batches=200, rows=100, at=chatty), lab.table("t", "a.df"), lab.sink("s", "a.df")
    )
    mount = f'mount -t tmpfs -o size={kilobytes}k none {folder} && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", *lab.command("run", "pipelines/p.yaml", "--json")],
        cwd=lab.root, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    document = json.loads(done.stdout)
    assert "Traceback" not in done.stderr
    error = document["error"]
    if error is not None:
        assert error["code"] == "RES001"
        assert done.returncode == 1
    assert not (lab.root / "wh.duckdb").exists() or len(lab.rows_of("t")) == 20_000


@pytest.mark.parametrize("redirect", ["2>/dev/full", "2>&-", ">&-", ">&- 2>&-"])
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_a_stream_that_takes_nothing_is_no_failure(lab: Any, redirect: str, options: list[str]) -> None:
    command = lab.command("run", good(lab), *options)
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirect}', "sh", *command],
        cwd=lab.root, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert lab.written("s") == lab.rows_of("t") == [0, 1, 2]


@pytest.mark.parametrize("password", ["event", "state", "failed", "step_id", "DAT001"])
def test_a_password_that_is_a_word_of_ours_breaks_nothing(lab: Any, password: str) -> None:
    lab.pipeline(
        lab.source("a", connection="@probe.main", at={"run": {"raise": "DataError"}}), lab.sink("s", "a.df")
    )
    env = os.environ | {"PROBE_TOKEN": "token-canary", "PROBE_PASSWORD": password, "PROBE_PATH": "main"}
    document = json.loads(lab.osiris("run", "pipelines/p.yaml", "--json", env=env).stdout)
    assert (document["state"], document["error"]["code"]) == ("failed", "DAT001")
    (lab.root / ".osiris/runs.jsonl").unlink()
    (row,) = lab.project.index.rows()
    assert (row.state, row.error_code) == ("failed", "DAT001")
    events = json.loads(lab.osiris("runs", "show", "last", "--json").stdout)["events"]
    (resolved,) = [event for event in events if event["event"] == "connection_resolved"]
    assert resolved["secret_sources"].keys() == {"password", "token"}


STRAY = """

import logging, os, sys, warnings
print("noise")
sys.stdout.buffer.write(b"noise\\n")
os.write(1, b"noise\\n")
sys.__stdout__.write("noise\\n")
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "pipelines/p.yaml", "--json"],
        ["validate", "pipelines/p.yaml", "--json"],
        ["compile", "pipelines/p.yaml", "--json"],
        ["components", "validate", "--level", "strict", "--json"],
    ],
    ids=" ".join,
)
def test_no_way_of_printing_gets_into_the_answer(lab: Any, arguments: list[str]) -> None:
    driver = lab.root / "components/probe/driver.py"
    driver.write_text(driver.read_text() + STRAY)
    good(lab)
    done = lab.osiris(*arguments)
    json.loads(done.stdout)
    assert "noise" not in done.stdout


@pytest.mark.parametrize(
    ("ending", "code", "exit_code"),
    [
        ("sys.exit(0)", "INT001", 1),
        ("raise KeyboardInterrupt", "RUN004", 130),
        ("os.kill(os.getpid(), 2)", "RUN004", 130),
        ("os.kill(os.getpid(), 15)", "RUN004", 143),
    ],
)
@pytest.mark.parametrize("arguments", [["runs", "list"], ["run", "pipelines/p.yaml"]], ids=" ".join)
def test_code_that_ends_the_process_is_one_document(
    lab: Any, arguments: list[str], ending: str, code: str, exit_code: int
) -> None:
    """What is called before anything runs ends the process, or a signal comes there."""
    program = (
        "import os, sys\nfrom osiris.operations import runs\nfrom osiris.session import RunIndex\n"
        f"def act(*_):\n {ending}\n"
        "RunIndex.rows = runs._manifest_of = act\n"
        f"from osiris.cli.main import main\nsys.argv = {['osiris', *arguments, '--json']}\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=lab.root, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout)["error"]["code"] == code
    assert done.returncode == exit_code


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_a_component_is_loaded_is_one_document(lab: Any, number: int, exit_code: int) -> None:
    driver = lab.root / "components/probe/driver.py"
    wait = f"\n\nPath({lab.file('here')!r}).touch()\ntime.sleep(30)\n"
    driver.write_text(driver.read_text() + wait)
    good(lab)
    process = lab.start("components", "validate", "--level", "strict", "--json")
    lab.wait_for("here")
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == exit_code
    assert json.loads(said)["error"]["code"] == "RUN004"


def test_a_run_that_is_taken_up_says_so(lab: Any) -> None:
    first = lab.run_file(bad(lab))
    said = lab.osiris("run", "pipelines/p.yaml").stderr
    assert f"taking up {first.status.run_id} under its run key (--new starts afresh)" in said
    assert "taking up" not in lab.osiris("run", "pipelines/p.yaml", "--new").stderr


def merging(lab: Any, batches: int) -> Path:
    """One row per batch, its number as the key."""
    table = lab.table("t", "a.df", write_mode="merge", primary_key=["id"])
    return lab.pipeline(lab.source("a", batches=batches), table)


def test_a_merge_says_what_became_of_the_rows(lab: Any) -> None:
    assert re.search(
        r"wh\.duckdb:t +2 rows +merge \(2 new\)$", lab.osiris("run", merging(lab, 2)).stdout, re.M
    )
    again = lab.osiris("run", merging(lab, 3), "--json")
    target = json.loads(again.stdout)["steps"][1]["target"]
    assert (target["rows_inserted"], target["rows_updated"], target["rows_deleted"]) == (1, 2, 0)
    last = lab.osiris("run", merging(lab, 5))
    assert re.search(r"wh\.duckdb:t +5 rows +merge \(2 new, 3 updated\)$", last.stdout, re.M)


def test_a_target_has_one_name_whoever_has_written_it(lab: Any) -> None:
    lab.pipeline(
        lab.source("a"),
        lab.table("t", "a.df"),
        lab.step("f", "filesystem.csv_writer", "a.df", path="out/f.csv"),
    )
    names = []
    for _ in range(2):
        done = lab.osiris("run", "pipelines/p.yaml", "--run-key", "k", "--json")
        names.append([step["target"]["name"] for step in json.loads(done.stdout)["steps"] if step["target"]])
    assert names == [["wh.duckdb:t", "out/f.csv"]] * 2
