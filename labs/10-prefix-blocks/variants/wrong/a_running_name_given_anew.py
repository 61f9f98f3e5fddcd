"""A second request of the same name takes the place of the first, whose blocks are lost."""
# caught by: a name that is running is refused


class BlockPool(BlockPool):
    def allocate(self, request):
        before = self._running.pop(request.name, None)
        try:
            return super().allocate(request)
        except NoNodeAvailable:
            if before:
                self._running[request.name] = before
            raise
