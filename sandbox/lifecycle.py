"""Start, status and stop of the one sandbox in a directory."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox import database, directory, logins, programs, state
from sandbox.cluster import Cluster
from sandbox.errors import SandboxError
from sandbox.ssh import servers
from sandbox.state import Ssh, State

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.options import Options


def start(path: Path, options: Options) -> State:
    """Start a sandbox in ``path``, or find the one that already runs with the same options.

    What an ended server or a killed starter left there is removed first.
    Raises: SandboxError, leaving nothing behind, or the running sandbox as it is.
    """
    options.check()
    path = directory.resolve(path)
    programs.find(options.server_bin)
    directory.prepare(path)
    with directory.locked(path):
        running = status(path)
        if running is not None:
            _require_same(path, running, options)
            return running
        _clean(path)
        try:
            return _start(path, options)
        except BaseException:
            _clean(path)
            directory.remove_if_empty(path)
            raise


def status(path: Path) -> State | None:
    """The sandbox that runs in ``path``, or None; with a part of its servers it does not run."""
    path = directory.resolve(path)
    cluster = Cluster.find(path)
    saved = state.read(path)
    if saved is None or cluster is None or not cluster.is_running():
        return None
    server = servers.find_in(path / directory.SSH)
    return saved if saved.ssh is None or (server is not None and server.is_running()) else None


def stop(path: Path) -> bool:
    """Stop the sandbox in ``path`` and remove all it wrote, also after a crash.

    Returns: whether there was anything to stop or remove.
    """
    path = directory.resolve(path)
    if not path.is_dir():
        return False
    with directory.locked(path):
        found = _clean(path)
        if found:
            directory.remove_if_empty(path)
        return found


def _start(path: Path, options: Options) -> State:
    cluster = Cluster.start(path, options.server_bin)
    (path / directory.HOST_FILES).mkdir(mode=0o700)
    database.create(
        cluster,
        database=options.database,
        profile=options.profile,
        scale=options.scale,
        environment=options.environment,
    )
    with cluster.connect(options.database) as connection:
        version = connection.info.parameter_status("server_version")
    server = servers.start(options.ssh_server, path / directory.SSH)
    new = State(
        admin_service=state.ADMIN_SERVICE,
        application_role=logins.APPLICATION,
        bin=str(cluster.bin),
        installed=str(programs.find(options.server_bin).bin),
        database=options.database,
        environment=options.environment,
        host=cluster.host,
        passfile=str(cluster.passfile),
        pid=cluster.pid,
        port=cluster.port,
        profile=options.profile,
        scale=options.scale,
        server_version=version or "",
        service=state.SERVICE,
        service_file=str(state.service_file(path)),
        ssh=None if server is None else Ssh.of(server.kind, server.endpoint),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    state.write(path, cluster, new)
    return new


def _require_same(path: Path, running: State, options: Options) -> None:
    have = {
        "profile": running.profile,
        "scale": running.scale,
        "environment": running.environment,
        "database": running.database,
        "server": running.installed or running.bin,
        "SSH server": servers.NONE if running.ssh is None else running.ssh.server,
    }
    want = {
        "profile": options.profile,
        "scale": options.scale,
        "environment": options.environment,
        "database": options.database,
        "server": str(programs.find(options.server_bin).bin),
        "SSH server": options.ssh_server,
    }
    different = [key for key in have if have[key] != want[key]]
    if different:
        raise SandboxError(
            f'a sandbox with other options already runs in "{path}"',
            detail="; ".join(f"{key}: have {have[key]}, want {want[key]}" for key in different),
            hint=f'Run "{state.command("stop", path)}" first, or choose another --directory.',
        )


def _clean(path: Path) -> bool:
    """Stop what runs in ``path`` and remove what is left; whether anything was there."""
    cluster = Cluster.find(path)
    if cluster is None:
        return False
    state.remove(path)
    # What runs there has the database in its hands, so it goes first.
    server = servers.find_in(path / directory.SSH)
    if server is not None:
        server.stop()
    shutil.rmtree(path / directory.SSH, ignore_errors=True)
    shutil.rmtree(path / directory.HOST_FILES, ignore_errors=True)
    # Last, because its record is what makes the directory ours.
    cluster.stop()
    return True
