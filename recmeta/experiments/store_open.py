"""How the file of a store is opened: to be written, or to be read where nothing may be written."""

import os
import sqlite3
import time
from pathlib import Path

from recmeta.experiments.store_migration import migrate
from recmeta.experiments.store_schema import VERSION, create, version_of

PATIENCE_S = 30  # seconds to wait for another process that writes


class StoreError(RuntimeError):
    """A file that is no store of this version, or that cannot be read or written."""


class DamagedStoreError(StoreError):
    """A store that SQLite cannot read any more: the disk, a copy that stopped halfway."""


def open_writable(path: Path) -> sqlite3.Connection:
    """A connection to a store of this version, which is made or moved to it if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise unwritten(path, error) from error
    try:
        _prepare(path, connection)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError):
            raise unwritten(path, error) from error
        if isinstance(error, sqlite3.DatabaseError):
            raise no_store(path, error) from error
        raise
    return connection


def open_readable(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing of a store, wherever it lies."""
    try:
        connection = _connect_to_read(path)
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"{path} cannot be read: {error}. Is it there, and may you read it?"
        ) from error
    except sqlite3.DatabaseError as error:
        raise no_store(path, error) from error
    version, others = _version_and_tables(connection)
    if version == VERSION:
        return connection
    connection.close()
    if version == 0:
        raise _foreign(path, others)
    if version == 1:
        raise StoreError(
            f"{path} is a store of version 1, and this only reads: it must become one of version "
            f"{VERSION} first, which opening it does where it may be written: "
            f"`recmeta store merge {path} --into NEW.sqlite`"
        )
    raise _of_other_version(path, version)


def damage_of(error: BaseException | None) -> sqlite3.DatabaseError | None:
    """What SQLite said of damaged pages, if that is behind an error; pandas wraps it in its own."""
    while error is not None:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT:
            assert isinstance(error, sqlite3.DatabaseError)
            return error
        error = error.__cause__
    return None


def no_store(path: Path, error: sqlite3.DatabaseError) -> StoreError:
    """What a person should know of a file that cannot be opened or read as a store."""
    if damage_of(error) is None:
        return StoreError(f"{path} is no results store: {error}")
    return DamagedStoreError(
        f"{path} is damaged ({error}); `recmeta store check {path}` looks at all of it"
    )


def unwritten(path: Path, error: sqlite3.OperationalError) -> StoreError:
    """What a person should know of a write that failed."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        why = "the disk is full. Make room and start again: it goes on where it was"
    elif code == sqlite3.SQLITE_BUSY:
        why = f"another process has had it locked for {PATIENCE_S} s. Try again when it is done"
    else:
        why = f"{error}. Is its folder there, and may you write in it?"
    return StoreError(f"{path} is as it was, nothing was written: {why}")


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    run = connection.execute
    version, others = _version_and_tables(connection)
    if version == 0 and others:
        raise _foreign(path, others)  # somebody's database: nothing is written into it
    _use_wal(connection)
    run("PRAGMA synchronous = NORMAL")  # survives the kill of a process, not always of power
    if version_of(connection) == VERSION:
        return
    run("BEGIN IMMEDIATE")
    version = version_of(connection)  # another process may have been first
    if version == 0:
        create(connection)
    elif version == 1:
        migrate(connection, path)
    run("COMMIT")
    if version == 1:
        _shrink(connection)
    elif version not in (0, VERSION):
        raise _of_other_version(path, version)


def _version_and_tables(connection: sqlite3.Connection) -> tuple[int, list[str]]:
    """Both as of one moment: another process may be making the store."""
    connection.execute("BEGIN")
    found = version_of(connection), _tables(connection)
    connection.execute("COMMIT")
    return found


def _use_wal(connection: sqlite3.Connection) -> None:
    """Waits for other processes itself: the change of mode is where SQLite does not."""
    patient_until = time.monotonic() + PATIENCE_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > patient_until:
                raise
            time.sleep(0.01)
        else:
            return


def _shrink(connection: sqlite3.Connection) -> None:
    """Give the space of version 1 back, if nobody else has the file open."""
    try:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:  # it stays larger than it must be, and is used again
        return


def _connect_to_read(path: Path) -> sqlite3.Connection:
    log = Path(f"{path}-wal")
    # who reads a WAL makes two files beside it, which only rw clears away again: left there by who
    # may not write the store, they would lock its owner out. No log: nobody writes now
    if path.is_file() and not os.access(path, os.W_OK) and not log.exists():
        return _connect(path, "mode=ro&immutable=1")
    try:
        return _connect(path, "mode=rw")  # SQLite takes ro where it must
    except sqlite3.OperationalError as error:
        primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if primary not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) or not path.is_file():
            raise
    # the folder cannot have those files. Then nobody writes, but what was not moved from the log
    # into the store would be overlooked
    if log.is_file() and log.stat().st_size > 0:
        raise StoreError(
            f"{path} has runs in {log.name} that cannot be read where nothing may be written: copy "
            "both to where it may"
        )
    return _connect(path, "mode=ro&immutable=1")


def _connect(path: Path, how: str) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?{how}"
    connection = sqlite3.connect(address, timeout=PATIENCE_S, isolation_level=None, uri=True)
    try:
        connection.execute("PRAGMA query_only = ON")
        _tables(connection)  # the first read says whether there can be any
    except BaseException:
        connection.close()
        raise
    return connection


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM sqlite_master LIMIT 3")]


def _foreign(path: Path, tables: list[str]) -> StoreError:
    return StoreError(f"{path} is no results store: it has {', '.join(tables) or 'no table'}")


def _of_other_version(path: Path, version: int) -> StoreError:
    return StoreError(
        f"{path} is a store of version {version}, this recmeta writes {VERSION}: "
        "use the recmeta that wrote it, or another --store"
    )
