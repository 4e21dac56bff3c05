/** `pnpm backup` and `pnpm restore` on the embedded store, and `pnpm sign-token` beside a running server (docs/operations.md). */
import { execFile } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type Peer } from "../support/Peer.ts"
import { addressOf, end, jwtSecret, launch } from "../support/ServerProcess.ts"
import { TestServer, temporaryDirectory } from "../support/TestServer.ts"
import { chatFrame, register, request, type TestUser } from "../support/Users.ts"

const scripts = join(import.meta.dirname, "..", "..", "scripts")

/** Runs a script to its end, on this data directory: its exit status and all that it said. */
const run = (dataDir: string, script: string, ...parts: ReadonlyArray<string>) =>
  Effect.callback<{ readonly status: number; readonly output: string }>((resume) => {
    const env = { ...process.env, CHAT_DATA_DIR: dataDir, CHAT_JWT_SECRET: jwtSecret }
    execFile(process.execPath, [join(scripts, script), ...parts], { env }, (error, stdout, stderr) =>
      resume(Effect.succeed({ status: error === null ? 0 : Number(error.code), output: stdout + stderr }))
    )
  })

const started = (CHAT_DATA_DIR: string) =>
  Effect.gen(function* () {
    const server = yield* launch({ CHAT_DATA_DIR })
    return { server, address: yield* addressOf(server) }
  })

const say = (peer: Peer, to: TestUser, text: string) => {
  peer.send(chatFrame(text, to, text))
  return peer.answer(text)
}

let asked = 0
const contentsOf = (peer: Peer, cursor?: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    asked += 1
    const id = `sync ${asked}`
    peer.send({ id, method: "conversation.sync", data: cursor === undefined ? {} : { cursor } })
    const page = (yield* peer.answer(id)).data as {
      readonly cursor: string
      readonly hasMore: boolean
      readonly conversations: ReadonlyArray<{ readonly messages: ReadonlyArray<{ readonly content: string }> }>
    }
    const found = page.conversations.flatMap(({ messages }) => messages.map(({ content }) => content))
    return page.hasMore ? [...found, ...(yield* contentsOf(peer, page.cursor))] : found
  })

describe("a backup", () => {
  it.live("has everything that was acknowledged before it began, made under load, and can be put back", () =>
    Effect.gen(function* () {
      const [directory, elsewhere] = [yield* temporaryDirectory, yield* temporaryDirectory]
      const backup = join(elsewhere, "backup.db")
      const first = yield* started(directory)
      const [ann, bob] = yield* Effect.provideService(Effect.all([register(), register()]), TestServer, first.address)
      const peer = yield* connect(first.address.chatUrl, ann.token)
      const before = Array.from({ length: 150 }, (_, index) => `before ${index}`)
      yield* Effect.forEach(before, (text) => say(peer, bob, text), { concurrency: "unbounded" })
      let isMade = false
      let during = 0
      const load = Effect.whileLoop({
        while: () => !isMade,
        body: () => {
          during += 1
          return say(peer, bob, `during ${during}`)
        },
        step: () => {}
      })
      const making = Effect.tap(run(directory, "backup.ts", "make", backup), () =>
        Effect.sync(() => {
          isMade = true
        })
      )
      const [made] = yield* Effect.all([making, load], { concurrency: 2 })
      assert.deepInclude(made, { status: 0 }, made.output)
      assert.isAbove(during, 1)
      assert.strictEqual(statSync(backup).mode & 0o777, 0o600)
      assert.deepStrictEqual(readdirSync(elsewhere), ["backup.db"])

      const twice = yield* run(directory, "backup.ts", "make", backup)
      assert.deepStrictEqual(twice, { status: 1, output: `${backup} exists already\n` })
      const held = yield* run(directory, "backup.ts", "restore", backup)
      assert.deepInclude(held, { status: 1 })
      assert.include(held.output, `process ${first.server.pid} uses ${directory}`)

      yield* say(peer, bob, "after")
      yield* end(first.server, "SIGKILL")
      const restored = yield* run(directory, "backup.ts", "restore", backup)
      assert.deepInclude(restored, { status: 0 }, restored.output)
      const second = yield* started(directory)
      const again = yield* connect(second.address.chatUrl, ann.token)
      const contents = yield* contentsOf(again)
      const later = contents.slice(before.length)
      assert.deepStrictEqual(contents.slice(0, before.length), before)
      assert.deepStrictEqual(
        later,
        later.map((_, index) => `during ${index + 1}`)
      )
      assert.deepInclude(yield* say(again, bob, "new"), { frameType: 2 })
      yield* end(second.server, "SIGTERM")

      // The former database is kept, with what the backup does not have.
      const kept = join(directory, readdirSync(directory).find((name) => name.startsWith("replaced-")) ?? "")
      assert.deepInclude(yield* run(directory, "backup.ts", "restore", join(kept, "fiberchat.db")), { status: 0 })
      const third = yield* started(directory)
      const last = yield* contentsOf(yield* connect(third.address.chatUrl, ann.token))
      assert.strictEqual(last.at(-1), "after")
      assert.lengthOf(last, before.length + during + 1)
    })
  )

  it.live("is refused where it is none, and then nothing has changed", () =>
    Effect.gen(function* () {
      const [directory, elsewhere] = [yield* temporaryDirectory, yield* temporaryDirectory]
      assert.deepInclude(yield* run(directory, "backup.ts", "make", join(elsewhere, "none.db")), { status: 1 })
      assert.deepStrictEqual(readdirSync(elsewhere), [])
      const { server } = yield* started(directory)
      yield* end(server, "SIGTERM")
      const database = join(directory, "fiberchat.db")
      const bytes = readFileSync(database)
      const words = join(elsewhere, "words.db")
      writeFileSync(words, "these are words, and no database at all".repeat(100))
      const half = join(elsewhere, "half.db")
      writeFileSync(half, bytes.subarray(0, Math.floor(bytes.length / 2)))
      for (const path of [words, half, join(elsewhere, "missing.db")]) {
        const { status, output } = yield* run(directory, "backup.ts", "restore", path)
        assert.strictEqual(status, 1, output)
        assert.match(output, new RegExp(`^${path} is no backup of this program: .+\n$`))
      }
      assert.isTrue(bytes.equals(readFileSync(database)))
      assert.isFalse(
        readdirSync(directory).some((name) => name.startsWith("replaced-") || name.endsWith(".unfinished"))
      )
      assert.isFalse(existsSync(join(elsewhere, "missing.db")))
    })
  )
})

describe("pnpm sign-token", () => {
  it.live("signs for the server that runs on the same data directory", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const { address } = yield* started(directory)
      const { status, output } = yield* run(directory, "sign-token.ts", "service", "example")
      assert.strictEqual(status, 0, output)
      const statusFor = (token: string) =>
        Effect.provideService(request("POST", "/rpc", { token, body: "", isInternal: true }), TestServer, {
          ...address,
          chatUrl: ""
        }).pipe(Effect.map((answer) => answer.status))
      assert.match(output, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
      assert.notStrictEqual(yield* statusFor(output.trim()), 401)
      assert.strictEqual(yield* statusFor("wrong"), 401)
    })
  )
})
