"""URLs of servers, as people have them: checked once, at the start, and spelt for whoever is to read them.

Opens no connection, and never shows what may be a password."""

from rulefarm.urls.postgres import database_url
from rulefarm.urls.redis_place import CLUSTER, INSTEAD, RedisPlace, redis_place
from rulefarm.urls.servers import broker_place, result_place
from rulefarm.urls.source import source_url

__all__ = [
    "CLUSTER",
    "INSTEAD",
    "RedisPlace",
    "broker_place",
    "database_url",
    "redis_place",
    "result_place",
    "source_url",
]
