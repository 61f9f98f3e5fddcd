"""The collector does nothing while any upload is open: where uploads never end, nothing is ever removed."""
# caught by: is not waited for


class ObjectStore(ObjectStore):
    def collect(self) -> int:
        return 0 if self.open_uploads else super().collect()
