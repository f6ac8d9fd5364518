"""Carries each invocation from the journal to its notice: fetch, ask the model, store, tell."""

from __future__ import annotations

import asyncio
import logging
import time

from infra.local.async_endpoint.aws import Aws, Refused
from infra.local.async_endpoint.invocation import Invocation
from infra.local.async_endpoint.journal import Journal
from infra.local.async_endpoint.model_client import Answer, InferenceFailed, ModelClient
from infra.local.async_endpoint.notice import error_notice, success_notice
from infra.local.async_endpoint.settings import Location, Settings

logger = logging.getLogger(__name__)


class Worker:
    def __init__(self, settings: Settings, journal: Journal, aws: Aws, model: ModelClient) -> None:
        self._settings = settings
        self._journal = journal
        self._aws = aws
        self._model = model
        self._queue: asyncio.Queue[Invocation] = asyncio.Queue()
        self.running = 0

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    def accept(self, invocation: Invocation) -> None:
        """Written down first, queued second: once the caller hears 'accepted', a notice will come."""
        self._journal.add(invocation)
        self._queue.put_nowait(invocation)

    async def work(self) -> None:
        """Answer invocations for ever, `concurrency` at a time, beginning with those an earlier life left behind."""
        for invocation in self._journal.pending():
            self._queue.put_nowait(invocation)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.concurrency):
                group.create_task(self._work_one_after_another())

    async def _work_one_after_another(self) -> None:
        while True:
            invocation = await self._queue.get()
            self.running += 1
            try:
                await self._finish(invocation)
                self._journal.remove(invocation)
            except Refused:
                # Without a bucket or a topic there is nobody to tell; SageMaker drops such a notice as well.
                logger.exception("could not deliver the outcome of %s", invocation.inference_id)
                self._journal.remove(invocation)
            except Exception:
                # A fault of ours must not stop the others; the journal keeps this one for the next start.
                logger.exception("could not finish %s", invocation.inference_id)
            finally:
                self.running -= 1

    async def _finish(self, invocation: Invocation) -> None:
        name = self._settings.endpoint_name
        try:
            answer = await self._infer(invocation)
        except InferenceFailed as failure:
            logger.warning("%s failed: %s", invocation.inference_id, failure.reason)
            await self._aws.write(Location.parse(invocation.failure_location), failure.answer)
            topic, message = self._settings.error_topic, error_notice(invocation, name, failure.reason)
        else:
            logger.info("%s completed", invocation.inference_id)
            await self._aws.write(Location.parse(invocation.output_location), answer)
            topic = self._settings.success_topic
            message = success_notice(invocation, name, answer.content_type)
        await self._aws.publish(topic, message)

    async def _infer(self, invocation: Invocation) -> Answer:
        if time.time() > invocation.expires_at:
            reason = f"The request waited longer than its {invocation.ttl_seconds} seconds and expired."
            raise InferenceFailed.because("inference_timeout", reason)
        try:
            payload = await self._aws.read(Location.parse(invocation.input_location))
        except Refused as error:
            reason = f"The input could not be read: {error}"
            raise InferenceFailed.because("inference_failed", reason) from error
        return await self._model.invoke(invocation, payload)
