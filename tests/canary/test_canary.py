"""No secret leaves: every byte that a run writes is searched for canaries, in every ending."""

from __future__ import annotations

import base64
import gzip
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

CANARIES = {
    "PROBE_TOKEN": "Kq7/x:R@p%2'W\"t\\m&9é+Zv3u",
    "PROBE_PASSWORD": "ěW\"8'\\Lr/:@%&n4Tj=Yx7 c?B0",
}
PLACES = ("log", "event", "metric", "print", "artifact")


def forms(secret: str) -> set[bytes]:
    """The secret as it would show in a log, a URL, JSON, SQL, a repr, hex or base64; pieces of it too."""
    raw = secret.encode()
    text = {
        secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1], secret.replace("'", "''"),
        secret[::-1], raw.hex(), raw.hex().upper(), secret[:12], secret[-12:],
    }  # fmt: skip
    coded = {base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)}
    other = {secret.encode("utf-16-le"), secret.encode("latin-1", "replace")}
    return {form.encode() for form in text} | coded | other


def leaks(root: Path, *texts: str) -> list[str]:
    """Where a canary shows: files by their path (and by their name), other texts by their number."""
    wanted = [form for secret in CANARIES.values() for form in forms(secret)]
    found = [
        str(number) for number, text in enumerate(texts) if any(form in text.encode() for form in wanted)
    ]
    for path in root.rglob("*"):
        if path.name == ".env" or not path.is_file():
            continue
        data = path.read_bytes() + str(path).encode()
        data += gzip.decompress(data) if path.suffix == ".gz" else b""
        found += [str(path.relative_to(root))] if any(form in data for form in wanted) else []
    return found


