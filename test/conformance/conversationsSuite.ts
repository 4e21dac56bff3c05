/** The contract of every {@link Conversations} (protocol.md section 1.7). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Schema } from "effect"
import type { UserRepository } from "../../src/domain/accounts/User.ts"
import { Conversations } from "../../src/domain/conversations/Conversations.ts"
import { beginning, type SyncedConversation, type SyncPosition } from "../../src/domain/conversations/Sync.ts"
import { type SyncQuery, syncPage } from "../../src/domain/conversations/SyncPage.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { conversationOf, draft } from "../support/Drafts.ts"
import { runsOf } from "../support/Runs.ts"
import { insertUsers } from "../support/StoredUsers.ts"

let sent = 0

const append = (sender: string, receiver: string, changes: { readonly content?: string } = {}) =>
  Effect.gen(function* () {
    sent += 1
    const store = yield* MessageStore
    yield* store.appendBatch([draft(sender, receiver, `m${sent}`, changes)])
  })

/** One page for a reader; what is not given is nothing, nowhere, everything. */
const page = (reader: string, query: Partial<SyncQuery>) =>
  Effect.flatMap(Conversations, (conversations) =>
    syncPage(conversations, reader as UserId, {
      position: beginning,
      limit: 200,
      newest: undefined,
      known: {},
      ...query
    })
  )

/** All pages from a position. */
const walk = (reader: string, query: Partial<SyncQuery>) =>
  Effect.gen(function* () {
    const found: Array<SyncedConversation> = []
    let position = query.position ?? beginning
    for (let pages = 1; pages < 100; pages++) {
      const { conversations, next } = yield* page(reader, { ...query, position })
      found.push(...conversations)
      position = next
      if (next.walk === undefined) return { found, position, pages }
    }
    return assert.fail("the walk has no end")
  })

const seqsOf = (found: ReadonlyArray<SyncedConversation>, conversationID: string) =>
  found
    .filter((synced) => synced.conversationId === conversationID)
    .flatMap(({ messages }) => messages.map(({ seq }) => seq))

const User = Schema.Literals(["1", "2", "10"])
const Operation = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("append"), sender: User, receiver: User }),
  Schema.Struct({ kind: Schema.Literal("read"), reader: User, other: User, seq: Schema.Literals([1, 2, 4]) }),
  /** A device asks for one page. */
  Schema.Struct({
    kind: Schema.Literal("page"),
    device: Schema.Literals([0, 1, 2]),
    limit: Schema.Literals([1, 2, 5])
  })
])
const devices = ["1", "1", "2"]

/** The state that the store must show, and the messages that each device has got. */
class Model {
  readonly lastSeqs = new Map<string, number>()
  readonly readSeqs = new Map<string, number>()
  readonly told = devices.map(() => new Map<string, SyncedConversation>())
  readonly positions: Array<SyncPosition> = devices.map(() => beginning)

  append(sender: string, receiver: string): void {
    const id = conversationOf(sender, receiver)
    const seq = (this.lastSeqs.get(id) ?? 0) + 1
    this.lastSeqs.set(id, seq)
    this.readSeqs.set(`${id} ${sender}`, seq)
  }

  /** Messages of a page follow what the device has, or come again, without a gap: a device goes by their seqs. */
  tell(device: number, conversations: ReadonlyArray<SyncedConversation>): void {
    for (const synced of conversations) {
      const had = this.told[device]!.get(synced.conversationId)?.messages ?? []
      const seqs = synced.messages.map(({ seq }) => seq)
      const messages = [...had.filter(({ seq }) => !seqs.includes(seq)), ...synced.messages].toSorted(
        (one, other) => one.seq - other.seq
      )
      assert.deepStrictEqual(
        messages.map(({ seq }) => seq),
        messages.map((_, index) => index + 1)
      )
      this.told[device]!.set(synced.conversationId, { ...synced, messages })
    }
  }

  /** A device that has asked to the end knows everything. */
  check(device: number): void {
    const user = devices[device]!
    const own = [...this.lastSeqs].filter(([id]) => id.split("_").includes(user))
    assert.strictEqual(this.told[device]!.size, own.length)
    for (const [id, lastSeq] of own) {
      const readSeq = this.readSeqs.get(`${id} ${user}`) ?? 0
      const synced = this.told[device]!.get(id)!
      const peer = id.split("_").find((other) => other !== user)
      assert.deepStrictEqual(
        { ...synced, messages: synced.messages.length },
        {
          conversationId: id as never,
          seq: lastSeq,
          readSeq,
          unread: lastSeq - readSeq,
          ...(peer === undefined ? {} : { peerReadSeq: this.readSeqs.get(`${id} ${peer}`) ?? 0 }),
          messages: lastSeq,
          hasMore: false
        }
      )
    }
  }
}

