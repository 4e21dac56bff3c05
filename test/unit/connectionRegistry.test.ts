/** Connections of a login that is revoked while they come (`src/actors/connections/ConnectionRegistry.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { type Connection, ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import type { ConnectionId } from "../../src/domain/shared/Ids.ts"
import { policyOf } from "../support/ActorHarness.ts"

/** A connection of user 1, and what it was asked to close with. */
const connection = (connectionId: string, sessionId: string | undefined) => {
  const closes: Array<string> = []
  const made: Connection = {
    connectionId: connectionId as ConnectionId,
    kind: "user",
    userId: "1",
    deviceId: "default",
    platform: "cli",
    sessionId,
    ackMode: "once",
    tell: (event) => {
      if (event._tag === "CloseAsked") closes.push(event.close)
    }
  }
  return { made, closes }
}

describe("a login that is revoked", () => {
  it.effect("closes its connections, those too that come just after, and no others", () =>
    Effect.gen(function* () {
      const registry = yield* ConnectionRegistry
      const [before, other, after, anonymous] = [
        connection("1", "old"),
        connection("2", "new"),
        connection("3", "old"),
        connection("4", undefined)
      ]
      registry.add(before.made)
      registry.add(other.made)
      registry.logOut("1", "old")
      registry.logOut("2", "new")
      for (const { made } of [after, anonymous]) registry.add(made)
      assert.deepStrictEqual(
        [before, other, after, anonymous].map(({ closes }) => closes),
        [["TokenExpired"], [], ["TokenExpired"], []]
      )
    }).pipe(Effect.provide(ConnectionRegistry.layer.pipe(Layer.provide(policyOf()))))
  )
})
