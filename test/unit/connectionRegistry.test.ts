/** Connections of a login that is revoked while they come (`src/actors/connections/ConnectionRegistry.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { type ConnectionHandle, ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import type { ConnectionId, UserId } from "../../src/domain/shared/Ids.ts"
import { policyOf } from "../support/ActorHarness.ts"

const user = "1" as UserId

/** A connection of user 1, and what it was asked to close with. */
const connection = (connectionId: string, sessionId: string) => {
  const closes: Array<string> = []
  const made: ConnectionHandle = {
    connectionId: connectionId as ConnectionId,
    userId: user,
    deviceId: "default",
    platform: "cli",
    sessionId,
    ackMode: "once",
    network: "127.0.0.1",
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
        connection("4", "newer")
      ]
      registry.add(before.made)
      registry.add(other.made)
      registry.logOut(user, "old")
      registry.logOut("2" as UserId, "new")
      for (const { made } of [after, anonymous]) registry.add(made)
      assert.deepStrictEqual(
        [before, other, after, anonymous].map(({ closes }) => closes),
        [["Revoked"], [], ["Revoked"], []]
      )
    }).pipe(Effect.provide(ConnectionRegistry.layer.pipe(Layer.provide(policyOf()))))
  )

  it.effect("is remembered, and forgotten first, after ten thousand others", () =>
    Effect.gen(function* () {
      const registry = yield* ConnectionRegistry
      for (let index = 1; index <= 10_000; index += 1) registry.logOut(user, `${index}`)
      const closesOf = (sessionId: string) => {
        const { made, closes } = connection(`c${sessionId}`, sessionId)
        registry.add(made)
        return closes.filter((close) => close === "Revoked").length
      }
      assert.strictEqual(closesOf("1"), 1)
      registry.logOut(user, "10001")
      assert.deepStrictEqual(["1", "2", "10001"].map(closesOf), [0, 1, 1])
    }).pipe(Effect.provide(ConnectionRegistry.layer.pipe(Layer.provide(policyOf()))))
  )
})
