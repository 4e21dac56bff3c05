/**
 * The typed router of data frames: a route joins a method of `src/domain/connection/ClientProtocol.ts` to its handler, which gets a
 * decoded payload. Nothing slow runs in the actor's loop: work is handed over, or comes back to be run beside it.
 */
import { type Cause, Context, Effect, Layer, Result, Schema } from "effect"
import type { Method, MethodKind } from "../../domain/connection/ClientProtocol.ts"
import type { Outcome, Request } from "../../domain/connection/ConnectionMachine.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import type { Connection } from "./ConnectionRegistry.ts"

/** A data frame on its way to a handler. */
export interface Call<Payload> {
  readonly connection: Connection
  /** The frame's id, chosen by the client. */
  readonly id: string
  readonly payload: Payload
}

/** Ends a call; a call is ended exactly once. */
export type Settle = (outcome: Outcome) => void

/** A route with its payload type forgotten. */
export interface Route {
  readonly method: string
  /** Starts the call. An effect that comes back is run beside the actor, and ended with it. */
  readonly start: (call: Call<unknown>, settle: Settle) => Effect.Effect<void> | undefined
}

/** A route whose handler gets a decoded payload; one that does not fit the schema is answered with `BadParameters`. */
const route = <Payload>(
  { name, payload: schema }: Method<MethodKind, Payload>,
  start: (call: Call<Payload>, settle: Settle) => Effect.Effect<void> | undefined
): Route => {
  const decode = Schema.decodeUnknownResult(schema)
  return {
    method: name,
    start: ({ connection, id, payload }, settle) => {
      // A Go client without a payload sends null.
      const decoded = decode(payload ?? {})
      if (Result.isSuccess(decoded)) return start({ connection, id, payload: decoded.success }, settle)
      settle({ _tag: "Failed", error: failure("BadParameters", { msg: decoded.failure.message }) })
      return undefined
    }
  }
}

/** A command that hands its work over without waiting, in the order of arrival, and settles when it is durable. */
export const handedOver = <Payload>(
  method: Method<"command", Payload>,
  handle: (call: Call<Payload>, settle: Settle) => void
): Route =>
  route(method, (call, settle) => {
    handle(call, settle)
    return undefined
  })

/**
 * A command whose work is done beside the actor, in no order; what comes of it is the data of the ack. Once begun it is
 * brought to its end, though the connection is gone: others are to hear of what it has changed.
 */
export const done = <Payload>(
  method: Method<"command" | "signal", Payload>,
  handle: (call: Call<Payload>) => Effect.Effect<unknown, Failure>
): Route => route(method, (call, settle) => Effect.uninterruptible(settled(handle(call), "Done", settle)))

/** A query: what comes of it is the data of a data frame with the request's id and method. */
export const answered = <Payload>(
  method: Method<"query", Payload>,
  handle: (call: Call<Payload>) => Effect.Effect<unknown, Failure>
): Route => route(method, (call, settle) => settled(handle(call), "Answered", settle))

const settled = (
  work: Effect.Effect<unknown, Failure>,
  tag: "Done" | "Answered",
  settle: Settle
): Effect.Effect<void> =>
  Effect.matchCauseEffect(work, {
    onSuccess: (data) => Effect.sync(() => settle({ _tag: tag, data })),
    onFailure: (cause) =>
      Effect.flatMap(expectedError(cause), (error) => Effect.sync(() => settle({ _tag: "Failed", error })))
  })

/** The expected error of a cause; anything else is logged once and becomes `ServerError`. */
const expectedError = (cause: Cause.Cause<Failure>): Effect.Effect<Failure> => {
  const expected = cause.reasons.find((reason) => reason._tag === "Fail")
  return expected !== undefined
    ? Effect.succeed(expected.error)
    : Effect.as(Effect.logError("a method failed unexpectedly", cause), failure("ServerError"))
}

export class Router extends Context.Service<
  Router,
  {
    /** Starts the handler of the request's method. What comes back must be run beside the actor. */
    readonly dispatch: (connection: Connection, request: Request, data: unknown) => Effect.Effect<void> | undefined
  }
>()("fiberchat/actors/Router") {
  /** A router of these routes. Two routes with the same method are a defect. */
  static readonly layer = <E, R>(routes: Effect.Effect<ReadonlyArray<Route>, E, R>) =>
    Layer.effect(Router, Effect.map(routes, make))
}

const make = (routes: ReadonlyArray<Route>): Router["Service"] => {
  const byMethod = new Map(routes.map((route) => [route.method, route]))
  if (byMethod.size !== routes.length) throw new Error("two routes have the same method")
  return {
    dispatch: (connection, request, data) => {
      const settle = (outcome: Outcome) => connection.tell({ _tag: "RequestSettled", request, outcome })
      const route = byMethod.get(request.method)
      if (route === undefined) {
        const error = failure("NotFound", { msg: `unknown method "${request.method}"` })
        return void settle({ _tag: "Failed", error })
      }
      return route.start({ connection, id: request.id, payload: data }, settle)
    }
  }
}
