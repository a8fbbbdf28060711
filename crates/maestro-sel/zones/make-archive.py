#!/usr/bin/env python3
"""make-archive.py TZDATA.ZI OUTPUT: builds the time zone archive that the crate carries.

TZDATA.ZI is the `tzdata.zi` of an IANA release built with the full history (PACKRATDATA=backzone PACKRATLIST=zone.tab),
as Debian ships it. `zic` compiles it; equal files are stored once. All numbers are little-endian.

    "SELZ" u16 names u16 blobs
    per name, sorted by spelling: u8 length, spelling, u16 blob
    per blob: u32 length
    the blobs, one after the other (TZif)
"""
import pathlib, struct, subprocess, sys, tempfile

# jiff wants the last transition of a file to agree with the rule in its footer. The slim file of this zone ends with a
# transition from before the rule; the fat one goes on to 2037.
FAT = ["America/Ojinaga"]


def compiled(style):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["zic", "-b", style, "-d", folder, source], check=True)
        root = pathlib.Path(folder)
        return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


source, output = sys.argv[1:]
files, fat = compiled("slim"), compiled("fat")
files.update((name, fat[name]) for name in FAT)
files.pop("Factory", None)
blobs, names = {}, []
for name in sorted(files):
    names.append((name.encode(), blobs.setdefault(files[name], len(blobs))))
out = [b"SELZ", struct.pack("<HH", len(names), len(blobs))]
out += [struct.pack("<B", len(name)) + name + struct.pack("<H", blob) for name, blob in names]
out += [struct.pack("<I", len(blob)) for blob in blobs]
out += list(blobs)
pathlib.Path(output).write_bytes(b"".join(out))
