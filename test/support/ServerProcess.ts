/** The server as a process of its own, for tests of what it has to survive: it is killed when the test's scope ends. */
import { Effect } from "effect"
import { type Addresses, type LaunchOptions, ServerProcess } from "../../scripts/harness/ServerProcess.ts"
import { hangMillis } from "./HangLimit.ts"

/** With which a test can sign tokens of its own. */
export const jwtSecret = "the secret of a server that tests break"

const defaults = {
  CHAT_PORT: "0",
  CHAT_INTERNAL_PORT: "0",
  CHAT_AUTH_RATE_LIMIT: "off",
  CHAT_RATE_LIMIT: "off",
  CHAT_LOG_FORMAT: "json",
  CHAT_JWT_SECRET: jwtSecret
}

/** Starts a server with these settings and no other. */
export const launchBare = (settings: Readonly<Record<string, string>>, options?: LaunchOptions) =>
  Effect.acquireRelease(
    Effect.sync(() => new ServerProcess(settings, options)),
    (server) => Effect.promise(() => server.killed())
  )

/** Starts a server on free ports, without rate limits, with the secret of tests. */
export const launch = (settings: Readonly<Record<string, string>>) => launchBare({ ...defaults, ...settings })

/** Ends a server, and waits until it is gone. */
export const end = (server: ServerProcess, signal: "SIGTERM" | "SIGKILL"): Effect.Effect<number | null> =>
  Effect.promise(() => (signal === "SIGTERM" ? server.stop(hangMillis) : server.killed()))

/** Waits until a server has said something, `after` so many characters of its output. */
export const says = (server: ServerProcess, pattern: RegExp, after = 0) =>
  Effect.promise(() => server.said(pattern, { after, millis: hangMillis }))

export interface Address extends Addresses {
  readonly chatUrl: string
}

/** Waits until a server says where it listens. */
export const addressOf = (server: ServerProcess): Effect.Effect<Address> =>
  Effect.map(
    Effect.promise(() => server.addresses(hangMillis)),
    (addresses) => ({ ...addresses, chatUrl: `${addresses.url.replace("http", "ws")}/ws` })
  )

/** A server that listens, and its addresses. */
export const start = (settings: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const server = yield* launch(settings)
    return { server, ...(yield* addressOf(server)) }
  })
