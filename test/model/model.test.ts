/**
 * Random operations by three users on five devices against the real embedded server, and the same in memory. The seed
 * is printed; `MODEL_SEED=<seed>` runs the same operations again.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Server from "../support/TestServer.ts"
import { TestServer } from "../support/TestServer.ts"
import { register } from "../support/Users.ts"
import { Device, type Habits } from "./Device.ts"
import { briefOf, conversationOf, Model, type Sending } from "./Model.ts"

const seed = process.env["MODEL_SEED"] ?? String(Math.floor(Math.random() * 2 ** 31))

const devices: ReadonlyArray<{ readonly user: 0 | 1 | 2; readonly name: string } & Habits> = [
  { user: 0, name: "phone", ack: "once", acksPushes: "each" },
  { user: 0, name: "desk", ack: "rigor", acksPushes: "upTo" },
  { user: 1, name: "phone", ack: "rigor", acksPushes: "each" },
  { user: 1, name: "desk", ack: "once", acksPushes: "never" },
  { user: 2, name: "phone", ack: "once", acksPushes: "upTo" }
]

const DeviceIndex = Schema.Literals([0, 1, 2, 3, 4])
const UserIndex = Schema.Literals([0, 1, 2])
const Position = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 }))
const Limit = Schema.Literals([1, 2, 5])

/** Ids are few, so that they come again: with the same content, and with another one. */
const Send = Schema.Struct({
  kind: Schema.Literal("send"),
  device: DeviceIndex,
  to: UserIndex,
  id: Schema.Literals(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]),
  content: Schema.Literals(["x", "x", "x", "y"]),
  /** The answer to its first sending is lost with the connection. */
  loseAnswer: Schema.Literals([false, false, false, true])
})
/** Operations of different devices that run at the same time. */
const Together = Schema.Struct({
  kind: Schema.Literal("together"),
  sends: Schema.Array(Send).check(Schema.isBetweenLength(1, 5))
})
const Operation = Schema.Union([
  Together,
  // Half of what happens is sending.
  Together,
  Together,
  Schema.Struct({ kind: Schema.Literal("read"), device: DeviceIndex, with: UserIndex, at: Position }),
  Schema.Struct({ kind: Schema.Literal("cut"), device: DeviceIndex }),
  Schema.Struct({ kind: Schema.Literal("sync"), device: DeviceIndex, limit: Limit }),
  Schema.Struct({
    kind: Schema.Literal("history"),
    device: DeviceIndex,
    with: UserIndex,
    direction: Schema.Literals(["before", "after", "newest"]),
    at: Position,
    limit: Limit
  })
])
type Operation = typeof Operation.Type
const Script = Schema.Array(Operation).check(Schema.isBetweenLength(10, 40))

/** What a reader may see of a page of history. */
const pageOf = (model: Model, id: string, { direction, at, limit }: Operation & { readonly kind: "history" }) => {
  const all = model.conversations.get(id) ?? []
  const within = all.filter(({ seq }) => (direction === "before" ? seq < at : direction === "after" ? seq > at : true))
  const messages = direction === "after" ? within.slice(0, limit) : within.slice(-limit)
  return { messages, hasMore: within.length > limit }
}

const sendAll = (all: ReadonlyArray<Device>, users: ReadonlyArray<string>, sends: ReadonlyArray<typeof Send.Type>) =>
  Effect.forEach(
    // One after the other on one device; devices at the same time.
    Map.groupBy(sends, ({ device }) => device),
    ([device, own]) =>
      Effect.forEach(own, ({ to, id, content, loseAnswer }) =>
        Effect.map(
          all[device]!.send(id, users[to]!, content, loseAnswer),
          (sent): Sending => ({ sender: all[device]!.userId, receiver: users[to]!, id, content, sent })
        )
      ),
    { concurrency: "unbounded" }
  )

/** After a sync a device has what the model has. */
const agree = (device: Device, model: Model) =>
  Effect.gen(function* () {
    // Who was there all the time has got everything that others sent, without asking.
    if (!device.wasCut) {
      const peer = yield* device.online()
      const others = model.of(device.userId).flatMap((id) => model.conversations.get(id) ?? [])
      for (const { messageId, sendId } of others) {
        if (sendId !== device.userId) yield* peer.find(({ id, method }) => method === "push" && id === messageId)
      }
    }
    yield* device.sync(2)
    assert.deepStrictEqual(device.contradictions, [])
    const own = model.of(device.userId)
    assert.sameMembers([...device.messages.keys()], [...own])
    for (const id of own) {
      const messages = [...device.messages.get(id)!.values()].sort((a, b) => a.seq - b.seq)
      assert.deepStrictEqual(messages.map(briefOf), model.conversations.get(id))
      const { seq, readSeq, unread } = device.synced.get(id)!
      const read = model.readSeq(device.userId, id)
      const last = model.lastSeq(id)
      assert.deepStrictEqual({ seq, readSeq, unread }, { seq: last, readSeq: read, unread: last - read })
    }
  })

layer(Server.layer({ CHAT_PUSH_RETRY: "20 millis", CHAT_PUSH_RETRY_COUNT: "2" }), { excludeTestServices: true })(
  "the server and the model of its promises",
  (it) => {
    it.effect.prop(
      `agree on histories, positions and unread counts (MODEL_SEED=${seed})`,
      [Script],
      ([script]) =>
        Effect.gen(function* () {
          const { chatUrl } = yield* TestServer
          const users = [yield* register(), yield* register(), yield* register()]
          const ids = users.map(({ id }) => id)
          const all = devices.map(({ user, name, ...habits }) => new Device(chatUrl, users[user]!, name, habits))
          const model = new Model()
          for (const device of all) yield* device.online()

          for (const operation of script) {
            if (operation.kind === "together") {
              model.take((yield* sendAll(all, ids, operation.sends)).flat())
              continue
            }
            const device = all[operation.device]!
            if (operation.kind === "cut") device.cut()
            else if (operation.kind === "sync") yield* device.sync(operation.limit)
            else if (operation.kind === "read") {
              const id = conversationOf(device.userId, ids[operation.with]!)
              const seq = Math.min(operation.at, model.lastSeq(id))
              if (model.lastSeq(id) === 0) continue
              model.read(device.userId, id, seq)
              assert.strictEqual(yield* device.markRead(id, seq), model.readSeq(device.userId, id))
            } else {
              const { direction, at, limit } = operation
              const conversationID = conversationOf(device.userId, ids[operation.with]!)
              const bound = direction === "before" ? { beforeSeq: at } : direction === "after" ? { afterSeq: at } : {}
              const got = yield* device.history({ conversationID, limit, ...bound })
              if (model.lastSeq(conversationID) === 0) assert.deepStrictEqual(got, { code: 300001 })
              else if ("messages" in got) {
                const { messages, hasMore } = pageOf(model, conversationID, operation)
                assert.deepStrictEqual(
                  { hasMore: got.hasMore, messages: got.messages.map(briefOf) },
                  { hasMore, messages }
                )
              } else assert.fail(`no history: ${got.code}`)
            }
          }

          for (const device of all) yield* agree(device, model)
          // And again when nothing has changed but what was read.
          for (const device of [all[0]!, all[2]!, all[4]!]) {
            for (const id of model.of(device.userId)) {
              model.read(device.userId, id, model.lastSeq(id))
              yield* device.markRead(id, model.lastSeq(id))
            }
          }
          for (const device of all) yield* agree(device, model)
        }).pipe(Effect.scoped),
      { arbitrary: { runs: 40, seed }, timeout: 120_000 }
    )
  }
)
