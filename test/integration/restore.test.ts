/** A store that is set back to a backup, and goes on from there (protocol.md section 1.7). */
import { cpSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type Peer } from "../support/Peer.ts"
import { addressOf, end, launch } from "../support/ServerProcess.ts"
import { TestServer, temporaryDirectory } from "../support/TestServer.ts"
import { chatFrame, register } from "../support/Users.ts"

/** The embedded store, whatever else the run stores in. */
const started = (CHAT_DATA_DIR: string) =>
  Effect.gen(function* () {
    const server = yield* launch({ CHAT_DATA_DIR })
    return { server, address: yield* addressOf(server) }
  })

interface Page {
  readonly code?: number
  readonly cursor: string
  readonly conversations: ReadonlyArray<{ readonly messages: ReadonlyArray<{ readonly content: string }> }>
}

let asked = 0
const sync = (peer: Peer, cursor?: string) => {
  asked += 1
  peer.send({ id: `s${asked}`, method: "conversation.sync", data: cursor === undefined ? {} : { cursor } })
  return Effect.map(peer.answer(`s${asked}`), ({ data }) => data as Page)
}

const contents = ({ conversations }: Page) =>
  conversations.flatMap(({ messages }) => messages.map(({ content }) => content))

const storeOf = (peer: Peer) => Effect.map(peer.answer(""), ({ data }) => (data as { store: string }).store)

describe("a store that was set back to a backup", () => {
  it.live("refuses cursors of the time that is gone, and goes on with those from before", () =>
    Effect.gen(function* () {
      const [directory, backup] = [yield* temporaryDirectory, yield* temporaryDirectory]
      const first = yield* started(directory)
      const [ann, bob] = yield* Effect.provideService(Effect.all([register(), register()]), TestServer, first.address)
      const say = Effect.fnUntraced(function* (peer: Peer, words: ReadonlyArray<string>) {
        for (const text of words) peer.send(chatFrame(text, bob, text))
        for (const text of words) assert.deepInclude(yield* peer.answer(text), { frameType: 2 })
      })
      const one = yield* connect(first.address.chatUrl, ann.token)
      const store = yield* storeOf(one)
      yield* say(one, ["kept"])
      const before = yield* sync(one)
      yield* end(first.server, "SIGTERM")
      cpSync(directory, backup, { recursive: true })

      const second = yield* started(directory)
      const two = yield* connect(second.address.chatUrl, ann.token)
      yield* say(two, ["lost 1", "lost 2"])
      const gone = yield* sync(two, before.cursor)
      assert.deepStrictEqual(contents(gone), ["lost 1", "lost 2"])
      yield* end(second.server, "SIGKILL")

      const third = yield* started(backup)
      const three = yield* connect(third.address.chatUrl, ann.token)
      // Versions are soon past those of the time that is gone.
      yield* say(three, ["new 1", "new 2", "new 3", "new 4", "new 5"])
      assert.strictEqual((yield* sync(three, gone.cursor)).code, 300013)
      const after = yield* sync(three, before.cursor)
      assert.deepStrictEqual(contents(after), ["new 1", "new 2", "new 3", "new 4", "new 5"])
      assert.deepStrictEqual(contents(yield* sync(three)), ["kept", "new 1", "new 2", "new 3", "new 4", "new 5"])
      assert.strictEqual(yield* storeOf(three), store)
    })
  )

  it.live("is another one than a new store: a client sees it in its first frame", () =>
    Effect.gen(function* () {
      const stores: Array<string> = []
      for (const directory of [yield* temporaryDirectory, yield* temporaryDirectory]) {
        const { address } = yield* started(directory)
        const { token } = yield* Effect.provideService(register(), TestServer, address)
        stores.push(yield* storeOf(yield* connect(address.chatUrl, token)))
      }
      assert.notStrictEqual(stores[0], stores[1])
    })
  )
})
