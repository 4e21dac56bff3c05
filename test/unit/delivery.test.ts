/** Messages and events on their way to the connections of a node (protocol.md sections 1.5 and 1.6). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { type ConnectionHandle, ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import { ConversationWatchers } from "../../src/actors/delivery/ConversationWatchers.ts"
import { Delivery, eventMembersMax } from "../../src/actors/delivery/Delivery.ts"
import * as LocalEvents from "../../src/actors/delivery/LocalEvents.ts"
import * as LocalFanOut from "../../src/actors/delivery/LocalFanOut.ts"
import { type AppendOutcome, ResultFanOut } from "../../src/domain/cluster/AppendOutcome.ts"
import { type EphemeralEvent, EphemeralEvents } from "../../src/domain/cluster/EphemeralEvents.ts"
import { Peers } from "../../src/domain/cluster/Peers.ts"
import { type SessionRevocation, SessionRevocations } from "../../src/domain/cluster/SessionRevocations.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import type { Message } from "../../src/domain/messages/Message.ts"
import { Transfer } from "../../src/domain/messages/Transfer.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import type { ConnectionId, MessageId, UserId } from "../../src/domain/shared/Ids.ts"
import { freeBudgets, policyOf, settle } from "../support/ActorHarness.ts"

const decoder = new TextDecoder()
const privately = "1_2" as ConversationId

/** A node whose connections write down what they are told, in brief; `groups` are the members of each group. */
const onNode = <A, E>(
  use: (stage: {
    readonly told: Array<string>
    readonly connect: (userId: string, connectionId: string, sessionId?: string) => void
  }) => Effect.Effect<
    A,
    E,
    Delivery | EphemeralEvents | SessionRevocations | ResultFanOut | ConnectionRegistry | LocalEvents.LocalEvents
  >,
  groups: Readonly<Record<string, ReadonlyArray<string>>> = {}
) => {
  const told: Array<string> = []
  const layer = Layer.mergeAll(LocalEvents.layer, LocalFanOut.layer).pipe(
    Layer.provideMerge(Delivery.layer),
    Layer.provideMerge(ConnectionRegistry.layer),
    Layer.provide([
      policyOf(),
      freeBudgets((userId, units) => told.push(`charge ${userId} ${units}`)),
      Layer.mock(ConversationWatchers, { wake: (id) => void told.push(`wake ${id ?? "all"}`) }),
      Layer.mock(Groups, {
        audience: (groupId) =>
          Effect.succeed({
            seq: 5,
            members: (groups[groupId] ?? []).map((userId) => ({ userId: userId as UserId, joinedSeq: 0 }))
          })
      }),
      Layer.mock(Transfer, {
        publish: () => assert.fail(),
        settle: (draftId, { _tag }) => void told.push(`settle ${draftId} ${_tag}`),
        isConnected: () => true
      }),
      Layer.succeed(Peers, {
        isSelf: () => false,
        relay: ({ _tag }: EphemeralEvent) => void told.push(`relay ${_tag}`),
        revoke: ({ sessionId }: SessionRevocation) => void told.push(`revoke ${sessionId}`)
      } as unknown as Peers["Service"])
    ])
  )
  return Effect.gen(function* () {
    const registry = yield* ConnectionRegistry
    const connect = (userId: string, connectionId: string, sessionId = "session") =>
      registry.add({
        connectionId: connectionId as ConnectionId,
        userId: userId as UserId,
        deviceId: connectionId,
        platform: "cli",
        sessionId,
        ackMode: "once",
        network: "127.0.0.1",
        tell: (event) => {
          if (event._tag === "CloseAsked") return void told.push(`${connectionId} close ${event.close}`)
          if (event._tag !== "MessagePushed" && event._tag !== "Notified") return assert.fail(event._tag)
          const { method, data, fromID } = JSON.parse(decoder.decode(event.encoded))
          told.push(`${connectionId} ${event._tag} ${method} ${fromID} ${JSON.stringify(data.seq ?? data)}`)
        }
      } satisfies ConnectionHandle)
    return yield* use({ told, connect })
  }).pipe(Effect.provide(layer))
}

const message = (seq: number, changes: Partial<Message> = {}): Message => ({
  messageId: `10${seq}` as MessageId,
  clientId: "c",
  conversationId: privately,
  seq,
  chatType: 1,
  senderId: "1" as UserId,
  receiveId: "2" as UserId,
  sendTime: 0,
  messageType: 0,
  content: "words",
  ...changes
})

const origin = "11" as ConnectionId

