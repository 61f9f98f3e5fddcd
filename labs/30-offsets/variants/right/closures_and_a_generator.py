"""A worker whose step is one turn of a generator."""


class Worker:
    def __init__(self, database, engine, consumer):
        self._turns = self._work(database, engine, consumer)

    def step(self):
        return next(self._turns)

    def _work(self, database, engine, consumer):
        offsets, waiting = Offsets(), {}
        while True:
            try:
                batch = consumer.poll(MAX_IN_WORK - len(waiting))
            except BackendUnavailable:
                yield False
                continue
            if batch.generation != offsets.generation:
                offsets, waiting = Offsets(), {}
                offsets.assign(batch.generation, batch.assigned)
            for record in batch.records:
                offsets.take(record.partition, record.offset)
                waiting[record.partition, record.offset] = record.event
            well = True
            try:
                for place, event in list(waiting.items()):
                    if process(database, engine, event):
                        offsets.finish(batch.generation, *place)
                        del waiting[place]
                consumer.commit(batch.generation, offsets.to_commit())
            except CommitRefused:
                well = True
            except (BackendUnavailable, EmbeddingFailed):
                well = False
            yield well
