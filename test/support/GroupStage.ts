/** Delivery to groups without a store or sockets: what is stored, what is read of it, and who is told what. */
import { Effect, Layer } from "effect"
import { type ConnectionHandle, ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import { ConversationWatchers } from "../../src/actors/delivery/ConversationWatchers.ts"
import { Delivery } from "../../src/actors/delivery/Delivery.ts"
import type { GroupEvent } from "../../src/domain/groups/Group.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import { type Message, MessageType } from "../../src/domain/messages/Message.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import type { ConnectionId, GroupId, UserId } from "../../src/domain/shared/Ids.ts"
import { freeBudgets, policyOf, settle } from "./ActorHarness.ts"

/** A group as the store knows it. */
interface StoredGroup {
  seq: number
  /** Each with the seq after which they see messages. */
  readonly members: Map<string, number>
}

export class GroupStage {
  readonly groups = new Map<string, StoredGroup>()
  /** Groups in the order in which their members were read. */
  readonly reads: Array<string> = []
  /** How the store answers. */
  state: "up" | "down" | "broken" = "up"
  /** Reads that have begun and wait to be let go; `undefined` when they need not wait. */
  private held: Array<() => void> | undefined
  /** Users and the seqs that were pushed to them, in order; of a notice its method, `sync` for `sync.required`. */
  readonly told = new Map<string, Array<number | string>>()
  /** The users who may see each message, by group and seq: members after it, and those who left by it. */
  readonly allowed = new Map<string, ReadonlySet<string>>()

  group(groupId: string, seq: number, members: ReadonlyArray<string>): void {
    this.groups.set(groupId, { seq, members: new Map(members.map((userId) => [userId, 0])) })
  }

  /** Stores a message, and gives it to be delivered. */
  store(groupId: string, sender: string, event?: GroupEvent): Message {
    const group = this.groups.get(groupId) ?? { seq: 0, members: new Map() }
    this.groups.set(groupId, group)
    group.seq += 1
    const before = [...group.members.keys()]
    const enter = (ids: ReadonlyArray<string>) => {
      for (const id of ids) if (!group.members.has(id)) group.members.set(id, group.seq - 1)
    }
    if (event?.event === "created") enter([sender, ...event.userIds])
    if (event?.event === "joined") enter(event.userIds)
    if (event?.event === "left") group.members.delete(sender)
    if (event?.event === "removed") for (const id of event.userIds) group.members.delete(id)
    const leaving = before.filter((id) => !group.members.has(id))
    this.allowed.set(`${groupId}/${group.seq}`, new Set([...group.members.keys(), ...leaving]))
    return {
      messageId: `${groupId}${group.seq}` as Message["messageId"],
      clientId: `c${group.seq}`,
      conversationId: groupId as Message["conversationId"],
      seq: group.seq,
      chatType: 0,
      senderId: sender as UserId,
      receiveId: groupId as GroupId,
      sendTime: 0,
      messageType: event === undefined ? MessageType.text : MessageType.system,
      content: event === undefined ? "words" : JSON.stringify(event)
    }
  }

  hold(): void {
    this.held ??= []
  }
  letGo(): void {
    const held = this.held ?? []
    this.held = undefined
    for (const go of held) go()
  }

  /** A read returns the state at its beginning. */
  readonly audience = (groupId: GroupId) =>
    Effect.suspend(() => {
      this.reads.push(groupId)
      if (this.state === "broken") return Effect.die(new Error("a bug in the store"))
      if (this.state === "down") return Effect.fail(failure("DatabaseError"))
      const { seq, members } = this.groups.get(groupId) ?? { seq: 0, members: new Map<string, number>() }
      const found = {
        seq,
        members: [...members].map(([userId, joinedSeq]) => ({ userId: userId as UserId, joinedSeq }))
      }
      return Effect.callback<typeof found>((resume) => {
        if (this.held === undefined) resume(Effect.succeed(found))
        else this.held.push(() => resume(Effect.succeed(found)))
      })
    })

  connection(userId: string): ConnectionHandle {
    const told: Array<number | string> = []
    this.told.set(userId, told)
    return {
      connectionId: `7${userId}` as ConnectionId,
      userId: userId as UserId,
      deviceId: "default",
      platform: "cli",
      sessionId: "1",
      ackMode: "once",
      network: "127.0.0.1",
      tell: (event) => {
        if (event._tag === "MessagePushed") told.push(event.message.seq)
        if (event._tag !== "Notified") return
        const { method } = JSON.parse(new TextDecoder().decode(event.encoded))
        told.push(method === "sync.required" ? "sync" : method)
      }
    }
  }
}

export const layerOf = (stage: GroupStage) =>
  Delivery.layer.pipe(
    Layer.provide(Layer.mock(Groups)({ audience: stage.audience })),
    Layer.provide(ConversationWatchers.layer.pipe(Layer.provide(Layer.mock(MessageStore)({})))),
    Layer.provideMerge(ConnectionRegistry.layer),
    Layer.provide([policyOf(), freeBudgets()])
  )

/** Connects these users. */
export const connectAll = (stage: GroupStage, users: ReadonlyArray<string>) =>
  Effect.map(ConnectionRegistry, (registry) => {
    for (const userId of users) registry.add(stage.connection(userId))
  })

/** The users who are online. */
export const users = ["1", "2", "3"]
export const ids = (...list: ReadonlyArray<string>) => list as ReadonlyArray<UserId>
export const joined = (...list: ReadonlyArray<string>): GroupEvent => ({ event: "joined", userIds: ids(...list) })
export const removed = (...list: ReadonlyArray<string>): GroupEvent => ({ event: "removed", userIds: ids(...list) })
export const left: GroupEvent = { event: "left" }
export const group = "100" as ConversationId

/** Runs with the group of 1 and 2, to which four messages were written before anybody came online. */
export const withStage = <A, E>(
  use: (
    stage: GroupStage,
    deliver: (...messages: ReadonlyArray<Message>) => Effect.Effect<void>
  ) => Effect.Effect<A, E, Delivery>
) => {
  const stage = new GroupStage()
  stage.group(group, 4, ["1", "2"])
  return Effect.gen(function* () {
    yield* connectAll(stage, users)
    const delivery = yield* Delivery
    const deliver = (...messages: ReadonlyArray<Message>) => {
      for (const message of messages) delivery.deliver(message, undefined)
      return settle
    }
    return yield* use(stage, deliver)
  }).pipe(Effect.provide(layerOf(stage)), Effect.scoped)
}

export const toldTo = (stage: GroupStage) => users.map((userId) => stage.told.get(userId))
