/** The server as a process: its start, its end, and what it says (protocol.md sections 1.8 and 5). */
import { type ChildProcess, spawn } from "node:child_process"
import { type AddressInfo, createServer, type Server } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { backendSettings } from "../support/Backend.ts"
import { connect } from "../support/Peer.ts"
import { TestServer, temporaryDirectory } from "../support/TestServer.ts"
import { register, request } from "../support/Users.ts"

const main = join(import.meta.dirname, "../../src/main.ts")

interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  readonly exited: Promise<number | null>
}

/** Starts the server; it is killed when the test's scope ends, with the processes that it has started. */
const launch = (env: Record<string, string>, ...options: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync((): Running => {
      const child = spawn(process.execPath, [...options, main], {
        env: { PATH: process.env["PATH"] ?? "", ...env },
        detached: true
      })
      let text = ""
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk))
      const exited = new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code)))
      return { child, output: () => text, exited }
    }),
    ({ child }) => Effect.ignore(Effect.try(() => process.kill(-(child.pid ?? 0), "SIGKILL")))
  )

/** Waits until the process says where it listens. */
const listening = ({ output, exited }: Running) =>
  Effect.callback<string>((resume) => {
    const look = setInterval(() => {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output())?.[0]
      if (url !== undefined) resume(Effect.succeed(url))
    }, 10)
    exited.then(() => resume(Effect.die(new Error(output()))))
    return Effect.sync(() => clearInterval(look))
  })

describe("the process", () => {
  it.live("ends with status 1 and a line per problem when the configuration is wrong", () =>
    Effect.gen(function* () {
      const server = yield* launch({ CHAT_PORT: "many", CHAT_IDLE_TIMEOUT: "soon", CHAT_LOG_FORMAT: "json" })
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
      const server = yield* launch({
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
      const url = yield* listening(yield* launch({ ...store, CHAT_PORT: "0", CHAT_INTERNAL_PORT: "0" }, "--watch"))
      const user = yield* Effect.provideService(register(), TestServer, { url, chatUrl: "", internalUrl: "" })
      assert.match(user.id, /^[1-9]\d*$/)
    })
  )

  it.live("drains on SIGTERM: says 1001 with a time to come back, and ends with status 0", () =>
    Effect.gen(function* () {
      const store = { CHAT_DATA_DIR: yield* temporaryDirectory, ...(yield* backendSettings) }
      const server = yield* launch({
        ...store,
        CHAT_PORT: "0",
        CHAT_INTERNAL_PORT: "0",
        CHAT_DRAIN_WINDOW: "3 seconds"
      })
      const url = yield* listening(server)
      const chatUrl = `${url.replace("http", "ws")}/ws`
      const peer = yield* Effect.provideService(
        Effect.gen(function* () {
          const { token } = yield* register()
          return yield* connect(chatUrl, token)
        }),
        TestServer,
        { url, chatUrl, internalUrl: "" }
      )
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
      const first = yield* launch(env)
      const firstUrl = yield* listening(first)
      const user = yield* Effect.provideService(register(), TestServer, { url: firstUrl, chatUrl: "", internalUrl: "" })
      first.child.kill("SIGKILL")
      yield* Effect.promise(() => first.exited)
      const url = yield* listening(yield* launch(env))
      const detail = yield* Effect.provideService(request("GET", "/v1/user/user", { token: user.token }), TestServer, {
        url,
        chatUrl: "",
        internalUrl: ""
      })
      assert.strictEqual(detail.body.data.info.id, user.id)
    })
  )
})
