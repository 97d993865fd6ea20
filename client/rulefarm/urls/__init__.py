"""URLs of servers, as people have them: checked once, at the start, and spelt for whoever is to read them.

Opens no connection, and never shows what may be a password."""

from rulefarm.urls.postgres import database_url
from rulefarm.urls.redis_place import REDIS_SCHEMES, RedisPlace, redis_place
from rulefarm.urls.servers import broker_place, result_place

__all__ = ["REDIS_SCHEMES", "RedisPlace", "broker_place", "database_url", "redis_place", "result_place"]