export const conversationsSuite = <E>(
  name: string,
  layer: Layer.Layer<Conversations | MessageStore | UserRepository, E>
) =>
  describe(`the conversations on ${name}`, () => {
    it.effect.prop(
      "tell every device all that it missed, page by page, whatever happens between the pages",
      [Schema.Array(Operation).check(Schema.isMaxLength(30))],
      ([operations]) =>
        Effect.gen(function* () {
          yield* insertUsers
          const conversations = yield* Conversations
          const model = new Model()
          const next = (device: number, limit: number) =>
            Effect.gen(function* () {
              const got = yield* page(devices[device]!, { position: model.positions[device]!, limit })
              assert.isAtMost(got.conversations.flatMap(({ messages }) => messages).length, limit)
              model.positions[device] = got.next
              model.tell(device, got.conversations)
              return got.next.walk === undefined
            })
          for (const operation of operations) {
            if (operation.kind === "append") {
              yield* append(operation.sender, operation.receiver)
              model.append(operation.sender, operation.receiver)
            } else if (operation.kind === "read") {
              const id = conversationOf(operation.reader, operation.other)
              const lastSeq = model.lastSeqs.get(id)
              const marked = yield* Effect.result(conversations.markRead(operation.reader as UserId, id, operation.seq))
              if (lastSeq === undefined) assert.strictEqual(marked._tag === "Failure" && marked.failure.code, 300001)
              else if (operation.seq > lastSeq)
                assert.strictEqual(marked._tag === "Failure" && marked.failure.code, 100002)
              else {
                const before = model.readSeqs.get(`${id} ${operation.reader}`) ?? 0
                const seq = Math.max(before, operation.seq)
                const mark = { seq, moved: seq > before, isBlocked: false }
                assert.deepStrictEqual(marked._tag === "Success" && marked.success, mark)
                model.readSeqs.set(`${id} ${operation.reader}`, seq)
              }
            } else {
              yield* next(operation.device, operation.limit)
            }
          }
          for (const device of devices.keys()) {
            // A sync that was begun is finished, then another one made: changes may have come between its pages.
            while (!(yield* next(device, 2)));
            while (!(yield* next(device, 2)));
            model.check(device)
            const again = yield* page(devices[device]!, { position: model.positions[device]! })
            assert.deepStrictEqual(again.conversations, [])
          }
        }).pipe(Effect.provide(layer)),
      { arbitrary: { runs: runsOf(200) } }
    )

    it.effect("send each message once when nothing happens between the pages", () =>
      Effect.gen(function* () {
        yield* insertUsers
        for (let count = 0; count < 7; count++) {
          yield* append("2", "1")
          yield* append("10", "1")
          yield* append("1", "1")
        }
        const { found, pages } = yield* walk("1", { limit: 4 })
        assert.strictEqual(pages, 6)
        for (const other of ["1", "2", "10"]) {
          assert.deepStrictEqual(seqsOf(found, conversationOf("1", other)), [1, 2, 3, 4, 5, 6, 7])
        }
        // User 2 has only the one conversation, and what was sent is read.
        const others = yield* walk("2", {})
        assert.deepInclude(others.found[0], { readSeq: 7, unread: 0 })
        assert.strictEqual(others.found.length, 1)
      }).pipe(Effect.provide(layer))
    )

    it.effect("send a new device the newest messages only, and all that come later", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const id = conversationOf("1", "2")
        for (let count = 0; count < 9; count++) {
          yield* append("2", "1")
          yield* append("2", "10")
          if (count < 2) yield* append("1", "10")
        }
        const first = yield* walk("1", { newest: 3, limit: 2 })
        assert.deepStrictEqual(seqsOf(first.found, id), [7, 8, 9])
        assert.deepStrictEqual(seqsOf(first.found, conversationOf("1", "10")), [1, 2])
        for (let count = 0; count < 5; count++) yield* append("2", "1")
        const second = yield* walk("1", { newest: 3, position: first.position })
        assert.deepStrictEqual(seqsOf(second.found, id), [10, 11, 12, 13, 14])
      }).pipe(Effect.provide(layer))
    )

    it.effect("go by the positions that the device names, and tell nothing of others' conversations", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const id = conversationOf("1", "2")
        for (let count = 0; count < 5; count++) {
          yield* append("1", "2")
          yield* append("1", "10")
          yield* append("2", "10")
        }
        const { position } = yield* walk("1", {})
        const known = { [id]: 2, [conversationOf("2", "10")]: 0 }
        const { found } = yield* walk("1", { position, known, limit: 2 })
        assert.deepStrictEqual(seqsOf(found, id), [3, 4, 5])
        assert.isTrue(found.every(({ conversationId }) => conversationId === id))
        // A position past the end is no reason to send anything, or to send less later.
        const ahead = yield* walk("1", { position, known: { [id]: 99 } })
        assert.deepStrictEqual(ahead.found, [])
        yield* append("2", "1")
        assert.deepStrictEqual(seqsOf((yield* walk("1", { position: ahead.position })).found, id), [6])
      }).pipe(Effect.provide(layer))
    )

    it.effect("cut a page where its content gets too large for a frame", () =>
      Effect.gen(function* () {
        yield* insertUsers
        for (let count = 0; count < 9; count++) yield* append("2", "1", { content: "x".repeat(16 * 1024) })
        const first = yield* page("1", {})
        assert.strictEqual(first.conversations[0]?.messages.length, 4)
        assert.isTrue(first.conversations[0]?.hasMore)
        const { found } = yield* walk("1", {})
        assert.deepStrictEqual(seqsOf(found, conversationOf("1", "2")), [1, 2, 3, 4, 5, 6, 7, 8, 9])
      }).pipe(Effect.provide(layer))
    )

    it.effect("refuse a position that the store has not reached", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* append("2", "1")
        const { position } = yield* walk("1", {})
        const ahead = { since: position.since + 1, term: position.term, walk: undefined }
        const refused = yield* Effect.flip(page("1", { position: ahead }))
        assert.strictEqual(refused.code, 300013)
      }).pipe(Effect.provide(layer))
    )
  })
