/** The server as a process: its start, its end, and what it says (protocol.md sections 1.8 and 5). */
import { type AddressInfo, createServer, type Server } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { backendSettings } from "../support/Backend.ts"
import { connect } from "../support/Peer.ts"
import { addressOf, end, launchBare } from "../support/ServerProcess.ts"
import { TestServer, temporaryDirectory } from "../support/TestServer.ts"
import { register, request } from "../support/Users.ts"

describe("the process", () => {
  it.live("ends with status 1 and a line per problem when the configuration is wrong", () =>
    Effect.gen(function* () {
      const server = yield* launchBare({ CHAT_PORT: "many", CHAT_IDLE_TIMEOUT: "soon", CHAT_LOG_FORMAT: "json" })
      assert.strictEqual(yield* Effect.promise(() => server.exited), 1)
      const lines = server.output().trim().split("\n")
      assert.strictEqual(lines[0], "The configuration has problems:")
      assert.deepStrictEqual(
        lines.slice(1).map((line) => line.trim().split(":", 1)[0]),
        ["CHAT_PORT", "CHAT_IDLE_TIMEOUT"]
      )
    })
  )

  it.live("ends with status 1 and one line when its port is taken", () =>
    Effect.gen(function* () {
      const taken = yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = taken.address() as AddressInfo
      const CHAT_DATA_DIR = yield* temporaryDirectory
      const server = yield* launchBare({
        CHAT_DATA_DIR,
        CHAT_PORT: String(port),
        CHAT_INTERNAL_PORT: "0",
        CHAT_LOG_LEVEL: "error"
      })
      assert.strictEqual(yield* Effect.promise(() => server.exited), 1)
      assert.match(server.output(), /^cannot serve on CHAT_HOST, CHAT_PORT: .*EADDRINUSE.*\n$/)
    })
  )

  it.live("runs as `pnpm dev` runs it, watching its source", () =>
    Effect.gen(function* () {
      const store = { CHAT_DATA_DIR: yield* temporaryDirectory, ...(yield* backendSettings) }
      const ports = { CHAT_PORT: "0", CHAT_INTERNAL_PORT: "0" }
      const server = yield* launchBare({ ...store, ...ports }, { nodeArguments: ["--watch"], isGroup: true })
      const user = yield* Effect.provideService(register(), TestServer, yield* addressOf(server))
      assert.match(user.id, /^[1-9]\d*$/)
    })
  )

  it.live("drains on SIGTERM: says 1001 with a time to come back, and ends with status 0", () =>
    Effect.gen(function* () {
      const store = { CHAT_DATA_DIR: yield* temporaryDirectory, ...(yield* backendSettings) }
      const server = yield* launchBare({
        ...store,
        CHAT_PORT: "0",
        CHAT_INTERNAL_PORT: "0",
        CHAT_DRAIN_WINDOW: "3 seconds"
      })
      const address = yield* addressOf(server)
      const { token } = yield* Effect.provideService(register(), TestServer, address)
      const peer = yield* connect(address.chatUrl, token)
      yield* peer.answer("")
      server.child.kill("SIGTERM")
      const { code, reason } = yield* peer.closed()
      assert.strictEqual(code, 1001)
      const retryAfter = Number(/^going-away; retryAfter=(\d+)$/.exec(reason)?.[1])
      assert.isTrue(retryAfter >= 0 && retryAfter <= 3_000)
      assert.strictEqual(yield* Effect.promise(() => server.exited), 0)
    })
  )

  it.live("keeps accounts, tokens and its own secret over a kill -9", () =>
    Effect.gen(function* () {
      const env = {
        CHAT_PORT: "0",
        CHAT_INTERNAL_PORT: "0",
        CHAT_DATA_DIR: yield* temporaryDirectory,
        ...(yield* backendSettings)
      }
      const first = yield* launchBare(env)
      const user = yield* Effect.provideService(register(), TestServer, yield* addressOf(first))
      yield* end(first, "SIGKILL")
      const again = yield* addressOf(yield* launchBare(env))
      const reading = request("GET", "/v1/user/user", { token: user.token })
      const detail = yield* Effect.provideService(reading, TestServer, again)
      assert.strictEqual(detail.body.data.info.id, user.id)
    })
  )
})
