/** Plays a script against the server and the model, and compares the two on the way and in the end. */

import { isDeepStrictEqual } from "node:util"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { ChatLog } from "../../src/http/api/ChatLog.ts"
import { TestServer } from "../support/TestServer.ts"
import { assertPresent, comparePushes, findPushes, syncAndCompare } from "./Agreement.ts"
import type { Command, Done, Keyed } from "./Commands.ts"
import { Device } from "./Device.ts"
import { call, carryOut } from "./Hands.ts"
import { assertForgotten, expectedLook, lookOf, messageIn } from "./Look.ts"
import { worldsAfter } from "./Orders.ts"
import { enrol, type Person } from "./People.ts"
import { assertSame } from "./Same.ts"
import { commandOf, devices, placeOf, type Reading, type Script, userCount, type Wanted } from "./Script.ts"
import { Sightings } from "./Sightings.ts"
import { logOf, pageOf, recordsOf, viewOf, visible } from "./Views.ts"
import { emptyWorld, groupsOf, lastSeq, type World } from "./World.ts"

export const play = (script: Script) =>
  Effect.gen(function* () {
    const { chatUrl } = yield* TestServer
    const sql = yield* SqlClient.SqlClient
    const users = yield* Effect.all(Array.from({ length: userCount }, () => enrol))
    const ids = users.map(({ id }) => id)
    const all = devices.map(({ user, name, ...habits }) => new Device(chatUrl, users[user]!, name, habits))
    const sightings = new Sightings()
    const earlier: Array<Keyed> = []
    let world = emptyWorld
    for (const device of all) yield* device.online()

    const lookAround = Effect.suspend(() =>
      Effect.forEach(users, (user) =>
        lookOf(
          user,
          groupsOf(world).map(({ id }) => id)
        )
      )
    )

    /** Has the devices do their commands at the same time, each its own one after the other. */
    const doAll = Effect.fnUntraced(function* (
      lines: ReadonlyArray<ReadonlyArray<readonly [number, Command, boolean]>>
    ) {
      const done = yield* Effect.forEach(
        lines,
        (line) =>
          Effect.forEach(line, ([index, command, loseAnswer]) =>
            Effect.map(carryOut(all[index]!, command, loseAnswer), (outcome): Done => ({ command, outcome }))
          ),
        { concurrency: "unbounded" }
      )
      const worlds = worldsAfter(world, done)
      assert.isAbove(worlds.length, 0, `no order explains ${JSON.stringify(done)}`)
      world = worlds[0]!
      for (const { command, outcome } of done.flat()) {
        if (!("id" in command)) continue
        earlier.push(command)
        if (outcome.code !== undefined || outcome.conversationID === undefined) continue
        const { conversationID, seq = 1 } = outcome
        sightings.see({ ...outcome, conversationID, seq, clientId: command.id })
      }
      // Several orders do: what is seen then tells which one it was.
      if (worlds.length > 1) world = yield* rightOne(worlds)
    })

    const rightOne = Effect.fnUntraced(function* (worlds: ReadonlyArray<World>) {
      const looks = (yield* lookAround).map(({ look }) => look)
      const expected = worlds.map((one) => ids.map((id) => expectedLook(one, id)))
      const right = expected.findIndex((one) => isDeepStrictEqual(one, looks))
      if (right < 0) assertSame(looks, expected[0], `one of ${worlds.length} orders, at least`)
      return worlds[right]!
    })

    const together = (wanted: ReadonlyArray<Wanted>) => {
      const cast = { world, users: ids, earlier }
      const lines = Map.groupBy(wanted, ({ act }) => act.device)
      return doAll(
        [...lines].map(([index, line]) =>
          line.flatMap((one) => {
            const command = commandOf(cast, one)
            return command === undefined ? [] : [[index, command, one.loseAnswer] as const]
          })
        )
      )
    }

    const compareRecords = Effect.fnUntraced(function* (user: Person, conversationID: string, seq: number) {
      const messageId = sightings.messageId(conversationID, seq)
      if (messageId === undefined) return
      const { code, data } = yield* call("GET", `im/chatlog/readRecords?msgId=${messageId}`, user)
      const found = data && { reads: [...data.reads].sort(), unReads: [...data.unReads].sort() }
      const what = `who has read ${seq} of ${conversationID}, asked by ${user.id}`
      assertSame(found ?? code, recordsOf(world, user.id, conversationID, seq) ?? 300011, what)
    })

    const readPage = Effect.fnUntraced(function* ({ kind, device: index, where, direction, back, limit }: Reading) {
      const device = all[index]!
      const { id: reader } = device.user
      const { conversationID } = placeOf({ world, users: ids, earlier }, reader, where)
      const seen = visible(world, reader, conversationID)
      const at = Math.max(1, lastSeq(world, conversationID) - back)
      if (kind === "records") return yield* compareRecords(device.user, conversationID, at)
      const bounds = {
        limit,
        ...(direction === "before" ? { beforeSeq: at } : direction === "after" ? { afterSeq: at } : {})
      }
      const what = `${kind} of ${conversationID} for ${reader} with ${JSON.stringify(bounds)}`
      if (kind === "history") {
        const got = yield* device.history({ conversationID, ...bounds })
        const found = "code" in got ? got.code : { ...got, messages: got.messages.map(viewOf) }
        assertSame(found, seen === undefined ? 300001 : pageOf(seen, bounds), what)
      } else {
        const { limit: count, ...rest } = bounds
        const query = new URLSearchParams({ conversationId: conversationID, count: `${count}` })
        for (const [key, seq] of Object.entries(rest)) query.set(key, `${seq}`)
        const { code, data } = yield* call("GET", `im/chatlog?${query}`, device.user)
        const found = (data?.list as ReadonlyArray<ChatLog> | undefined)?.map((message) => viewOf(messageIn(message)))
        assertSame(found ?? code, seen === undefined ? 300001 : logOf(seen, bounds), what)
      }
    })

    const compareAll = Effect.gen(function* () {
      for (const device of all) {
        if (!device.wasCut) yield* findPushes(device, world)
        yield* syncAndCompare(device, world, sightings, 2)
      }
      for (const [index, { look, messages }] of (yield* lookAround).entries()) {
        assertSame(look, expectedLook(world, ids[index]!), `what ${ids[index]} finds over HTTP`)
        messages.forEach((message) => sightings.see(message))
        assertPresent(world, ids[index]!, messages)
      }
      for (const { id, messages } of world.conversations.values()) {
        const middle = Math.ceil(messages.length / 2)
        for (const user of users) yield* compareRecords(user, id, middle)
      }
      const conversations = [...world.conversations.keys()]
      const stored = yield* sql`SELECT content FROM messages WHERE ${sql.in("conversation_id", conversations)}`
      assertForgotten(world, JSON.stringify(stored), "the store")
    })

    // One of each rank to begin with, and one outside.
    yield* doAll([
      [[0, { kind: "found", user: ids[0]!, id: "first", name: "first", userIds: [ids[1]!, ids[2]!] }, false]]
    ])
    const [{ id: groupId } = { id: "" }] = groupsOf(world)
    yield* doAll([[[0, { kind: "role", user: ids[0]!, groupId, userId: ids[1]!, role: 2 }, false]]])
    for (const operation of script) {
      if (operation.kind === "together") yield* together(operation.wanted)
      else if (operation.kind === "cut") all[operation.device]!.cut()
      else if (operation.kind === "sync")
        yield* syncAndCompare(all[operation.device]!, world, sightings, operation.limit)
      else yield* readPage(operation)
    }
    yield* compareAll
    // And again when nothing has changed but what was read.
    yield* doAll(
      [0, 2, 4].map((index) =>
        [...world.conversations.keys()]
          .filter((id) => visible(world, all[index]!.user.id, id) !== undefined)
          .map((id) => [
            index,
            { kind: "read", user: all[index]!.user.id, conversationID: id, seq: lastSeq(world, id) },
            false
          ])
      )
    )
    yield* compareAll
    for (const device of all) comparePushes(device, world, sightings)
  })
