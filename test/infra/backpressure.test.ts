/** More than the pipeline holds while its broker is away (protocol.md sections 1.2 and 4, guarantee 6). */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { kafkaBroker } from "../../infra/addresses.ts"
import { fixedLimits } from "../../src/domain/connection/ConnectionLimits.ts"
import { contentBytesMax } from "../../src/domain/messages/MessageContent.ts"
import { waitingContentMax } from "../../src/layers/transfer/DraftQueue.ts"
import { scratch } from "../support/Backend.ts"
import { until } from "../support/Eventually.ts"
import { ask, assertKept, conversationOf, historyOf } from "../support/Kept.ts"
import { connect } from "../support/Peer.ts"
import { start } from "../support/ServerProcess.ts"
import { gateTo } from "../support/TcpGate.ts"
import { TestServer } from "../support/TestServer.ts"
import * as Users from "../support/Users.ts"
import { refusalOf, writerOf } from "../support/Writer.ts"

/** Messages of the largest size that the pipeline holds. */
const held = waitingContentMax / contentBytesMax
/** Messages of a connection: one less than those with which its socket is paused. */
const each = fixedLimits.inFlightMax - 1
/** Connections that together have more than is held; of users of their own, since devices get each other's messages. */
const crowd = Math.ceil(held / each) + 5
const tooMany = crowd * each - held
/** How often what was refused is sent again: together twice what is held, or 128 MiB. */
const rounds = Math.ceil((2 * held) / tooMany)
/** MiB by which memory may grow meanwhile: half of that. Measured 15 to 52 with three times what is held. */
const growthMax = 64
/**
 * Of the server's heap. Without it the collector lets 400 MiB lie about because nobody needs them, and memory tells
 * nothing; with it, what is kept is seen, or ends the process.
 */
const heapMebibytes = 256

/** The most memory that a process has had so far, in MiB. */
const peakOf = ({ pid }: { readonly pid: number }): number =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024

describe("a pipeline that is full", () => {
  it.live(
    "refuses at once with 100009 and a time to wait, keeps within its memory, and loses nothing that it has taken",
    () =>
      Effect.gen(function* () {
        const [host = "", port] = kafkaBroker.split(":")
        const gate = yield* gateTo({ host, port: Number(port) })
        yield* Effect.promise(() => gate.close())
        const { settings } = yield* scratch
        const { server, ...address } = yield* start({
          ...settings,
          NODE_OPTIONS: `--max-old-space-size=${heapMebibytes}`,
          CHAT_KAFKA_BROKERS: `127.0.0.1:${gate.port}`
        })
        const register = Effect.suspend(() => Effect.provideService(Users.register(), TestServer, address))
        const [bob, ...users] = yield* Effect.all(
          Array.from({ length: crowd + 1 }, () => register),
          { concurrency: 4 }
        )
        const reader = yield* connect(address.chatUrl, bob!.token)
        const writers = yield* Effect.forEach(users, (user) => writerOf(address, `of-${user.id}`, user, bob!))
        const waiting = () => writers.reduce((sum, { pending }) => sum + pending, 0)
        const answers = () => writers.reduce((sum, { last }) => sum + last.size, 0)
        const content = "x".repeat(contentBytesMax)
        for (const writer of writers) writer.write(...Array.from({ length: each }, () => content))

        yield* until(
          () => `${tooMany} refusals; there are ${answers()}`,
          () => answers() >= tooMany
        )
        for (const { last } of writers) {
          for (const frame of last.values()) {
            const { code, retryAfter } = refusalOf(frame)
            assert.strictEqual(code, 100009)
            assert.isAbove(retryAfter ?? 0, 0)
          }
        }
        const full = peakOf(server)
        const refused = writers.map((writer) => writer.refused)
        for (let round = 0; round < rounds; round += 1) {
          for (const [index, writer] of writers.entries()) writer.again(refused[index]!)
          yield* until("the refusals of this round", () => waiting() === held)
        }
        assert.isBelow(peakOf(server) - full, growthMax, "what is refused leaves nothing behind")
        // Others are served meanwhile, and nothing else of what was taken has been refused.
        const synced = yield* ask(reader, "conversation.sync")
        assert.strictEqual(synced.frameType, 0)
        assert.strictEqual(answers(), tooMany)

        yield* Effect.promise(() => gate.open())
        yield* Effect.all(
          writers.map((writer) => writer.persist(50_000)),
          { concurrency: "unbounded" }
        )
        for (const [index, writer] of writers.entries()) {
          assertKept(yield* historyOf(reader, conversationOf(bob!, users[index]!)), [writer])
        }
        assert.isTrue(server.isRunning)
      })
  )
})
