#!/usr/bin/env python3
"""Keeps the seeds of a fuzz target in one file, `corpus/TARGET.jsonl`: a JSON string a line.

corpus.py unpack TARGET FOLDER   writes them as files, and for `program` the recorded programs, too
corpus.py pack TARGET FOLDER     adds the files of a folder (minimise it first: the targets take `-merge=1`)
"""
import hashlib, json, pathlib, sys

HERE = pathlib.Path(__file__).parent
RECORDED = HERE / "../../../conformance/sel/corpus.jsonl"

def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

def recorded(target):
    return [row["expr"] for row in lines(RECORDED)] if target == "program" else []

def valid(data):
    # What the target sees of bytes that are no text: the part before them.
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data[: error.start].decode("utf-8")

do, target, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
seeds = HERE / "corpus" / f"{target}.jsonl"
if do == "unpack":
    folder.mkdir(parents=True, exist_ok=True)
    for text in lines(seeds) + recorded(target):
        data = text.encode("utf-8", "surrogatepass")
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
elif do == "pack":
    known = set(recorded(target))
    texts = set(lines(seeds) if seeds.exists() else [])
    texts |= {valid(path.read_bytes()) for path in folder.iterdir()}
    with seeds.open("w", encoding="utf-8") as out:
        for text in sorted(texts - known):
            out.write(json.dumps(text) + "\n")
else:
    sys.exit(__doc__)