def children_of(root: Path) -> list[str]:
    """The arguments and the environment of each process that works in a run's own folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").resolve().is_relative_to(root / ".osiris"):
                told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                found.append(told.decode("utf-8", "replace"))
    return found


@pytest.fixture(params=["environment", ".env"])
def planted(lab: Any, request: pytest.FixtureRequest) -> dict[str, str]:
    """The canaries where the connection finds them; the environment to run in."""
    values = CANARIES | {"PROBE_PATH": "main"}
    if request.param == "environment":
        return {**os.environ, **values}
    lines = [f"{name}={_dotenv(value)}" for name, value in values.items()]
    (lab.root / ".env").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return dict(os.environ)


def _dotenv(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def endings(lab: Any) -> dict[str, tuple[dict[str, Any], int]]:
    """What the step that holds the secrets does, and the exit code."""
    tell = list(PLACES)
    return {
        "success": ({"run": {"leak": tell}}, 0),
        "exception": ({"run": {"leak": [*tell, "raise"]}}, 1),
        "exception in the stream": ({"batch": {"leak": ["raise"]}}, 1),
        "exception at the end": ({"end": {"leak": ["raise"]}}, 1),
        "exception while closing": ({"close": {"leak": ["raise"]}}, 1),
        "data error": ({"run": {"leak": [*tell, "data_error"]}}, 5),
        "exception in a cancel callback": ({"cancel": {"leak": ["raise"]}, "run": {"wait_for": "/never"}}, 1),
    }


ENDINGS = (
    "success", "exception", "exception in the stream", "exception at the end", "exception while closing",
    "data error", "exception in a cancel callback",
)  # fmt: skip


@pytest.mark.parametrize(
    ("ending", "adapter"),
    [*((ending, "local") for ending in ENDINGS), ("exception", "isolated"), ("data error", "isolated")],
)
def test_no_byte_of_a_secret_is_written(lab: Any, planted: dict[str, str], ending: str, adapter: str) -> None:
    at, exit_code = endings(lab)[ending]
    limit = {"timeout_seconds": 0.3} if "cancel" in at else {}
    lab.pipeline(
        lab.source("a", connection="@probe.main", at=at, **limit),
        lab.relay("b", "a.df"),
        lab.sink("s", "b.df"),
        lab.table("t", "b.df"),
    )
    form = [] if set(CANARIES) & set(planted) else ["--json"]  # both forms, without doubling the time
    done = lab.osiris("run", "pipelines/p.yaml", "--adapter", adapter, *form, env=planted)
    assert done.returncode == exit_code, done.stderr
    shown = lab.osiris("runs", "show", "last", env=planted)
    assert leaks(lab.root, done.stdout, done.stderr, shown.stdout, shown.stderr) == []
    assert "****" in "".join(p.read_text() for p in lab.root.glob("logs/run_*/*.jsonl")) + done.stderr


@pytest.mark.parametrize("adapter", ["local", "isolated"])
def test_no_byte_of_a_secret_is_written_when_interrupted(
    lab: Any, planted: dict[str, str], adapter: str
) -> None:
    at = {
        "run": {"leak": list(PLACES), "touch": lab.file("here")},
        "batch": {"wait_for": lab.file("never"), "leak": ["raise"]},
    }
    file = lab.pipeline(lab.source("a", connection="@probe.main", at=at), lab.sink("s", "a.df"))
    process = lab.start("run", file, "--adapter", adapter, env=planted)
    lab.wait_for("here")
    children = children_of(lab.root)
    assert len(children) == (adapter == "isolated" and Path("/proc/self").exists())
    assert leaks(lab.root, *children) == []
    process.send_signal(signal.SIGINT)
    assert leaks(lab.root, *process.communicate(timeout=30)) == []
    assert process.returncode == 130


@pytest.mark.parametrize(
    "command",
    [
        ["connections", "list"],
        ["connections", "list", "--json"],
        ["connections", "doctor"],
        ["connections", "doctor", "--json"],
        ["validate", "pipelines/p.yaml"],
        ["compile", "pipelines/p.yaml", "--json"],
        ["components", "show", "probe.source"],
    ],
    ids=" ".join,
)
def test_no_other_command_shows_one(lab: Any, planted: dict[str, str], command: list[str]) -> None:
    lab.pipeline(lab.source("a", connection="@probe.main"), lab.sink("s", "a.df"))
    done = lab.osiris(*command, env=planted)
    assert leaks(lab.root, done.stdout, done.stderr) == []


@pytest.mark.parametrize("form", sorted(forms(CANARIES["PROBE_TOKEN"])), ids=lambda form: form.hex()[:16])
@pytest.mark.parametrize("place", ["logs/run_x/events.jsonl", "out/rows.bin", ".osiris/work/spool.arrow"])
def test_the_search_finds_what_is_planted(tmp_path: Path, place: str, form: bytes) -> None:
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_bytes(b"before " + form + b" after")
    assert leaks(tmp_path) == [place]


def test_the_search_finds_a_leak_of_a_run(lab: Any, planted: dict[str, str]) -> None:
    """The same pipeline with the redactor switched off: what the probes say does come through."""
    at = {"run": {"leak": list(PLACES)}}
    lab.pipeline(lab.source("a", connection="@probe.main", at=at), lab.sink("s", "a.df"))
    program = (
        "import sys; from osiris import redaction; redaction.Redactor.learn = lambda *_: None\n"
        "from osiris.cli.main import main; sys.argv = ['osiris', 'run', 'pipelines/p.yaml']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=lab.root, env=planted, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    found = leaks(lab.root, done.stdout, done.stderr)
    assert {Path(place).name for place in found} == {"1", "events.jsonl", "metrics.jsonl"}


@pytest.fixture(autouse=True)
def _nothing_known_before() -> None:
    """The probes run in processes of their own; this one must not hold a canary in its environment."""
    assert not set(CANARIES) & set(os.environ)


SIDEWAYS = """

class Source(Source):
    def run(self, *, step_id, config, inputs, ctx):
        import logging, threading, warnings
        for value in (v.reveal() for v in config["resolved_connection"].values() if hasattr(v, "reveal")):
            sys.stderr.write(f"a: {value}" + chr(10))
            sys.stderr.buffer.write(f"b: {value}".encode() + bytes([10]))
            warnings.warn(f"c: {value}")
            logging.getLogger("x").error("d: %s", value)
            logging.basicConfig()
            logging.getLogger("x").error("e: %s", value)
            thread = threading.Thread(target=int, args=(f"f: {value}",))
            thread.start()
            thread.join()
        return super().run(step_id=step_id, config=config, inputs=inputs, ctx=ctx)
"""


def test_no_way_around_the_session_shows_one(lab: Any, planted: dict[str, str]) -> None:
    driver = lab.root / "components/probe/driver.py"
    driver.write_text(driver.read_text() + SIDEWAYS)
    lab.pipeline(lab.source("a", connection="@probe.main"), lab.sink("s", "a.df"))
    done = lab.osiris("run", "pipelines/p.yaml", env=planted)
    assert done.returncode == 0, done.stderr
    assert all(f"{letter}: ****" in done.stderr for letter in "abcdef")
    assert leaks(lab.root, done.stdout, done.stderr) == []
