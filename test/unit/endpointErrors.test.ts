/** An endpoint lists every failure of its handler: a check of the compiler. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { failure } from "../../src/domain/shared/Failure.ts"
import { failuresOf } from "../../src/http/api/Envelope.ts"

const api = HttpApi.make("test").add(
  HttpApiGroup.make("group").add(
    HttpApiEndpoint.get("one", "/one", { success: Schema.Literal("one"), error: failuresOf("NoMessage") })
  )
)

describe("the handler of an endpoint", () => {
  it("may fail with the rows that the endpoint lists, and with those of every endpoint", () => {
    const listed = HttpApiBuilder.group(api, "group", (handlers) =>
      handlers.handleAll({ one: () => Effect.fail(failure("NoMessage")) })
    )
    const everywhere = HttpApiBuilder.group(api, "group", (handlers) =>
      handlers.handleAll({ one: () => Effect.fail(failure("DatabaseError")) })
    )
    const omitted = HttpApiBuilder.group(api, "group", (handlers) =>
      // @ts-expect-error the endpoint does not list TooLate
      handlers.handleAll({ one: () => Effect.fail(failure("TooLate")) })
    )
    for (const layer of [listed, everywhere, omitted]) assert.isTrue(Layer.isLayer(layer))
  })
})
