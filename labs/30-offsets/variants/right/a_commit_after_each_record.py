"""Commits after each record that is finished, and once more before it reads on."""


class Worker(Worker):
    def step(self):
        try:
            if self.offsets.generation:
                self._commit()
            batch = self.consumer.poll(max(0, MAX_IN_WORK - len(self.waiting)))
            if batch.generation != self.offsets.generation:
                self.offsets.assign(batch.generation, batch.assigned)
                self.waiting.clear()
            for record in batch.records:
                self.offsets.take(record.partition, record.offset)
                self.waiting.append(record)
            again = []
            while self.waiting:
                record = self.waiting[0]
                done = process(self.database, self.engine, record.event)
                del self.waiting[0]
                if not done:
                    again.append(record)
                    continue
                self.offsets.finish(self.offsets.generation, record.partition, record.offset)
                self._commit()
            self.waiting = again
        except (BackendUnavailable, EmbeddingFailed):
            self.waiting += locals().get("again", [])
            return False
        return True

    def _commit(self):
        try:
            self.consumer.commit(self.offsets.generation, self.offsets.to_commit())
        except CommitRefused:
            pass
