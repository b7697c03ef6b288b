// A client that does what it is told: one JSON command per line on stdin, one JSON line on stdout for all that happens.
//
//   node converse.mjs ws|sse URL KEY
//
//   {"do": "subscribe", "id": "a", "query": "…", "variables": {…}}   also for queries and mutations
//   {"do": "dispose", "id": "a"}                                    the client completes
//
// As docs/subscriptions.md says, each event's eventId becomes the variable `after` of whatever is sent again.

import { createInterface } from "node:readline";

import { createClient as createSseClient } from "graphql-sse";
import { createClient as createSocketClient } from "graphql-ws";
import WebSocket from "ws";

const [, , kind, url, key] = process.argv;
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");
const soon = () => new Promise((resolve) => setTimeout(resolve, 20));

const client =
  kind === "ws"
    ? createSocketClient({
        url,
        webSocketImpl: WebSocket,
        connectionParams: { "X-API-Key": key },
        lazy: false,
        keepAlive: 50,
        retryAttempts: 100,
        retryWait: soon,
        shouldRetry: () => true,
        on: {
          connected: () => say({ event: "connected" }),
          closed: (event) => say({ event: "closed", code: event.code, reason: event.reason }),
          pong: (received) => say({ event: "pong", received }),
        },
      })
    : createSseClient({
        url,
        headers: { "X-API-Key": key },
        retryAttempts: 100,
        retry: soon,
      });

function eventIdOf(data) {
  return Object.values(data ?? {})
    .map((value) => value?.eventId)
    .find(Boolean);
}

const disposers = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, id, query, variables = {} } = JSON.parse(line);
  if (what === "dispose") {
    disposers.get(id)?.();
    continue;
  }
  const dispose = client.subscribe(
    { query, variables },
    {
      next(result) {
        const eventId = eventIdOf(result.data);
        if (eventId) variables.after = eventId;
        say({ id, next: result });
      },
      error: (error) => say({ id, error: Array.isArray(error) ? error : String(error) }),
      complete: () => say({ id, complete: true }),
    },
  );
  disposers.set(id, dispose);
}
client.dispose();
