"""Whether a Redis lets the lab in: asked once, at the start.

A server that is down is no reason not to start: the lab goes on without its cache. One that refuses
the lab would do so for ever.
"""

import redis
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    InvalidResponse,
    RedisError,
    ResponseError,
)


def find_refusal(url: str, seconds: float) -> str:
    """Return why the Redis at this URL refuses the lab; "" if it does not, or does not answer.

    Each step of the answer may take so many seconds.
    """
    client = redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds)
    try:
        client.ping()
    except (AuthenticationError, AuthenticationWrongNumberOfArgsError) as error:
        return f"it wants another password: {error}"
    except InvalidResponse:
        return "what answers there is not a Redis"
    except ResponseError as error:
        return str(error) if "DB index" in str(error) or "invalid DB" in str(error) else ""
    except (RedisError, OSError):
        return ""
    finally:
        client.close()
    return ""
