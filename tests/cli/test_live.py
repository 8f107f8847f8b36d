"""The live display of `osiris run`, as a person sees it on a terminal."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FRAME = b"\x1b[?25l"
TITLE = re.compile(r"^p  (?:\d+ min )?\d+ s  \d+ of \d+ steps done$", re.MULTILINE)


@pytest.fixture
def run(lab: Any, screen: Callable[..., Any]) -> Callable[..., Any]:
    """Runs steps on a terminal; what they wait for is the file `go`."""

    def start(*steps: dict[str, Any], options: tuple[str, ...] = (), **terminal: Any) -> Any:
        file = lab.pipeline(*steps)
        return screen(lab.command("run", file, *options), lab.root, **terminal)

    return start


def waiting(lab: Any, number: int = 0, **more: Any) -> dict[str, Any]:
    """Action of a step that goes on when somebody says so."""
    return {"batch": {"number": number, "wait_for": lab.file("go"), **more}}


def go(lab: Any) -> None:
    (lab.root / "go").touch()


def steps_of(seen: Any) -> list[str]:
    """The lines of the board that show a step."""
    return [line for line in seen.lines if re.match(r"  [▸✓✗=↻·-] \S", line)]


def test_each_step_is_a_line_that_says_how_far_it_is(lab: Any, run: Any) -> None:
    seen = run(lab.source("orders", batches=3, rows=1000, at=waiting(lab, 2)), lab.sink("save", "orders.df"))
    seen.see(r"  ▸ orders +probe\.source +2,000 out .* 16 kB ", r"  ▸ save +probe\.sink +2,000 in  .* 16 kB ")
    assert len(TITLE.findall(seen.text)) == 1
    go(lab)
    assert seen.end() == 0
    assert seen.is_in_order
    assert not TITLE.search(seen.text)
    assert [line.split()[:2] for line in steps_of(seen)] == [["✓", "orders"], ["✓", "save"]]


def test_a_starved_step_names_whom_it_waits_for(lab: Any, run: Any) -> None:
    seen = run(
        lab.source("orders", at=waiting(lab)), lab.relay("big", "orders.df"), lab.sink("save", "big.df")
    )
    seen.see(r"▸ big .*  waiting for orders$", r"▸ save .*  waiting for big$", r"▸ orders .* \d+ s$")
    go(lab)
    assert seen.end() == 0


def test_a_step_that_is_held_up_names_by_whom(lab: Any, run: Any) -> None:
    """A batch has eight megabytes, a channel room for sixteen."""
    many = lab.source("orders", batches=5, rows=1_000_000)
    seen = run(many, lab.sink("save", "orders.df", at=waiting(lab)))
    seen.see(r"▸ orders .*  held up by save$", r"▸ save .* \d+ s$")
    go(lab)
    assert seen.end() == 0


def test_a_step_that_has_not_begun_names_what_it_comes_after(lab: Any, run: Any) -> None:
    """Two readers make the edge a spooled one."""
    seen = run(lab.source("a", at=waiting(lab)), lab.sink("s", "a.df"), lab.sink("t", "a.df"))
    seen.see(r"^    s +probe\.sink .* after a$", r"^    t +probe\.sink .* after a$", r"▸ a ")
    go(lab)
    assert seen.end() == 0


def test_a_step_that_is_over_is_shown_as_done(lab: Any, run: Any) -> None:
    """Although its region goes on."""
    seen = run(lab.source("a"), lab.sink("s", "a.df", at={"end": {"wait_for": lab.file("go")}}))
    seen.see(r"✓ a .* 1 out ", r"▸ s ", "1 of 2 steps done")
    go(lab)
    assert seen.end() == 0


def test_a_retry_is_announced_and_kept(lab: Any, run: Any) -> None:
    retry = {"max_attempts": 2, "initial_delay_seconds": 300, "max_delay_seconds": 300}
    seen = run(lab.source("a", retry=retry, at={"run": {"raise": "TargetBusy"}}), lab.sink("s", "a.df"))
    seen.see(r"^  ✗ a  CON022 .* trying again in \d+\.\d s$", r"^  ↻ a .* trying again in \d+ s$")
    seen.type("\x03")
    assert seen.end() == 130
    assert re.search(r"^  ✗ a  CON022 ", seen.text, re.MULTILINE)


def test_a_second_attempt_is_named(lab: Any, run: Any) -> None:
    retry = {"max_attempts": 2, "initial_delay_seconds": 0}
    at = {"run": {"attempts": 1, "raise": "TargetBusy"}} | waiting(lab)
    seen = run(lab.source("a", retry=retry, at=at), lab.sink("s", "a.df"))
    seen.see(r"▸ a .* attempt 2$")
    go(lab)
    assert seen.end() == 0


@pytest.mark.parametrize(
    "message",
    ["types were guessed", "日本語" * 40, "e\u0301" * 150, "\x1b[2J\x1b[10A\x9b5Bevil\r\x07", "two\nlines"],
    ids=["plain", "wide and wrapped", "combining", "hostile", "two lines"],
)
def test_a_warning_stays_above_the_board(lab: Any, run: Any, message: str) -> None:
    at = {"run": {"warn": message}} | waiting(lab)
    seen = run(lab.source("a", at=at), lab.sink("s", "a.df", at={"run": {"warn": "another one"}}), columns=80)
    seen.see(r"▸ a ", r"▸ s ", "^  ! a  ", "^  ! s  another one$")
    assert len(TITLE.findall(seen.text)) == 1
    assert len(steps_of(seen)) == 2
    assert seen.text.index("! a") < seen.text.index("steps done")
    go(lab)
    assert seen.end() == 0
    assert "! a" in seen.text
    assert "of 2 steps" not in seen.text


def test_what_a_driver_prints_goes_by_above(lab: Any, run: Any) -> None:
    """Even if it goes past us, straight to the terminal, where the cursor rests."""
    at = {"run": {"wait_for": lab.file("print")}, "end": {"print": "noise\n", "wait_for": lab.file("go")}}
    source = lab.source("a", batches=2, at=at)
    seen = run(source, lab.sink("s", "a.df"))
    seen.see("▸ a ")
    (lab.root / "print").touch()
    seen.see(r"noise\n(?:.*\n)*noise\n(?:.*\n)*.*▸ a ", r"▸ a .* 2 out")
    assert len(steps_of(seen)) == 2
    go(lab)
    assert seen.end() == 0
    assert seen.text.count("noise") == 2


@pytest.mark.parametrize("columns", [60, 40, 24])
def test_a_narrow_terminal_will_do(lab: Any, run: Any, columns: int) -> None:
    name = "a_step_with_a_rather_long_name"
    seen = run(
        lab.source(name, batches=2, rows=1_000_000, at=waiting(lab, 1)),
        lab.sink("s", f"{name}.df"),
        columns=columns,
    )
    seen.see(r"▸ a_step", r"▸ s ")
    assert len(steps_of(seen)) == 2
    go(lab)
    assert seen.end() == 0
    assert "done" not in seen.text


def test_sixty_columns_show_who_waits_for_whom(lab: Any, run: Any) -> None:
    source = lab.source("all_orders", batches=2, rows=1_000_000, at=waiting(lab, 1))
    seen = run(source, lab.sink("save_them", "all_orders.df"), columns=60)
    seen.see(
        r"▸ all_orders +1,000,000 out +\d+ s$", r"▸ save_them +1,000,000 in +\d+ s  waiting for all_\S+$"
    )
    go(lab)
    seen.end()


def test_more_steps_than_lines_show_what_runs_and_count_the_rest(lab: Any, run: Any) -> None:
    """The last two of forty steps run, when the others are done."""
    first = [step for n in range(19) for step in (lab.source(f"a{n}"), lab.sink(f"s{n}", f"a{n}.df"))]
    last = lab.source("last", needs=[f"s{n}" for n in range(19)], at=waiting(lab))
    seen = run(*first, last, lab.sink("t", "last.df"), lines=12)
    seen.see(r"  ▸ last .*\n  ▸ t ", r"^  … and 33 more: 33 done$", "38 of 40 steps done")
    go(lab)
    assert seen.end() == 0


def test_another_size_of_the_terminal_is_taken_up(lab: Any, run: Any) -> None:
    seen = run(lab.source("orders", at=waiting(lab)), lab.sink("save", "orders.df"), columns=100)
    seen.see(r"▸ orders +probe\.source")
    seen.resize(60, 20)
    seen.see(r"▸ orders +\d+ s$", r"▸ save +\d+ s  waiting for orders$")
    seen.resize(120, 40)
    seen.see(r"▸ orders +probe\.source", r"▸ save .* waiting for orders$")
    assert len(TITLE.findall(seen.text)) == 1
    assert len(steps_of(seen)) == 2
    go(lab)
    assert seen.end() == 0


def test_a_terminal_that_is_too_small_shows_no_board(lab: Any, run: Any) -> None:
    seen = run(lab.source("a", at=waiting(lab)), lab.sink("s", "a.df"), lines=30)
    seen.see("▸ a ")
    seen.resize(100, 3)
    seen.resize(100, 30)
    seen.see("▸ a ", "▸ s ")
    go(lab)
    assert seen.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_summary_and_a_terminal_in_order(lab: Any, run: Any, number: int) -> None:
    seen = run(lab.source("a", at=waiting(lab)), lab.sink("s", "a.df"))
    seen.see("▸ a ", "▸ s ")
    if number == signal.SIGINT:
        seen.type("\x03")
    else:
        seen.process.send_signal(number)
    assert seen.end() == (130 if number == signal.SIGINT else 143)
    assert seen.is_in_order
    assert not TITLE.search(seen.text)
    assert re.search(r"^  stopping …", seen.text, re.MULTILINE)
    assert re.search(r"^p was interrupted in \d", seen.text, re.MULTILINE)
    assert [line.split()[1] for line in steps_of(seen)] == ["a", "s"]


def test_an_end_at_once_leaves_a_terminal_in_order(lab: Any, run: Any) -> None:
    seen = run(lab.source("a", at={"run": {"hang": 60}}), lab.sink("s", "a.df"))
    seen.see("▸ a ", "▸ s ")
    seen.type("\x03")
    seen.see("stopping …", "▸ a ")
    seen.type("\x03")
    assert seen.end() == 130
    assert seen.is_in_order
    assert steps_of(seen) == []


def test_a_process_that_is_killed_leaves_a_cursor(lab: Any, run: Any) -> None:
    seen = run(lab.source("a", at=waiting(lab)), lab.sink("s", "a.df"))
    seen.see("▸ a ", "▸ s ")
    seen.process.kill()
    seen.end()
    assert seen.is_in_order


def test_a_run_that_cannot_begin_leaves_a_terminal_in_order(lab: Any, run: Any) -> None:
    seen = run(lab.source("a", no_such=1), lab.sink("s", "gone.df"))
    assert seen.end() == 3
    assert seen.is_in_order


def test_a_run_that_is_put_aside_gives_the_terminal_back(lab: Any, screen: Any) -> None:
    file = lab.pipeline(lab.source("a", at=waiting(lab)), lab.sink("s", "a.df"))
    run = " ".join(lab.command("run", file))
    script = f"set -m; {run}; echo put aside; read -r; fg"
    seen = screen(["bash", "-c", script], lab.root)
    seen.see("▸ a ", "▸ s ").type("\x1a")
    seen.see("^put aside$")
    assert steps_of(seen) == []
    seen.type("\r")
    seen.see(r"^put aside\n(?:.*\n)*.*▸ a ", "▸ s ")
    go(lab)
    assert seen.end() == 0
    assert seen.is_in_order


@pytest.mark.parametrize(
    ("columns", "component"), [(100, "filesystem.csv_extractor"), (60, " csv_extractor "), (45, "")]
)
def test_the_summary_fits_where_it_can(lab: Any, run: Any, columns: int, component: str) -> None:
    (lab.root / "a.csv").write_text("id\n1\n2\n")
    extract = lab.step("orders", "filesystem.csv_extractor", path="a.csv", schema={"id": "BIGINT"})
    seen = run(extract, lab.sink("save", "orders.df"), columns=columns)
    assert seen.end() == 0
    lines = steps_of(seen)
    assert [line.split()[1] for line in lines] == ["orders", "save"]
    assert all(line.endswith(" s") for line in lines)
    assert component in lines[0]
    assert ("csv_extractor" in lines[0]) is bool(component)


def test_a_terminal_that_does_not_know_its_size_is_taken_for_a_usual_one(lab: Any, run: Any) -> None:
    seen = run(lab.source("a", at=waiting(lab)), lab.sink("s", "a.df"))
    seen.resize(0, 0)
    seen.see("▸ a ", "▸ s ")
    go(lab)
    assert seen.end() == 0


def test_a_short_run_shows_its_summary_alone(lab: Any, run: Any) -> None:
    seen = run(lab.source("a"), lab.sink("s", "a.df"))
    assert seen.end() == 0
    assert "✓ a" in seen.text


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        (["--progress", "plain"], {}),
        (["--json"], {}),
        ([], {"TERM": "dumb"}),
        ([], {"PYTHONIOENCODING": "ascii:backslashreplace"}),
    ],
    ids=["plain", "json", "dumb terminal", "no Unicode"],
)
def test_where_it_is_not_wanted_or_not_understood_there_are_lines(
    lab: Any, run: Any, options: list[str], environment: dict[str, str]
) -> None:
    go(lab)
    seen = run(lab.source("a", at=waiting(lab)), lab.sink("s", "a.df"), options=tuple(options), **environment)
    assert seen.end() == 0
    assert FRAME not in seen.raw
    assert re.search(r"^  (…|\\u2026) a  probe.source$", seen.text, re.MULTILINE)
    assert not options or options == ["--json"] or "succeeded" in seen.text


def test_quiet_leaves_what_must_not_be_missed(lab: Any) -> None:
    at = {"run": {"warn": "look here"}}
    file = lab.pipeline(lab.source("a", at=at), lab.sink("s", "a.df"))
    assert lab.osiris("run", file, "--progress", "quiet").stderr == "  ! a  look here\n"


def test_a_style_that_does_not_exist_is_exit_2(lab: Any) -> None:
    done = lab.osiris("run", "p.yaml", "--progress", "loud", "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (2, "USE001")


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_the_board_has_colours_only_where_they_are_wanted(
    lab: Any, run: Any, environment: dict[str, str], coloured: bool
) -> None:
    seen = run(lab.source("a", at=waiting(lab)), lab.sink("s", "a.df"), **environment)
    seen.see("▸ a ", "▸ s ")
    go(lab)
    assert seen.end() == 0
    assert bool(re.search(rb"\x1b\[[0-9;]*m", seen.raw)) is coloured


def test_secrets_do_not_get_into_the_board(lab: Any, run: Any, tmp_path: Path) -> None:
    """A step whose id is a password: the record calls it by its name, the screen does not."""
    source = lab.source("supersecret_step", connection="@probe.main", at=waiting(lab))
    seen = run(
        source,
        lab.sink("s", "supersecret_step.df"),
        PROBE_PASSWORD="supersecret_step",
        PROBE_TOKEN="token-canary",
        PROBE_PATH="main",
    )
    seen.see(r"▸ \*{4} ", r"▸ s .* waiting for \*{4}$")
    go(lab)
    seen.end()
    assert "supersecret_step" not in seen.text
    assert os.fsencode("token-canary") not in seen.raw
