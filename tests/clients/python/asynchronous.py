"""A program of a user with the asynchronous client, which prints the URL of a conversation that it made.

Only the first lines are not his: they do what DNS and a server on port 443 would do.
"""

import asyncio
import os
import socket

from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, port, *args, **kwargs: resolve("127.0.0.1", os.environ["TEST_TLS_PORT"], *args, **kwargs)


async def main():
    async with AsyncTwilioHttpClient() as http:
        client = Client(http_client=http)
        made = await client.conversations.v1.conversations.create_async()
        print(made.url)


asyncio.run(main())
