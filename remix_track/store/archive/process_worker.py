"""A worker that is a process: `python -m remix_track.store.archive.process_worker FD`, talking over an open socket.

It ends when the process that started it does, however that happens: the other end of the socket is closed then.
"""

import logging
import os
import sys
import threading
from multiprocessing.connection import Connection
from queue import SimpleQueue

from remix_track import stop_signals
from remix_track.errors import InputError
from remix_track.store.archive.tasks import Setup, Task


def main() -> None:
    """Take the setup, say what is loaded, then do tasks until the pipe that brings them is closed."""
    stop_signals.leave_to_starter()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # What is wrong with a source is told with its task.
    logging.getLogger("remix_track").setLevel(logging.ERROR)
    connection = Connection(int(sys.argv[1]))
    received: SimpleQueue[Setup | Task] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, received), daemon=True).start()
    from remix_track.store.archive.worker import Worker

    setup = received.get()
    assert isinstance(setup, Setup)
    try:
        worker = Worker(setup)
    except InputError as error:
        connection.send(str(error))
        return
    connection.send(worker.networks)
    while True:
        task = received.get()
        assert isinstance(task, Task)
        connection.send(worker(task))


def _receive(connection: Connection, received: "SimpleQueue[Setup | Task]") -> None:
    try:
        while True:
            received.put(connection.recv())
    except (EOFError, OSError):
        # At once: what is under way is under a hidden name, and the next run does it again.
        os._exit(1)


if __name__ == "__main__":
    main()
