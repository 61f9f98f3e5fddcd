"""Only the first assignment is taken over."""
# caught by: an outage: False


class Worker(Worker):
    def step(self):
        try:
            batch = self.consumer.poll(MAX_IN_WORK - len(self.waiting))
            if not self.offsets.generation:
                self.offsets.assign(batch.generation, batch.assigned)
                self.waiting = []
            for record in batch.records:
                self.offsets.take(record.partition, record.offset)
            self.waiting += batch.records
            for record in list(self.waiting):
                if process(self.database, self.engine, record.event):
                    self.offsets.finish(batch.generation, record.partition, record.offset)
                    self.waiting.remove(record)
            self.consumer.commit(batch.generation, self.offsets.to_commit())
        except (EmbeddingFailed, BackendUnavailable):
            return False
        except CommitRefused:
            return True
        return True
