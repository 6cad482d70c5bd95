"""A PostgreSQL server of the tests' own, in a temporary folder, where it is installed."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

PASSWORD = "s3cr\u00e9t/word@x"


def program(name):
    """Return the path of a program of PostgreSQL; None if it is not installed."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return shutil.which(name) or (str(places[0]) if places else None)


def unprivileged():
    """Return how a process is started that is not the administrator's: PostgreSQL refuses that."""
    if os.geteuid():
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return None


@contextlib.contextmanager
def server():
    """Start a server with the user ann and her password; give its address, without the password."""
    folder = Path(tempfile.mkdtemp(prefix="textlstm-pg-"))
    how = unprivileged() | {"cwd": folder, "stdout": subprocess.DEVNULL}
    how["stderr"] = subprocess.DEVNULL
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = None
    try:
        (folder / "password").write_text(PASSWORD)
        if "user" in how:
            for path in (folder, folder / "password"):
                os.chown(path, how["user"], how["group"])
        subprocess.run(
            [program("initdb"), "-D", folder / "data", "-U", "ann", "--auth=scram-sha-256", "-N",
             "--pwfile", folder / "password", "-E", "UTF8", "--locale=C"], check=True, **how,
        )  # fmt: skip
        process = subprocess.Popen(
            [program("postgres"), "-D", folder / "data", "-p", str(port), "-k", folder,
             "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"], **how,
        )  # fmt: skip
        yield f"postgresql://ann@127.0.0.1:{port}/postgres"
    finally:
        if process is not None:
            process.terminate()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
