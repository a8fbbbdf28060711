"""Runs Python with packages: makes a virtual environment once for each list of them, then becomes its interpreter.

    python3 maestro_venv.py FOLDER REQUIREMENT... -- ARGUMENT...

The environments lie in FOLDER, named by a hash of the interpreter and the list. It runs as the job's main process, so
its output is in the job's log and a stop ends it as it ends the job.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys

# What pip says when it does not get through to the index, in one form or another.
UNREACHABLE = (
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Max retries exceeded",
    "ProxyError",
    "Connection refused",
    "Connection reset by peer",
    "502 Server Error",
    "503 Server Error",
    "504 Server Error",
)


def main():
    folder = sys.argv[1]
    end = sys.argv.index("--", 2)
    requirements, arguments = sys.argv[2:end], sys.argv[end + 1 :]
    identity = json.dumps([sys.version, sys.base_prefix, sorted(requirements)])
    path = os.path.join(folder, hashlib.sha256(identity.encode()).hexdigest()[:32])
    if not os.path.exists(os.path.join(path, "ready")):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(path + ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Another job may have made it while this one waited.
            if not os.path.exists(os.path.join(path, "ready")):
                make(path, requirements)
    python = os.path.join(path, "bin", "python")
    os.execv(python, [python, *arguments])


def make(path, requirements):
    # Half of one may be there: its job was killed.
    shutil.rmtree(path, ignore_errors=True)
    python = os.path.join(path, "bin", "python")
    venv = [sys.executable, "-m", "venv", path]
    pip = [python, "-m", "pip"]
    if has_pip():
        # A second pip would cost most of the time.
        venv.append("--without-pip")
        pip = [sys.executable, "-m", "pip", "--python", python]
    run(venv, "cannot make a virtual environment")
    # Without a retry pip does not say why it found nothing.
    options = ["install", "--no-input", "--disable-pip-version-check", "--retries", "3"]
    run(pip + options + requirements, "cannot install the requirements")
    with open(os.path.join(path, "ready"), "w"):
        pass


def has_pip():
    """Whether there is one that can install for another interpreter."""
    try:
        import pip

        major, minor = pip.__version__.split(".")[:2]
        return (int(major), int(minor)) >= (22, 3)
    except (ImportError, ValueError):
        return False


def run(command, failure):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    unreachable = False
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in process.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        text = line.decode(errors="replace")
        unreachable = unreachable or any(sign in text for sign in UNREACHABLE)
    if process.wait() == 0:
        return
    if unreachable:
        failure += ": the package index cannot be reached"
        with open(os.path.join(os.path.dirname(os.environ["MAESTRO_OUTPUT_FILE"]), "platform_error"), "w") as file:
            file.write(failure)
    sys.exit("maestro: " + failure)


main()
