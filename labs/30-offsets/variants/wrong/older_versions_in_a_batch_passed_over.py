"""Of several versions in one batch the newest is worked on, and the others are finished; it is refused."""
# caught by: tried MAX_ATTEMPTS times and parked
# task: 5


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
            newest = {record.event.document: record for record in self.waiting}
            for record in list(self.waiting):
                old = newest[record.event.document] != record
                if old or process(self.database, self.engine, record.event):
                    self.offsets.finish(batch.generation, record.partition, record.offset)
                    self.waiting.remove(record)
            self.consumer.commit(batch.generation, self.offsets.to_commit())
        except (EmbeddingFailed, BackendUnavailable):
            return False
        except CommitRefused:
            return True
        return True
