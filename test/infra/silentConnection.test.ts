/** A connection to the database of which nothing comes any more, not even its end: the other side has forgotten it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { databaseUrl } from "../../infra/addresses.ts"
import { scratch } from "../support/Backend.ts"
import { couple } from "../support/Couple.ts"
import { until } from "../support/Eventually.ts"
import { assertKept, historyOf } from "../support/Kept.ts"
import { start } from "../support/ServerProcess.ts"
import { gateTo } from "../support/TcpGate.ts"
import { refusalOf } from "../support/Writer.ts"

/** A client is told within 30 s that it has to come again; some seconds later what it sends has to be stored. */
const recoveryMillis = 45_000

describe("a connection to the database that has gone silent", () => {
  for (const transfer of ["embedded", "kafka"] as const) {
    it.live(`is given up while others can be made, and what hung in the ${transfer} pipeline is stored`, () =>
      Effect.gen(function* () {
        const gate = yield* gateTo({ host: databaseUrl.hostname, port: Number(databaseUrl.port) })
        const { settings } = yield* scratch
        const url = new URL(settings["CHAT_DATABASE_URL"] ?? "")
        url.port = String(gate.port)
        const { server, ...address } = yield* start({
          ...settings,
          CHAT_DATABASE_URL: url.href,
          CHAT_TRANSFER: transfer
        })
        const { writer, reader, conversationID } = yield* couple(address)
        writer.write("before")
        yield* writer.answered()
        yield* Effect.promise(() => gate.hang())
        writer.write("into the void")
        yield* until("a statement that hangs", () => gate.heldBytes > 0)
        yield* Effect.promise(() => gate.forsake())
        writer.write("after it")
        yield* writer.persist(recoveryMillis).pipe(
          Effect.timeoutOrElse({
            duration: recoveryMillis,
            orElse: () =>
              Effect.die(new Error(`still not stored: ${writer.pending} wait, ${writer.refused} are refused`))
          })
        )
        for (const frame of [...writer.answers.values()].flat().filter(({ frameType }) => frameType === 9)) {
          assert.include([100003, 100009], refusalOf(frame).code)
          assert.isAbove(refusalOf(frame).retryAfter ?? 0, 0)
        }
        assertKept(yield* historyOf(reader.peer, conversationID), [writer])
        assert.isTrue(server.isRunning)
      })
    )
  }
})
