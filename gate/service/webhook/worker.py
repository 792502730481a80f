"""A worker: one event loop that answers reviews on the connections that it is handed.

python -m gate.service.webhook.worker DESCRIPTOR SETTINGS
"""

import asyncio
import contextlib
import gc
import os
import socket
import sys
from pathlib import Path

import uvloop

from gate.cluster.history import History
from gate.core.decision import Request
from gate.core.instants import SECOND, micros
from gate.core.policy import Action
from gate.inputs import Compiled
from gate.journal.writer import Journal
from gate.service.clock import utc_now
from gate.service.feed import FeedClient, Inputs, Message, Shipping, Templates
from gate.service.load.watch import Watch
from gate.service.logs import log
from gate.service.standings import Standings
from gate.service.webhook import channel as channels
from gate.service.webhook.app import Webhook
from gate.service.webhook.court import Court
from gate.service.webhook.deadlines import Deadlines
from gate.service.webhook.metrics import Metrics, timestamp
from gate.service.webhook.protocol import Connections
from gate.service.webhook.quick import Desk
from gate.service.webhook.readiness import Readiness
from gate.service.webhook.settings import Settings, decode
from gate.service.webhook.standing import Standing
from gate.service.webhook.tls import Certificate

DOOR = "webhook"
_LAST_ANSWERS_SECONDS = 1.0


