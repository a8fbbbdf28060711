"""What a Python step can say to maestro.

    import maestro

    day = maestro.params()["TARGET_RUN_DATE"]
    maestro.output("rows", 12)           # sets the step's param `rows`
    maestro.signal("table_ready", day=day)
    maestro.no_retry()                   # if this attempt fails, it is the last one
"""

import fcntl
import json
import os
import time

__all__ = ["params", "output", "signal", "no_retry"]


def params():
    """All params of the step and its workflow, as a dict."""
    with open(os.environ["MAESTRO_PARAMS_FILE"], encoding="utf-8") as file:
        return json.load(file)


def output(name, value):
    """Sets a param that the step declares; the value has to fit the param's type."""
    with _Output() as data:
        data.setdefault("params", {})[name] = value


def signal(name, **fields):
    """Announces a signal when the step has succeeded."""
    values = {"name": name, **fields}
    now = int(time.time() * 1000)
    param = {
        "type": "MAP",
        "value": {key: _definition(value) for key, value in values.items()},
        "evaluated_result": values,
        "evaluated_time": now,
    }
    with _Output() as data:
        artifacts = data.setdefault("artifacts", {})
        dynamic = artifacts.setdefault("maestro_dynamic_output", {"type": "DYNAMIC_OUTPUT"})
        dynamic.setdefault("signal_outputs", []).append(param)


def no_retry():
    """If this attempt fails, the step fails for good."""
    with _Output() as data:
        data.setdefault("artifacts", {})["maestro_retry"] = {"type": "RETRY", "retryable": False}


def _definition(value):
    if isinstance(value, bool):
        return {"type": "BOOLEAN", "value": value}
    if isinstance(value, int):
        return {"type": "LONG", "value": value}
    if isinstance(value, float):
        return {"type": "DOUBLE", "value": value}
    if isinstance(value, str):
        return {"type": "STRING", "value": value}
    if isinstance(value, dict):
        return {"type": "MAP", "value": {key: _definition(inner) for key, inner in value.items()}}
    if isinstance(value, (list, tuple)):
        for kind, name in ((bool, "BOOLEAN"), (int, "LONG"), (str, "STRING"), ((int, float), "DOUBLE")):
            if all(isinstance(item, kind) for item in value):
                return {"type": name + "_ARRAY", "value": list(value)}
    raise TypeError(f"a signal cannot carry {value!r}")


class _Output:
    """The output file, read and replaced under a lock: the processes of a job may all write to it."""

    def __enter__(self):
        self.path = os.environ["MAESTRO_OUTPUT_FILE"]
        self.lock = open(self.path + ".lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        try:
            with open(self.path, encoding="utf-8") as file:
                self.data = json.load(file)
        except FileNotFoundError:
            self.data = {}
        return self.data

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                text = json.dumps(self.data, allow_nan=False)
                with open(self.path + ".new", "w", encoding="utf-8") as file:
                    file.write(text)
                os.replace(self.path + ".new", self.path)
        finally:
            self.lock.close()
