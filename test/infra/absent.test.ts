/** A broker or a database that is not there when the server starts (protocol.md sections 1.2, 4 and 5). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { databaseUrl, databaseUrlOf, kafkaBroker } from "../../infra/addresses.ts"
import { scratch } from "../support/Backend.ts"
import { couple, texts } from "../support/Couple.ts"
import { until } from "../support/Eventually.ts"
import { ask, assertKept, historyOf } from "../support/Kept.ts"
import { addressOf, launch, says, start } from "../support/ServerProcess.ts"
import { gateTo } from "../support/TcpGate.ts"
import { TestServer } from "../support/TestServer.ts"
import { request } from "../support/Users.ts"
import { refusalOf } from "../support/Writer.ts"

/** A server that has been started without its broker, behind a gate that can be opened. */
const withoutBroker = Effect.gen(function* () {
  const [host = "", port] = kafkaBroker.split(":")
  const gate = yield* gateTo({ host, port: Number(port) })
  yield* Effect.promise(() => gate.close())
  const { settings } = yield* scratch
  const { server, ...address } = yield* start({ ...settings, CHAT_KAFKA_BROKERS: `127.0.0.1:${gate.port}` })
  return { gate, server, address, ...(yield* couple(address)) }
})

describe("a broker that is absent at the start", () => {
  it.live("holds up messages only: queries and HTTP are answered, and acks come in order as soon as it is there", () =>
    Effect.gen(function* () {
      const { gate, server, address, ann, writer, reader, conversationID } = yield* withoutBroker
      writer.write(...texts(30))
      const synced = yield* ask(reader.peer, "conversation.sync")
      assert.deepInclude(synced.data as object, { conversations: [] })
      const page = yield* ask(reader.peer, "conversation.history", { conversationID })
      assert.deepInclude(page.data as object, { code: 300001 })
      const profile = yield* Effect.provideService(request("GET", "/v1/user/user", ann), TestServer, address)
      assert.strictEqual(profile.status, 200)
      yield* says(server, /drafts cannot be sent to Kafka/)
      assert.strictEqual(writer.pending, 30)
      yield* Effect.promise(() => gate.open())
      yield* writer.answered()
      assert.deepStrictEqual(writer.refused, [])
      yield* until("a push for each", () => reader.peer.frames.filter(({ method }) => method === "push").length === 30)
      assertKept(yield* historyOf(reader.peer, conversationID), [writer])
    })
  )

  it.live(
    "lets nobody wait for ever: 100009 comes, what is sent later goes first, and what is sent again comes after",
    () =>
      Effect.gen(function* () {
        const { gate, server, writer, reader, conversationID } = yield* withoutBroker
        const sentAt = performance.now()
        const early = writer.write(...texts(30))
        yield* writer.answered(45_000)
        // The documented time to give up, and the second between two looks.
        assert.isBelow(performance.now() - sentAt, 33_000)
        assert.deepStrictEqual(writer.refused, early)
        for (const id of early) {
          const { code, method, retryAfter } = refusalOf(writer.last.get(id)!)
          assert.deepStrictEqual({ code, method }, { code: 100009, method: "conversation.chat" })
          assert.isAbove(retryAfter ?? 0, 0)
        }
        writer.write(...texts(30, 30))
        yield* Effect.promise(() => gate.open())
        yield* until("the later ones", () => writer.pending === 0)
        assert.deepStrictEqual(writer.refused, early)
        yield* writer.persist()
        const history = yield* historyOf(reader.peer, conversationID)
        assertKept(history, [writer])
        assert.deepStrictEqual(
          history.map(({ content }) => content),
          [...texts(30, 30), ...texts(30)]
        )
        assert.isTrue(server.isRunning)
      })
  )
})

describe("a database that is absent at the start", () => {
  for (const [how, absent] of [
    ["refuses connections", "close"],
    ["takes connections and says nothing", "hang"]
  ] as const) {
    it.live(`is waited for, with a word in the log, when it ${how}`, () =>
      Effect.gen(function* () {
        const gate = yield* gateTo({ host: databaseUrl.hostname, port: Number(databaseUrl.port) })
        yield* Effect.promise(() => gate[absent]())
        const { settings } = yield* scratch
        const url = new URL(settings["CHAT_DATABASE_URL"] ?? "")
        url.port = String(gate.port)
        const server = yield* launch({ ...settings, CHAT_DATABASE_URL: url.href })
        yield* says(server, /waiting for the database/)
        assert.notMatch(server.output(), /Listening/)
        assert.isTrue(server.isRunning)
        yield* Effect.promise(() => gate.open())
        const { writer, reader, conversationID } = yield* couple(yield* addressOf(server))
        writer.write(...texts(3))
        yield* writer.answered()
        assertKept(yield* historyOf(reader.peer, conversationID), [writer])
        assert.notInclude(server.output(), `:${url.password}@`)
      })
    )
  }

  const wrong: Record<string, readonly [words: RegExp, change: (url: URL) => void]> = {
    "the password is wrong": [/Access denied for user/, (url) => Object.assign(url, { password: "not-the-password" })],
    "the user is unknown": [/Access denied for user/, (url) => Object.assign(url, { username: "nobody_of_this_name" })],
    "the database is unknown": [
      /Unknown database/,
      (url) => Object.assign(url, { pathname: `${url.pathname}_of_nobody` })
    ],
    "the database is somebody else's": [/Access denied for user/, (url) => Object.assign(url, { pathname: "/mysql" })]
  }
  for (const [what, [words, change]] of Object.entries(wrong)) {
    it.live(`is not waited for when ${what}: status 1, and one line that says so`, () =>
      Effect.gen(function* () {
        const { settings, database } = yield* scratch
        const url = new URL(databaseUrlOf(database))
        change(url)
        const server = yield* launch({ ...settings, CHAT_DATABASE_URL: url.href })
        assert.strictEqual(yield* Effect.promise(() => server.exited), 1)
        const lines = server.output().trim().split("\n")
        assert.strictEqual(lines.length, 1, server.output())
        assert.match(lines[0] ?? "", /^The database cannot be used: /)
        assert.match(lines[0] ?? "", words)
        assert.notInclude(server.output(), `:${url.password}@`)
      })
    )
  }
})
