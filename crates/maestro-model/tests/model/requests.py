#!/usr/bin/env python3
"""Write the request bodies of the conformance scenarios that this crate can judge to requests.jsonl.

The scenarios are programs, so a test in Rust cannot read them; run this when they change. One line per call:
[scenario, number of the recorded answer, verb and path, body, content type or null]. A long run of one character is
written as ⟦character*count⟧.
"""
import importlib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
sys.path.insert(0, str(ROOT / "conformance" / "scenarios"))
CALLS = ("POST /api/v3/workflows", "PUT /api/v3/workflows/actions/validate")


def wanted(step):
    line = step["call"]
    return line.removesuffix("/yaml") in CALLS or line.endswith(("/properties", "/properties/tag", "/actions/start"))


with open(HERE / "requests.jsonl", "w") as out:
    for area in ("definitions", "params"):
        for scenario in importlib.import_module(area).SCENARIOS:
            recorded = [step for step in scenario["steps"] if "sleep" not in step]
            for number, step in enumerate(recorded):
                if "call" in step and "body" in step and wanted(step):
                    line = [f"{area}/{scenario['id']}", number, step["call"], step["body"], step.get("type")]
                    text = json.dumps(line, ensure_ascii=False)
                    print(re.sub(r"(.)\1{99,}", lambda run: f"⟦{run[1]}*{len(run[0])}⟧", text), file=out)
