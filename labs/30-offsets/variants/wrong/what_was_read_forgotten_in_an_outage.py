"""What was read when the outage came is dropped; the log does not give it a second time."""
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
            work, self.waiting = self.waiting, []
            for record in work:
                if process(self.database, self.engine, record.event):
                    self.offsets.finish(batch.generation, record.partition, record.offset)
                else:
                    self.waiting.append(record)
            self.consumer.commit(batch.generation, self.offsets.to_commit())
        except (EmbeddingFailed, BackendUnavailable):
            return False
        except CommitRefused:
            return True
        return True
