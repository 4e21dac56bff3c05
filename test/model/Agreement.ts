/** Holds what a device has got against the model. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Message } from "../support/WireShapes.ts"
import type { Device } from "./Device.ts"
import { replicaOf } from "./Replica.ts"
import { assertSame } from "./Same.ts"
import type { Sightings } from "./Sightings.ts"
import { listedOf, syncedAs, syncedOf, viewOf, visible } from "./Views.ts"
import { groupsOf, type World } from "./World.ts"

/** What the server answers is what the model says, in its present state. */
export const assertPresent = (world: World, reader: string, messages: ReadonlyArray<Message>): void => {
  for (const message of messages) {
    const { conversationID, seq } = message
    const expected = visible(world, reader, conversationID)?.find((view) => view.seq === seq)
    assertSame(viewOf(message), expected, `message ${seq} of ${conversationID}, read by ${reader}`)
  }
}

/** Syncs, and compares everything that the device has then. */
export const syncAndCompare = (device: Device, world: World, sightings: Sightings, limit: number) =>
  Effect.gen(function* () {
    const { id: user } = device.user
    const mentioned = new Set(device.synced.keys())
    const found = yield* device.sync(limit)
    found.forEach((message) => sightings.see(message))
    assertPresent(world, user, found)
    const listed = new Set(listedOf(world, user))
    for (const id of listed) {
      const what = `${id}, synced by ${user}`
      assert.isTrue(device.synced.has(id), `nothing of ${what}`)
      assertSame(syncedAs(device.synced.get(id)!), syncedOf(world, user, id), what)
      assertSame(replicaOf(device.messages.get(id) ?? new Map(), user), visible(world, user, id), what)
    }
    for (const [id, synced] of device.synced) {
      if (listed.has(id)) continue
      assertSame(syncedAs(synced), syncedOf(world, user, id), `${id}, which ${user} has left`)
      assert.strictEqual(device.messages.get(id)?.size ?? 0, 0)
    }
    for (const { id, members } of groupsOf(world)) {
      const member = members.get(user)
      // Who has nothing need not hear of what they have left; who left since the last sync must.
      const isTold = device.syncedAt !== undefined && (member?.leftAt ?? 0) > device.syncedAt
      const isKnown = listed.has(id) || mentioned.has(id) || isTold
      assert.strictEqual(device.synced.has(id), isKnown, `whether ${user} hears of ${id}`)
    }
    device.syncedAt = world.moment
    comparePushes(device, world, sightings)
  })

/** What came by itself was for this user: told while they were a member, and never anything else. */
export const comparePushes = (device: Device, world: World, sightings: Sightings): void => {
  const { id: user } = device.user
  const wasTold = (conversationID: string, seq: number) =>
    world.conversations
      .get(conversationID)
      ?.members.get(user)
      ?.spans.some(({ from, to }) => from < seq && seq <= to)
  for (const message of device.pushed.splice(0)) {
    const { conversationID, seq, content, reactions, ...rest } = message
    sightings.see(message)
    assert.isTrue(wasTold(conversationID, seq), `message ${seq} of ${conversationID} was pushed to ${user}`)
    const stored = world.conversations.get(conversationID)!.messages[seq - 1]!
    assert.include(stored.said, content)
    assert.isUndefined(reactions)
    const { sendId, messageType, targetSeq } = stored
    assert.deepInclude({ targetSeq: 0, ...rest } as object, { sendId, messageType, targetSeq })
  }
  for (const { conversationID, userId, seq } of device.notices.splice(0)) {
    const { messages, members } = world.conversations.get(conversationID)!
    assert.isTrue(members.has(user) && members.has(userId), `${user} heard who reads in ${conversationID}`)
    assert.isAtMost(seq, messages.length)
    // Whoever has left before does not hear how far others have read since.
    assert.isAtMost(seq, Math.max(...members.get(user)!.spans.map(({ to }) => to)))
  }
}

/** Who was there all the time has got everything that others said while they were a member, without asking. */
export const findPushes = (device: Device, world: World) =>
  Effect.gen(function* () {
    const peer = yield* device.online()
    for (const { id, messages, members } of world.conversations.values()) {
      const { spans = [] } = members.get(device.user.id) ?? {}
      for (const { seq, sendId } of messages) {
        if (sendId === device.user.id || !spans.some(({ from, to }) => from < seq && seq <= to)) continue
        yield* peer.find(({ method, data }) => {
          if (method !== "push") return false
          const message = data as Message
          return message.conversationID === id && message.seq === seq
        })
      }
    }
  })
