/** A database that may be read and not written, while the server runs (protocol.md sections 1.2 and 4). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { scratch } from "../support/Backend.ts"
import { couple, texts } from "../support/Couple.ts"
import { until } from "../support/Eventually.ts"
import { assertKept, historyOf } from "../support/Kept.ts"
import { mysqlAccount } from "../support/MysqlAccount.ts"
import { launch, says, start } from "../support/ServerProcess.ts"
import { refusalOf } from "../support/Writer.ts"

/** A server whose account loses the right to write after two messages. */
const readOnly = (transfer: "embedded" | "kafka") =>
  Effect.gen(function* () {
    const place = yield* scratch
    const account = yield* mysqlAccount(place)
    const { server, ...address } = yield* start({
      ...place.settings,
      CHAT_DATABASE_URL: account.url,
      CHAT_TRANSFER: transfer
    })
    const pair = yield* couple(address)
    pair.writer.write("before", "before, too")
    yield* pair.writer.answered()
    assert.deepStrictEqual(pair.writer.refused, [])
    yield* account.revokeWrites
    return { ...pair, ...account, server }
  })

describe("a database that has become read-only", () => {
  it.live("is told with 100003 and a time to wait; what is sent again later is stored once, in its order", () =>
    Effect.gen(function* () {
      const { writer, reader, conversationID, grantWrites, server } = yield* readOnly("embedded")
      const ids = writer.write(...texts(20))
      yield* writer.answered()
      assert.deepStrictEqual(writer.refused, ids)
      for (const id of ids) {
        const { code, retryAfter } = refusalOf(writer.last.get(id)!)
        assert.strictEqual(code, 100003)
        assert.isAbove(retryAfter ?? 0, 0)
      }
      assert.strictEqual((yield* historyOf(reader.peer, conversationID)).length, 2)
      yield* grantWrites
      yield* writer.persist()
      const history = yield* historyOf(reader.peer, conversationID)
      assertKept(history, [writer])
      assert.deepStrictEqual(
        history.map(({ content }) => content),
        ["before", "before, too", ...texts(20)]
      )
      assert.isTrue(server.isRunning)
    })
  )

  it.live("holds messages up behind Kafka, and they are acked in their order when it can be written again", () =>
    Effect.gen(function* () {
      const { writer, reader, conversationID, grantWrites, server } = yield* readOnly("kafka")
      const after = server.output().length
      writer.write(...texts(20))
      // The worker has tried more than once.
      yield* says(server, /(the database failed.*?){2}/s, after)
      assert.strictEqual(writer.pending, 20)
      assert.strictEqual((yield* historyOf(reader.peer, conversationID)).length, 2)
      yield* grantWrites
      yield* writer.answered()
      assert.deepStrictEqual(writer.refused, [])
      assertKept(yield* historyOf(reader.peer, conversationID), [writer])
    })
  )

  it.live("lets nobody wait for ever behind Kafka: 100009 comes, and sending again doubles nothing", () =>
    Effect.gen(function* () {
      const { writer, reader, conversationID, grantWrites } = yield* readOnly("kafka")
      const ids = writer.write(...texts(20))
      yield* writer.answered(45_000)
      assert.deepStrictEqual(writer.refused, ids)
      for (const id of ids) {
        const { code, retryAfter } = refusalOf(writer.last.get(id)!)
        assert.strictEqual(code, 100009)
        assert.isAbove(retryAfter ?? 0, 0)
      }
      yield* grantWrites
      yield* writer.persist()
      const history = yield* historyOf(reader.peer, conversationID)
      assertKept(history, [writer])
      assert.deepStrictEqual(
        history.map(({ content }) => content),
        ["before", "before, too", ...texts(20)]
      )
    })
  )

  it.live("does not start a server: status 1, and one line that says so", () =>
    Effect.gen(function* () {
      const place = yield* scratch
      const account = yield* mysqlAccount(place)
      yield* account.revokeWrites
      const server = yield* launch({ ...place.settings, CHAT_DATABASE_URL: account.url })
      yield* until("the end of the server", () => !server.isRunning)
      assert.strictEqual(server.child.exitCode, 1)
      const lines = server.output().trim().split("\n")
      assert.strictEqual(lines.length, 1, server.output())
      assert.match(lines[0] ?? "", /^The database cannot be used: ./)
    })
  )
})