class Worker:
    """Everything that one worker has, and its life from the first connection to the last."""

    def __init__(self, settings: Settings, channel: socket.socket) -> None:
        self._settings = settings
        self._channel = channel
        self._history = History()
        self._metrics = Metrics()
        self._deadlines = Deadlines()
        self._certificate = Certificate(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
        self._journal = Journal(
            Path(settings.journal),
            DOOR,
            loop=asyncio.get_running_loop(),
            cap_bytes=settings.journal_cap_bytes,
        )
        self._standings = Standings(
            settings.policy,
            settings.calendars,
            derive=Standing,
            changed=self._show_inputs,
            watch=Watch(os.environ),
        )
        self._readiness = Readiness(self._standings, self._certificate, self._journal)
        court = Court(
            standing=lambda: self._standings.current,
            history=self._history,
            journal=self._journal,
            metrics=self._metrics,
            environment=settings.environment,
            own_namespace=settings.own_namespace,
        )
        self._webhook = webhook = Webhook(
            court, self._readiness, self._metrics, self._deadlines, settings.limits
        )
        desk = Desk(court, self._metrics, self._deadlines, settings.limits)
        self._connections = Connections(
            webhook, self._certificate.context, settings.limits, desk.connection
        )
        webhook.closing = desk.closing = lambda: self._connections.closing
        self._over = asyncio.Event()
        self._history_known = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Answer until told to stop, or until the supervisor is gone."""
        await self._journal.opened()
        await self._standings.load()
        self._start(self._standings.follow())
        self._start(self._standings.take_turns())
        self._start(self._standings.observe())
        self._start(self._look_around())
        self._start(self._deadlines.run())
        asyncio.get_running_loop().add_reader(self._channel, self._hear)
        if self._settings.keeper:
            self._start(FeedClient().run(self._settings.feed_socket, self._told))
        await self._informed()
        _settle_memory()
        channels.order(self._channel, channels.READY)
        await self._over.wait()
        await self._end()

    async def _informed(self) -> None:
        """Wait for what keeper and load source know: a lock holds from the first answer on.

        Not for ever: where database, API server or load source do not answer, what is known has to
        do.
        """
        awaited = [self._standings.told_of_load]
        if self._settings.keeper:
            awaited.append(self._history_known)
        if self._settings.keeper and self._settings.database:
            awaited.append(self._standings.told_of_database)
        known = asyncio.gather(*(event.wait() for event in awaited))
        over = asyncio.ensure_future(self._over.wait())
        seconds = self._settings.limits.informed_seconds
        await asyncio.wait((known, over), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if not known.done():
            known.cancel()
            log("not-informed", seconds=seconds)

    def _start(self, work: "asyncio._CoroutineLike[None]") -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            # What runs for ever has ended: a bug. The supervisor starts a worker that is whole.
            log("worker-failed", error=f"{type(error).__name__}: {error}")
            self._over.set()

    def _hear(self) -> None:
        while (message := channels.receive(self._channel)) is not None:
            word, connection = message
            if connection is not None:
                connection.setblocking(False)
                self._connections.add(connection)
            elif word == channels.DRAIN:
                self._readiness.draining = True
            else:
                # CLOSE, or the supervisor is gone.
                asyncio.get_running_loop().remove_reader(self._channel)
                self._over.set()
                return

    async def _end(self) -> None:
        self._readiness.draining = True
        self._connections.last_answers()
        # Clients that are about to ask again are answered, and told that it was the last time.
        await self._connections.ended(_LAST_ANSWERS_SECONDS)
        self._connections.close_idle()
        if not await self._connections.ended(self._settings.limits.request_seconds):
            log("connections-cut", connections=len(self._connections))
        for task in list(self._tasks):
            task.cancel()
        await self._journal.close()

    def _told(self, message: Message) -> None:
        match message:
            case Inputs():
                self._standings.take(message)
            case Templates():
                self._history_told(message)
            case Shipping():
                self._metrics.show(
                    journal_records=message.depth_records,
                    journal_bytes=message.depth_bytes,
                    journal_oldest_seconds=message.oldest_seconds,
                )

    def _history_told(self, told: Templates) -> None:
        if told.reset:
            self._history.reset()
        self._history.remove(told.removed)
        self._history.add(told.added)
        if told.synced or told.trouble:
            self._history_known.set()
        self._metrics.show(
            rollback_history_synced=told.synced, rollback_templates=len(self._history)
        )

    async def _look_around(self) -> None:
        """Once a second: the certificate's files, and the gauges."""
        while True:
            if self._certificate.follow():
                log("certificate-reloaded", expires=self._certificate.expires)
            read_at = self._standings.read_at
            self._metrics.show(
                connections=len(self._connections),
                body_bytes=self._webhook.held_bytes,
                snapshot_age_seconds=-1.0
                if read_at is None
                else (utc_now() - read_at).total_seconds(),
                certificate_seconds_left=self._certificate.seconds_left(utc_now()),
                policy_refused=bool(self._standings.refused),
                journal_usable=self._journal.usable() is None,
                next_transition_timestamp_seconds=self._next_transition(),
                **self._observed_load(),
            )
            await asyncio.sleep(1.0)

    def _observed_load(self) -> dict[str, float]:
        inputs = self._standings.inputs
        facts = inputs.facts.observed if isinstance(inputs, Compiled) else None
        latest = facts.latest if facts is not None else None
        age = -1.0 if latest is None else max(micros(utc_now()) - latest.at, 0) / SECOND
        failed = facts is not None and facts.failed
        return {"observed_load_age_seconds": age, "observed_load_failed": failed}

    def _next_transition(self) -> float:
        request = Request(
            action=Action.DEPLOY, invoker="automation", environment=self._settings.environment
        )
        return timestamp(self._standings.inputs.decide(request, utc_now()).next_change)

    def _show_inputs(self) -> None:
        inputs = self._standings.inputs
        if isinstance(inputs, Compiled):
            log("inputs-in-force", policy=inputs.policy.sha256,
                calendar=inputs.facts.calendar.sha256, weddings=inputs.facts.calendar.weddings,
                locks=len(inputs.timeline.locks),
                overrides=len(inputs.facts.overrides))  # fmt: skip
        else:
            log("nothing-can-be-decided", why=str(inputs.problems[0]))


def _settle_memory() -> None:
    """Keep the collector of cycles away from what stays, and let it come less often.

    Requests leave next to no cycles, but each allocates containers by the dozen: with the usual
    thresholds the collector would come every few requests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def main() -> None:
    """Run a worker on the channel that the supervisor left open."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    settings = decode(sys.argv[2])
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_live(settings, channel))


async def _live(settings: Settings, channel: socket.socket) -> None:
    worker = Worker(settings, channel)
    try:
        await worker.run()
    finally:
        channel.close()


if __name__ == "__main__":
    main()
