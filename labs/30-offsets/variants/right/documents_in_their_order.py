"""An event waits for earlier events of its document, and no other one does."""


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
            held = set()
            for record in list(self.waiting):
                if record.event.document in held:
                    continue
                if not process(self.database, self.engine, record.event):
                    held.add(record.event.document)
                else:
                    self.offsets.finish(batch.generation, record.partition, record.offset)
                    self.waiting.remove(record)
            self.consumer.commit(batch.generation, self.offsets.to_commit())
        except (EmbeddingFailed, BackendUnavailable):
            return False
        except CommitRefused:
            return True
        return True
