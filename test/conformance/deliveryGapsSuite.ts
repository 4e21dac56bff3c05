/** The contract of {@link DeliveryGaps}: what workers know of gateways that lack outcomes, whatever is below. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { DeliveryGaps } from "../../src/domain/cluster/DeliveryGaps.ts"

export const deliveryGapsSuite = <E>(name: string, layer: Layer.Layer<DeliveryGaps, E>) =>
  describe(`gaps of delivery on ${name}`, () => {
    it.effect("stay open until the last that was skipped has been told of", () =>
      Effect.gen(function* () {
        const gaps = yield* DeliveryGaps
        assert.deepStrictEqual(yield* gaps.list, [])
        yield* gaps.open("http://near")
        yield* gaps.open("http://far")
        const open = yield* gaps.list
        assert.sameMembers(
          open.map(({ gateway }) => gateway),
          ["http://far", "http://near"]
        )
        // Skipped once more while it is being told.
        yield* gaps.open("http://far")
        for (const gap of open) yield* gaps.close(gap)
        const [left, ...others] = yield* gaps.list
        assert.deepStrictEqual([left?.gateway, others], ["http://far", []])
        if (left !== undefined) yield* gaps.close(left)
        if (left !== undefined) yield* gaps.close(left)
        assert.deepStrictEqual(yield* gaps.list, [])
      }).pipe(Effect.provide(layer))
    )
  })
