"""Each waiting record calls an engine that is away."""
# caught by: an outage


class Worker(Worker):
    def step(self):
        try:
            batch = self.consumer.poll(MAX_IN_WORK - len(self.waiting))
            if batch.generation != self.offsets.generation:
                self.offsets.assign(batch.generation, batch.assigned)
                self.waiting = []
            for record in batch.records:
                self.offsets.take(record.partition, record.offset)
            self.waiting += batch.records
            away = None
            for record in list(self.waiting):
                try:
                    done = process(self.database, self.engine, record.event)
                except EmbeddingFailed as error:
                    away = error
                    continue
                if done:
                    self.offsets.finish(batch.generation, record.partition, record.offset)
                    self.waiting.remove(record)
            if away:
                raise away
            self.consumer.commit(batch.generation, self.offsets.to_commit())
        except (EmbeddingFailed, BackendUnavailable):
            return False
        except CommitRefused:
            return True
        return True