describe("a node", () => {
  it.effect("pushes what is stored or read again, and then settles its draft; what is not stored is only settled", () =>
    onNode(({ told, connect }) =>
      Effect.gen(function* () {
        const { fanOut } = yield* ResultFanOut
        connect("1", "11")
        connect("1", "12")
        connect("2", "21")
        connect("3", "31")
        const outcome = (draftId: string, result: AppendOutcome["result"]) => ({
          draftId: draftId as MessageId,
          origin,
          result
        })
        const first = message(1)
        const outcomes: ReadonlyArray<readonly [AppendOutcome, ReadonlyArray<string>]> = [
          [
            outcome("101", { _tag: "Stored", message: first }),
            ["wake 1_2", "12 MessagePushed push 1 1", "21 MessagePushed push 1 1", "settle 101 Stored"]
          ],
          // Its own draft was read again: it may not have been pushed before.
          [
            outcome("101", { _tag: "Duplicate", message: first }),
            ["wake 1_2", "12 MessagePushed push 1 1", "21 MessagePushed push 1 1", "settle 101 Duplicate"]
          ],
          [outcome("102", { _tag: "Duplicate", message: first }), ["settle 102 Duplicate"]],
          [outcome("103", { _tag: "Rejected", error: failure("Blocked") }), ["settle 103 Rejected"]]
        ]
        for (const [one, expected] of outcomes) {
          told.length = 0
          yield* fanOut([one])
          assert.deepStrictEqual(told, expected)
        }
        told.length = 0
        yield* fanOut(outcomes.slice(2).map(([one]) => one))
        assert.deepStrictEqual(told, ["settle 102 Duplicate", "settle 103 Rejected"])
      })
    )
  )

  it.effect("has the sender pay for each ten pushes of a message to a group", () => {
    const members = Array.from({ length: 26 }, (_, index) => String(index + 1))
    return onNode(
      ({ told, connect }) =>
        Effect.gen(function* () {
          const { fanOut } = yield* ResultFanOut
          const to = (conversationId: string) =>
            message(6, { conversationId: conversationId as Message["conversationId"], chatType: 0 })
          for (const userId of members) connect(userId, `${userId}1`)
          for (const group of ["100", "200"]) {
            const outcome = {
              draftId: "106" as MessageId,
              origin,
              result: { _tag: "Stored", message: to(group) }
            } as const
            yield* fanOut([outcome])
            yield* Effect.yieldNow
          }
          assert.lengthOf(
            told.filter((line) => line.includes("MessagePushed")),
            25 + 8
          )
          assert.deepStrictEqual(
            told.filter((line) => line.startsWith("charge")),
            ["charge 1 2"]
          )
        }),
      { "100": members, "200": members.slice(0, 9) }
    )
  })

  it.effect("tells events to both users but the origin, or only to their own user, and relays them", () =>
    onNode(({ told, connect }) =>
      Effect.gen(function* () {
        const { publish } = yield* EphemeralEvents
        connect("1", "11")
        connect("1", "12")
        connect("2", "21")
        connect("3", "31")
        const user = { conversationId: privately, userId: "1" as UserId }
        publish({ _tag: "Read", ...user, seq: 3, onlyOwn: false }, origin)
        publish({ _tag: "Read", ...user, seq: 4, onlyOwn: true }, origin)
        publish({ _tag: "Typing", ...user })
        const typing = '{"conversationID":"1_2","userId":"1"}'
        assert.deepStrictEqual(told, [
          "12 Notified conversation.read 1 3",
          "21 Notified conversation.read 1 3",
          "relay Read",
          "12 Notified conversation.read 1 4",
          "relay Read",
          `11 Notified typing 1 ${typing}`,
          `12 Notified typing 1 ${typing}`,
          `21 Notified typing 1 ${typing}`,
          "relay Typing"
        ])
      })
    )
  )

  it.effect("closes the connections of a revoked login, and tells the other nodes of it", () =>
    onNode(({ told, connect }) =>
      Effect.gen(function* () {
        const { announce } = yield* SessionRevocations
        connect("1", "11", "old")
        connect("1", "12", "new")
        announce({ userId: "1" as UserId, sessionId: "old" })
        assert.deepStrictEqual(told, ["11 close Revoked", "revoke old"])
      })
    )
  )

  const crowd = (size: number) => Array.from({ length: size }, (_, index) => String(index + 1))
  it.effect("tells all members of a group of typing, but in a large one only the user's own connections", () =>
    onNode(
      ({ told, connect }) =>
        Effect.gen(function* () {
          const { publish } = yield* EphemeralEvents
          for (const userId of ["1", "2", "200", "201"]) connect(userId, `${userId}0`)
          const told200: Array<string> = []
          for (const groupId of ["100", "101"]) {
            publish({ _tag: "Typing", conversationId: groupId as ConversationId, userId: "1" as UserId })
            yield* settle
            told200.push(
              told
                .filter((line) => line.includes("typing"))
                .map((line) => line.split(" ")[0])
                .join(" ")
            )
            told.length = 0
          }
          assert.deepStrictEqual(told200, ["10 20 2000", "10"])
        }),
      { "100": crowd(eventMembersMax), "101": crowd(eventMembersMax + 1) }
    )
  )

  it.effect("asks its clients to sync, a hundred at a time, and once more for a request that comes meanwhile", () =>
    onNode(({ told, connect }) =>
      Effect.gen(function* () {
        const delivery = yield* Delivery
        for (let index = 0; index < 250; index += 1) connect(String(1_000 + index), String(index))
        const asked = () => told.filter((line) => line.includes("sync.required root {}")).length
        yield* settle
        assert.strictEqual(asked(), 0)
        delivery.requestResync()
        yield* settle
        assert.deepStrictEqual([told[0], asked()], ["wake all", 100])
        delivery.requestResync()
        for (const expected of [200, 250 + 100, 250 + 200, 500]) {
          yield* TestClock.adjust("100 millis")
          yield* settle
          assert.strictEqual(asked(), expected)
        }
        yield* TestClock.adjust("1 second")
        assert.strictEqual(asked(), 500)
      })
    )
  )
})
