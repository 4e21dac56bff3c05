/**
 * The typed router of data frames: a route joins a method of `src/domain/protocol/ClientMethods.ts` to its handler, which
 * gets a decoded payload and returns the method's success or one of its declared failures. Nothing slow runs in the
 * actor's loop: a handler hands its work over, or returns an effect that runs in the background.
 */
import { Cause, Context, Effect, Layer, Result, Schema } from "effect"
import type { Outcome, Request } from "../../domain/connection/Outcome.ts"
import { methods } from "../../domain/protocol/ClientMethods.ts"
import { inCaseOf } from "../../domain/protocol/KeyCase.ts"
import type { EveryMethod, Method, MethodKind } from "../../domain/protocol/Method.ts"
import type { ErrorName } from "../../domain/shared/ErrorTable.ts"
import { type AnyFailure, type Failure, failure } from "../../domain/shared/Failure.ts"
import type { ConnectionHandle } from "./ConnectionRegistry.ts"

/** A data frame on its way to a handler. */
export interface Call<Payload> {
  readonly connection: ConnectionHandle
  /** The frame's id, chosen by the client. */
  readonly id: string
  readonly payload: Payload
}

type Codec = Schema.Codec<unknown, unknown>

/** The result of a handler. */
type Response<Success extends Codec, Errors extends ErrorName> = Result.Result<
  Success["Type"],
  Failure<Errors | EveryMethod>
>

/** Ends a call; a call is ended exactly once. */
export type Settle<Success extends Codec, Errors extends ErrorName> = (response: Response<Success, Errors>) => void

/** The way in which a call ends, for the connection machine. */
type End = (outcome: Outcome) => void

/** A route with its types forgotten. */
export interface Route<Name extends string = string> {
  readonly method: Name
  /** Starts the call. The returned effect is run in the background of the actor, and ends with it. */
  readonly start: (call: Call<unknown>, end: End) => Effect.Effect<void> | undefined
}

/** A route whose handler gets a decoded payload; a payload that does not fit its schema fails with `BadParameters`. */
const route = <Kind extends MethodKind, Payload, Success extends Codec, Errors extends ErrorName>(
  { name, kind, payload: schema, success }: Method<Kind, Payload, Success, Errors>,
  start: (call: Call<Payload>, settle: Settle<Success, Errors>) => Effect.Effect<void> | undefined
): Route => {
  const decode = Schema.decodeUnknownResult(schema)
  const inCase = inCaseOf(schema)
  const tag = kind === "query" ? "Answered" : "Done"
  return {
    method: name,
    start: ({ connection, id, payload }, end) => {
      // A Go client without a payload sends null.
      const decoded = decode(inCase(payload ?? {}))
      if (Result.isFailure(decoded)) {
        end({ _tag: "Failed", error: failure("BadParameters", { msg: decoded.failure.message }) })
        return undefined
      }
      return start({ connection, id, payload: decoded.success }, (response) =>
        end(
          Result.isSuccess(response)
            ? { _tag: tag, data: success.encode(response.success) }
            : { _tag: "Failed", error: response.failure }
        )
      )
    }
  }
}

/** A command that hands its work over without waiting, in the order of arrival, and settles when it is durable. */
export const handedOver = <Payload, Success extends Codec, Errors extends ErrorName>(
  method: Method<"command", Payload, Success, Errors>,
  handle: (call: Call<Payload>, settle: Settle<Success, Errors>) => void
): Route =>
  route(method, (call, settle) => {
    handle(call, settle)
    return undefined
  })

/**
 * A command or signal whose work runs in the background, in no order; its success is the data of the ack. Once begun it
 * runs to its end even if the connection closes, so that other members learn of its effect.
 */
export const inBackground = <Payload, Success extends Codec, Errors extends ErrorName>(
  method: Method<"command" | "signal", Payload, Success, Errors>,
  handle: (call: Call<Payload>) => Effect.Effect<Success["Type"], Failure<Errors | EveryMethod>>
): Route => route(method, (call, settle) => Effect.uninterruptible(settled(handle(call), settle)))

/** A query, whose work runs in the background and ends with the connection. */
export const answered = <Payload, Success extends Codec, Errors extends ErrorName>(
  method: Method<"query", Payload, Success, Errors>,
  handle: (call: Call<Payload>) => Effect.Effect<Success["Type"], Failure<Errors | EveryMethod>>
): Route => route(method, (call, settle) => settled(handle(call), settle))

const settled = <Success extends Codec, Errors extends ErrorName>(
  work: Effect.Effect<Success["Type"], Failure<Errors | EveryMethod>>,
  settle: Settle<Success, Errors>
): Effect.Effect<void> =>
  work.pipe(
    Effect.map((success) => Result.succeed(success)),
    Effect.catchCause((cause) => Effect.map(expected(cause), (error) => Result.fail(error))),
    Effect.flatMap((response) => Effect.sync(() => settle(response)))
  )

/** The expected failure of a cause; any other cause is logged once and becomes `ServerError`. */
const expected = <E extends AnyFailure>(cause: Cause.Cause<E>): Effect.Effect<E | Failure<"ServerError">> => {
  const first = Cause.findErrorOption(cause)
  return first._tag === "Some"
    ? Effect.succeed(first.value)
    : Effect.as(Effect.logError("a method failed unexpectedly", cause), failure("ServerError"))
}

export class Router extends Context.Service<
  Router,
  {
    /** Starts the handler of the request's method. The returned effect must be run in the background of the actor. */
    readonly dispatch: (
      connection: ConnectionHandle,
      request: Request,
      data: unknown
    ) => Effect.Effect<void> | undefined
  }
>()("fiberchat/actors/Router") {
  /** A router with one route for each method of the protocol. */
  static readonly layer = <E, R>(routes: Effect.Effect<Record<keyof typeof methods, Route>, E, R>) =>
    Layer.effect(
      Router,
      Effect.map(routes, (record) => {
        for (const [key, { method }] of Object.entries(record)) {
          const { name } = methods[key as keyof typeof methods]
          if (method !== name) throw new Error(`the route of ${name} handles ${method}`)
        }
        return routerOf(Object.values(record))
      })
    )
}

/** A router of these routes, of different methods. */
export const routerOf = (routes: ReadonlyArray<Route>): Router["Service"] => {
  const byMethod = new Map(routes.map((route) => [route.method, route]))
  return {
    dispatch: (connection, request, data) => {
      const end = (outcome: Outcome) => connection.tell({ _tag: "RequestSettled", request, outcome })
      const route = byMethod.get(request.method)
      if (route === undefined) {
        const error = failure("NotFound", { msg: `unknown method "${request.method}"` })
        return void end({ _tag: "Failed", error })
      }
      return route.start({ connection, id: request.id, payload: data }, end)
    }
  }
}
