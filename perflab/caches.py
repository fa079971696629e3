from django.core.cache.backends.base import BaseCache


class LabCache(BaseCache):
    def __init__(self, location, params):
        super().__init__(params)
