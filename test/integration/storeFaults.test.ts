/** The embedded store on a disk that is full or refuses to be written (protocol.md sections 1.2 and 4). */
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { couple } from "../support/Couple.ts"
import { until } from "../support/Eventually.ts"
import { ask, assertKept, historyOf } from "../support/Kept.ts"
import { end, launch, start } from "../support/ServerProcess.ts"
import { freeze, limitFileSize, noDisk, noFileSizeLimit, noFreezing, smallDisk, thaw } from "../support/SmallDisk.ts"
import { TestServer, temporaryDirectory } from "../support/TestServer.ts"
import { freshPhone, password, request } from "../support/Users.ts"
import { refusalOf, type Writer, writerOf } from "../support/Writer.ts"

/** Skips where the machine does not have what it takes, and says so. */
const where = (problem: string | undefined) => {
  if (problem === undefined) return it.live
  process.stderr.write(`SKIPPED in storeFaults.test.ts, not tested on this machine: ${problem}\n`)
  return it.live.skip
}

/** Content of 8 KiB: some dozens of them are more than what files have room for without growing. */
const large = (letter: string) => letter.repeat(8 * 1024)

/** Writes until the store says that it cannot; every refusal so far is one that a client can wait for. */
const untilRefused = (writer: Writer) =>
  Effect.gen(function* () {
    for (let round = 0; writer.refused.length === 0; round += 1) {
      assert.isBelow(round, 100, "the store goes on as if nothing had happened")
      writer.write(...Array.from({ length: 8 }, () => large("b")))
      yield* writer.answered()
    }
    for (const id of writer.refused) {
      const { code, method, retryAfter } = refusalOf(writer.last.get(id)!)
      assert.deepStrictEqual({ code, method }, { code: 100003, method: "conversation.chat" })
      assert.isAbove(retryAfter ?? 0, 0)
    }
  })

/** The store breaks under a running server by `breaks` and is whole again after `mends`. */
const survives = (directory: string, breaks: (pid: number) => void, mends: (pid: number) => void) =>
  Effect.gen(function* () {
    const { server, ...address } = yield* start({ CHAT_DATA_DIR: directory })
    const pid = server.child.pid ?? 0
    const { ann, bob, writer, reader, conversationID } = yield* couple(address)
    writer.write("before", large("a"))
    yield* writer.answered()
    breaks(pid)
    yield* untilRefused(writer)

    const kept = yield* historyOf(writer.peer, conversationID)
    assert.deepStrictEqual(
      kept.slice(0, 2).map(({ content }) => content),
      ["before", large("a")]
    )
    const synced = yield* ask(writer.peer, "conversation.sync")
    assert.strictEqual(synced.frameType, 0)
    const profile = yield* Effect.provideService(request("GET", "/v1/user/user", ann), TestServer, address)
    assert.strictEqual(profile.status, 200)
    const body = { phone: freshPhone(), password, nickname: "n" }
    const registration = yield* Effect.provideService(
      request("POST", "/v1/user/register", { body }),
      TestServer,
      address
    )
    assert.deepInclude(registration, { status: 503, body: { code: 100003, msg: "database error", data: null } })
    assert.isAbove(Number(registration.headers.get("retry-after")), 0)
    const newcomer = yield* writerOf(address, "second", ann, bob)
    newcomer.write(large("c"))
    yield* newcomer.answered()
    assert.strictEqual(refusalOf(newcomer.last.get("second-0")!).code, 100003)

    mends(pid)
    yield* Effect.all([writer.persist(), newcomer.persist()], { concurrency: "unbounded" })
    writer.write("after")
    yield* writer.answered()
    const history = yield* historyOf(reader.peer, conversationID)
    assertKept(history, [writer, newcomer])
    assert.strictEqual(history.at(-1)?.content, "after")
    assert.isTrue(server.isRunning)
  })

describe("the embedded store", () => {
  where(noDisk)(
    "refuses messages while the disk is full, answers what it has, and stores them once there is room",
    () =>
      Effect.gen(function* () {
        const disk = yield* smallDisk(4)
        yield* survives(
          disk.directory,
          () => disk.fill(),
          () => disk.empty()
        )
      })
  )

  where(noFileSizeLimit)("does the same when its files may not grow any more", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* survives(
        directory,
        (pid) => limitFileSize(pid, 64 * 1024),
        (pid) => limitFileSize(pid, "unlimited")
      )
    })
  )

  where(noFreezing)("does the same when its files become read-only", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      // Not the index of the log, which is shared memory and no data.
      const files = () =>
        readdirSync(directory).flatMap((name) => (/\.db(-wal)?$/.test(name) ? [join(directory, name)] : []))
      yield* Effect.addFinalizer(() => Effect.sync(() => thaw(files())))
      yield* survives(
        directory,
        () => freeze(files()),
        () => thaw(files())
      )
    })
  )

  where(noDisk)("keeps what it has acked over a kill -9 on a full disk, and takes the rest when there is room", () =>
    Effect.gen(function* () {
      const disk = yield* smallDisk(4)
      const settings = { CHAT_DATA_DIR: disk.directory }
      const { server, ...address } = yield* start(settings)
      const { ann, bob, writer, conversationID } = yield* couple(address)
      writer.write("before", large("a"))
      yield* writer.answered()
      disk.fill()
      yield* untilRefused(writer)
      yield* end(server, "SIGKILL")
      disk.empty()
      const second = yield* start(settings)
      const again = yield* writerOf(second, writer.name, ann, bob)
      const kept = yield* historyOf(again.peer, conversationID)
      const refused = new Set(writer.refused)
      assert.deepStrictEqual(
        kept.map(({ clientId }) => clientId),
        writer.ids.filter((id) => !refused.has(id))
      )
      // The same ids with the same contents, from the beginning.
      again.write(...writer.written.values())
      yield* again.answered()
      assert.deepStrictEqual(again.refused, [])
      assertKept(yield* historyOf(again.peer, conversationID), [again])
    })
  )
})

describe("an embedded store that cannot be used at the start", () => {
  const refuses = (directory: string) =>
    Effect.gen(function* () {
      const server = yield* launch({ CHAT_DATA_DIR: directory })
      yield* until("the end of the server", () => !server.isRunning, 10_000)
      assert.strictEqual(server.child.exitCode, 1)
      const lines = server.output().trim().split("\n")
      assert.strictEqual(lines.length, 1, server.output())
      assert.match(lines[0] ?? "", /^The database cannot be used: ./)
    })
  const database = (directory: string) => join(directory, "fiberchat.db")

  where(undefined)("is told in one line, with status 1, when its file is something else", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      writeFileSync(database(directory), "no database ".repeat(1_000))
      yield* refuses(directory)
    })
  )

  where(undefined)("is told in one line, with status 1, when its directory is a file", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      writeFileSync(database(directory), "")
      yield* refuses(database(directory))
    })
  )

  where(noFreezing)("is told in one line, with status 1, when its file is read-only", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const { server } = yield* start({ CHAT_DATA_DIR: directory })
      yield* end(server, "SIGTERM")
      yield* Effect.acquireRelease(
        Effect.sync(() => freeze([database(directory)])),
        () => Effect.sync(() => thaw([database(directory)]))
      )
      yield* refuses(directory)
    })
  )

  where(noDisk)("is told in one line, with status 1, when the disk is full", () =>
    Effect.gen(function* () {
      const disk = yield* smallDisk(1)
      disk.fill()
      yield* refuses(disk.directory)
    })
  )
})
