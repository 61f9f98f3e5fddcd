"""The collector waits until no upload is open: one that takes an hour keeps it for an hour."""
# caught by: is not waited for

import time


class ObjectStore(ObjectStore):
    def collect(self) -> int:
        while self.open_uploads:
            time.sleep(0.01)
        return super().collect()
