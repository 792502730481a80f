"""A few threads that work through a list and can be left behind where they hang."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def work_through(
    items: Iterable[T],
    work: Callable[[T], None],
    *,
    threads: int,
    patience: Callable[[], float],
    ends: tuple[type[Exception], ...],
) -> bool:
    """Call ``work`` with every item, in their order, from at most ``threads`` threads.

    Returns when all is done, when ``work`` has raised one of ``ends``, or when ``patience`` (asked
    again and again) has no seconds left; threads that still wait for an answer are left behind,
    and what they do then is not waited for; False says that there are such. Any other exception is
    raised here.
    """
    waiting = deque(items)
    busy = threading.Condition()
    running = 0
    failed: list[BaseException] = []
    ended = False

    def run() -> None:
        nonlocal running, ended
        try:
            while not ended:
                try:
                    item = waiting.popleft()
                except IndexError:
                    return
                work(item)
        except ends:
            ended = True
        except BaseException as error:
            ended = True
            failed.append(error)
        finally:
            with busy:
                running -= 1
                busy.notify_all()

    started = [
        threading.Thread(target=run, name=f"github-{number}", daemon=True)
        for number in range(min(threads, len(waiting)))
    ]
    running = len(started)
    for thread in started:
        thread.start()
    with busy:
        while running and (left := patience()) > 0:
            busy.wait(min(left, 1.0))
        left_behind = running > 0
    ended = True
    if failed:
        raise failed[0]
    return not left_behind
