"""Committed when it was read, as automatic commits do (twmb/franz-go issue 57)."""
# caught by: one worker reads all


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
            ends = {r.partition: r.offset + 1 for r in batch.records}
            self.consumer.commit(batch.generation, ends)
            for record in list(self.waiting):
                if process(self.database, self.engine, record.event):
                    self.offsets.finish(batch.generation, record.partition, record.offset)
                    self.waiting.remove(record)
        except (EmbeddingFailed, BackendUnavailable):
            return False
        except CommitRefused:
            return True
        return True
