/** A database that turns the server away because its account has as many connections as it may have. */
import { MysqlClient } from "@effect/sql-mysql2"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { scratch } from "../support/Backend.ts"
import { couple, texts } from "../support/Couple.ts"
import { ask, assertKept, historyOf } from "../support/Kept.ts"
import { mysqlAccount } from "../support/MysqlAccount.ts"
import { says, start } from "../support/ServerProcess.ts"
import { sizeOf } from "../support/TopicTool.ts"
import { refusalOf } from "../support/Writer.ts"

/** A server whose account has one connection, which is somebody else's. */
const crowdedOut = (transfer: "embedded" | "kafka") =>
  Effect.gen(function* () {
    const place = yield* scratch
    const account = yield* mysqlAccount(place)
    const { server, ...address } = yield* start({
      ...place.settings,
      CHAT_DATABASE_URL: account.url,
      CHAT_TRANSFER: transfer
    })
    const pair = yield* couple(address)
    pair.writer.write("before")
    yield* pair.writer.answered()
    yield* account.limitConnections(1)
    yield* MysqlClient.make({ url: Redacted.make(account.url), maxConnections: 1 }).pipe(
      Effect.provide(Reactivity.layer)
    )
    return { ...pair, server, deadLetters: `${place.topic}.dead-letters`, free: account.limitConnections(0) }
  })

describe("a database that takes no more connections of the account", () => {
  it.live("is told with 100003 and a time to wait; what is sent again later is stored once", () =>
    Effect.gen(function* () {
      const { writer, reader, conversationID, free } = yield* crowdedOut("embedded")
      const ids = writer.write(...texts(5))
      yield* writer.answered()
      assert.deepStrictEqual(writer.refused, ids)
      const page = yield* ask(reader.peer, "conversation.history", { conversationID })
      for (const refusal of [page, ...ids.map((id) => writer.last.get(id)!)].map(refusalOf)) {
        assert.strictEqual(refusal.code, 100003)
        assert.isAbove(refusal.retryAfter ?? 0, 0)
      }
      yield* free
      yield* writer.persist()
      assertKept(yield* historyOf(reader.peer, conversationID), [writer])
    })
  )

  it.live("holds messages up behind Kafka, and none of them is taken for one that cannot be stored", () =>
    Effect.gen(function* () {
      const { server, writer, reader, conversationID, deadLetters, free } = yield* crowdedOut("kafka")
      const after = server.output().length
      writer.write(...texts(5))
      yield* says(server, /(the database (failed|refused).*?){2}/s, after)
      yield* free
      yield* writer.persist()
      assert.deepStrictEqual(
        [...writer.answers.values()].map(({ length }) => length),
        [1, 1, 1, 1, 1, 1]
      )
      assertKept(yield* historyOf(reader.peer, conversationID), [writer])
      assert.strictEqual(yield* sizeOf(deadLetters), 0)
    })
  )
})
