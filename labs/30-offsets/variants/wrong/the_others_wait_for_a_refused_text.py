"""The worker stays at a refused text until it is parked; all others wait behind it."""
# caught by: others are applied before it is parked


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
            for record in list(self.waiting):
                if process(self.database, self.engine, record.event):
                    self.offsets.finish(batch.generation, record.partition, record.offset)
                    self.waiting.remove(record)
                else:
                    break
            self.consumer.commit(batch.generation, self.offsets.to_commit())
        except (EmbeddingFailed, BackendUnavailable):
            return False
        except CommitRefused:
            return True
        return True
