"""Steps that do what their config tells them: deliver, wait, hang, fail, leak, lie.

`at` maps a point of the step's life to an action: `Script` knows the points and the actions.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris import errors

SCHEMA = pa.schema({"id": pa.int64()})
PATIENCE_SECONDS = 30

VERBS = (
    *("touch", "jam", "warn", "print", "wait_for", "hang", "report", "measure", "look", "keep", "leak"),
    *("then_touch", "raise", "die"),
)
"""What an action may hold, in the order in which it is done; nothing is where the file `unless` exists."""


class Script:
    """Carries out the actions of one attempt. Points: run, open, batch, rows, end, close, cancel."""

    def __init__(self, config: Mapping[str, Any], ctx: Any) -> None:
        self._at = config.get("at", {})
        self._ctx = ctx
        self._secrets = {
            name: value.reveal()
            for name, value in (config.get("resolved_connection") or {}).items()
            if hasattr(value, "reveal")
        }
        if "close" in self._at:
            ctx.closing(self)
        if "cancel" in self._at:
            ctx.on_cancel(lambda: self.reach("cancel"))

    def close(self) -> None:
        self.reach("close")

    def reach(self, point: str, number: int | None = None) -> None:
        action = self._at.get(point)
        if action is None or action.get("number", number) != number:
            return
        if Path(action.get("unless", "/dev/null/none")).exists():
            return
        if self._ctx.attempt > action.get("attempts", self._ctx.attempt):
            return
        for verb in VERBS:
            if verb in action:
                getattr(self, f"_{verb}")(action[verb])

    def _touch(self, file: str) -> None:
        Path(file).touch()

    _then_touch = _touch

    def _wait_for(self, file: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not Path(file).exists() and not self._ctx.cancelled:
            assert time.monotonic() < deadline, f"nobody made {file}"
            time.sleep(0.005)

    def _hang(self, seconds: float) -> None:
        time.sleep(seconds)

    def _warn(self, message: str) -> None:
        self._ctx.log_event("warning", message=message)

    def _report(self, fields: dict[str, Any]) -> None:
        self._ctx.log_event("probe_reported", **fields)

    def _measure(self, value: float) -> None:
        self._ctx.log_metric("probe_measure", float(value), "things", kind="probe")

    def _look(self, _: bool) -> None:
        given = {"variables": sorted(os.environ), "folder": str(Path.cwd()), "arguments": sys.argv}
        self._ctx.log_event(
            "looked_around", **given, stdin=sys.stdin.read(), session=os.getsid(0) == os.getpid()
        )

    def _jam(self, text: str) -> None:
        """Write into every pipe that can be found."""
        for descriptor in range(3, 64):
            with suppress(OSError):
                if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                    os.write(descriptor, text.encode())

    def _print(self, text: str) -> None:
        sys.stdout.write(text)
        os.write(1, text.encode())

    def _keep(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self._ctx.artifacts_dir / name).write_text(text)

    def _die(self, how: str | int) -> None:
        if isinstance(how, int):
            os._exit(how)
        os.kill(os.getpid(), signal.Signals[how])

    def _leak(self, where: list[str]) -> None:
        for name, value in self._secrets.items():
            for place in where:
                getattr(self, f"_leak_by_{place}")(f"the {name} is {value}", value)

    def _leak_by_log(self, text: str, value: str) -> None:
        self._ctx.logger.warning("logging %s", text)

    def _leak_by_event(self, text: str, value: str) -> None:
        self._ctx.log_event("leak", text=text, nested={"deep": [text, {value: 1}]})

    def _leak_by_metric(self, text: str, value: str) -> None:
        self._ctx.log_metric("leak", 1, text=text)

    def _leak_by_print(self, text: str, value: str) -> None:
        sys.stdout.write(f"{text}\n{value[:10]}")
        sys.stdout.write(value[10:] + "\n")

    def _leak_by_artifact(self, text: str, value: str) -> None:
        (self._ctx.artifacts_dir / "note.txt").write_text("nothing secret")

    def _leak_by_raise(self, text: str, value: str) -> None:
        try:
            raise ValueError(text)
        except ValueError as error:
            raise RuntimeError(f"because {text!r}") from error

    def _leak_by_data_error(self, text: str, value: str) -> None:
        raise errors.DataError("DAT001", f"A row: {text}.", hint=f"Mend {value}.", details={"row": text})

    def _raise(self, name: str) -> None:
        message = f"The probe was told to raise {name}."
        target = errors.TargetState(self._at.get("target", "unchanged"))
        if name == "SystemExit":
            raise SystemExit(3)
        if name in ("RunError", "Cancelled", "DataError", "TargetBusy", "OutcomeUnknown", "ConnectionFailed"):
            code = {"TargetBusy": "CON022", "OutcomeUnknown": "TGT016"}.get(name, "DAT001")
            raise getattr(errors, name)(code, message, target=target)
        raise {"ValueError": ValueError, "MemoryError": MemoryError, "OSError": OSError}[name](message)


def batch(ids: list[int]) -> pa.RecordBatch:
    return pa.record_batch({"id": pa.array(ids, pa.int64())})


class Source:
    """`batches` batches of `rows` rows, numbered from `start`."""

    def run(self, *, step_id: str, config: Any, inputs: Any, ctx: Any) -> Any:
        script = Script(config, ctx)
        script.reach("run")
        if "returns" in config:
            return config["returns"]
        ctx.log_metric("rows_read", 0, "rows")
        return {"df": pa.RecordBatchReader.from_batches(SCHEMA, self._batches(config, script))}

    def _batches(self, config: Any, script: Script) -> Iterator[pa.RecordBatch]:
        size = config.get("rows", 1)
        for number in range(config.get("batches", 1)):
            script.reach("batch", number)
            first = config.get("start", 0) + number * size
            yield batch(list(range(first, first + size)))
        script.reach("end")


class Relay:
    """All rows of all inputs, one input after the other or in turn, `limit` of them at most."""

    def run(self, *, step_id: str, config: Any, inputs: Any, ctx: Any) -> Any:
        script = Script(config, ctx)
        script.reach("run")
        return {"df": pa.RecordBatchReader.from_batches(SCHEMA, self._batches(config, inputs, script))}

    def _batches(self, config: Any, inputs: Any, script: Script) -> Iterator[pa.RecordBatch]:
        left = config.get("limit", sys.maxsize)
        order = (
            _in_turn(inputs) if config.get("in_turn") else (b for reader in inputs.values() for b in reader)
        )
        while left > 0 and (found := next(order, None)) is not None:
            script.reach("batch")
            yield found.slice(0, left)
            left -= found.num_rows
        script.reach("end")


class Split:
    """Two outputs: rows with even and with odd ids."""

    def run(self, *, step_id: str, config: Any, inputs: Any, ctx: Any) -> Any:
        Script(config, ctx).reach("run")
        ids = inputs["df"].read_all()["id"].to_pylist()
        parts = {name: [i for i in ids if i % 2 == rest] for rest, name in enumerate(("even", "odd"))}
        return {name: pa.Table.from_batches([batch(part)]) for name, part in parts.items()}


class Sink:
    """The ids of each input, sorted, as JSON in `path`; `stop_after` and `claims` make it a liar."""

    def run(self, *, step_id: str, config: Any, inputs: Any, ctx: Any) -> Any:
        script = Script(config, ctx)
        script.reach("run")
        received: dict[str, list[int]] = {name: [] for name in inputs}
        with suppress(*([Exception] if config.get("swallows") else [])):
            for name, reader in inputs.items():
                for number, part in enumerate(reader):
                    script.reach("batch", number)
                    received[name] += part["id"].to_pylist()
                    if sum(map(len, received.values())) >= config.get("stop_after", sys.maxsize):
                        break
        script.reach("end")
        if "path" in config:
            written = {name: sorted(ids) for name, ids in received.items()}
            Path(config["path"]).write_text(json.dumps(written), encoding="utf-8")
        ctx.log_metric("rows_written", config.get("claims", sum(map(len, received.values()))), "rows")
        script.reach("written")
        return {}


def _in_turn(inputs: Any) -> Iterator[pa.RecordBatch]:
    readers = list(inputs.values())
    while readers:
        for reader in list(readers):
            try:
                yield reader.read_next_batch()
            except StopIteration:
                readers.remove(reader)
