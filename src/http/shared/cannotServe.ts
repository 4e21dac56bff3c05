/** The failure of a listener, such as a port that is taken, with the settings that an operator has to change. */
import { Data, Layer } from "effect"
import type { HttpServerError } from "effect/http"

export class CannotServe extends Data.TaggedError("CannotServe")<{
  /** The names of the settings. */
  readonly settings: string
  readonly cause: unknown
}> {
  override get message(): string {
    const { cause } = this
    return `cannot serve on ${this.settings}: ${cause instanceof Error ? cause.message : String(cause)}`
  }
}

/** Names the settings of a listener in its failure. */
export const cannotServe =
  (settings: string) =>
  <A, R>(listener: Layer.Layer<A, HttpServerError.ServeError, R>): Layer.Layer<A, CannotServe, R> =>
    Layer.catchTag(listener, "ServeError", ({ cause }) => Layer.effectContext(new CannotServe({ settings, cause })))
