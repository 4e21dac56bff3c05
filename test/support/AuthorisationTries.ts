/** How the table of authorisation tries a route, a method or an RPC, and what it expects of whom. */
import { Effect, type Scope } from "effect"
import { methods } from "../../src/domain/protocol/ClientMethods.ts"
import { FrameType, type ServerFrame } from "../../src/domain/protocol/Frame.ts"
import { type Caller, callers, isUser, type NotUser, type Stage } from "./AuthorisationStage.ts"
import { connect, type Peer, refused } from "./Peer.ts"
import * as TestServer from "./TestServer.ts"
import { request } from "./Users.ts"

export type Codes = { readonly [C in Caller]: number }
type Needs = TestServer.TestServer | Scope.Scope
/** Tries it, and tells with which code it was answered. */
export type Try = (stage: Stage) => Effect.Effect<number, unknown, Needs>

/** Without a token: the same for all callers. */
export const everybody = (code = 200): Codes => Object.fromEntries(callers.map((caller) => [caller, code])) as Codes

/** With a user's token: for each of them, or the same for all. */
export const users = (codes: number | Omit<Codes, NotUser>): Codes => ({
  ...everybody(100004),
  ...(typeof codes === "number"
    ? { other: codes, former: codes, blocked: codes, member: codes, manager: codes, owner: codes }
    : codes)
})

/** About the group: for its members, and for users who are none. */
export const members = (member: number, manager: number, owner: number, outside = 300001): Codes =>
  users({ other: outside, former: outside, blocked: outside, member, manager, owner })

/** About the target, who blocks one of the callers. */
export const towards = (code: number, blocked: number): Codes => ({ ...users(code), blocked })

/** With the token of a service or a node. */
export const services: Codes = { ...users(100005), service: 200, system: 200 }

/** With the token of a node. */
export const nodes: Codes = { ...services, service: 100005 }

export const http =
  (body?: (stage: Stage) => unknown, query: (stage: Stage) => string = () => "") =>
  (route: string): Try =>
  (stage) => {
    const [method = "", path = ""] = route.split(" ")
    const { token } = stage
    return Effect.map(
      request(method, `${path}${query(stage)}`, { body: body?.(stage), ...(token === undefined ? {} : { token }) }),
      (answer) => answer.body?.code ?? answer.status
    )
  }

const asHeader = (token: string | undefined) => (token === undefined ? {} : { headers: { authorization: token } })

/** A frame of this method, and the answer to it. */
export const frame =
  (
    data: (stage: Stage) => unknown,
    listen: (peer: Peer, stage: Stage) => Effect.Effect<Effect.Effect<ServerFrame>, unknown, Needs> = (peer) =>
      Effect.succeed(peer.answer("try"))
  ) =>
  (method: string): Try =>
  (stage) =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      if (!isUser(stage.caller)) {
        const { body } = yield* refused(chatUrl, asHeader(stage.token))
        return (body as { code: number }).code
      }
      const peer = yield* connect(chatUrl, stage.token ?? "")
      const answer = yield* listen(peer, stage)
      peer.send({ id: "try", method, data: data(stage) })
      const { frameType, data: answered } = yield* answer
      return frameType === FrameType.err ? (answered as { code: number }).code : 200
    })

/** A signal without a response reaches another user, or is refused. */
export const heardByTarget = (peer: Peer, { targetToken }: Stage) =>
  Effect.gen(function* () {
    const { chatUrl } = yield* TestServer.TestServer
    const target = yield* connect(chatUrl, targetToken)
    return Effect.raceFirst(
      peer.answer("try"),
      target.find(({ method }) => method === methods.typing.name)
    )
  })

/** A signal without a response or an effect on others: what comes after it is answered, or it is refused. */
export const passedOver = (peer: Peer) =>
  Effect.succeed(
    Effect.suspend(() => {
      peer.send({ id: "after", method: methods.online.name })
      return Effect.raceFirst(peer.answer("try"), peer.answer("after"))
    })
  )

/** A call over HTTP, without the client that would not let it go out. */
export const rpc =
  (payload: (stage: Stage) => unknown, path = "/rpc") =>
  (tag: string): Try =>
  ({ token, ...stage }) =>
    Effect.gen(function* () {
      const { internalUrl } = yield* TestServer.TestServer
      const call = { _tag: "Request", id: "1", tag, payload: payload({ token, ...stage }), headers: [] }
      const text = yield* Effect.promise(async (signal) => {
        const response = await fetch(`${internalUrl}${path}`, {
          method: "POST",
          signal,
          headers: { "content-type": "application/ndjson", ...asHeader(token && `Bearer ${token}`).headers },
          body: `${JSON.stringify(call)}\n`
        })
        // A stream has no end: its first line tells enough.
        const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
        const { value = "" } = (await reader?.read()) ?? {}
        await reader?.cancel()
        return value
      })
      const first = JSON.parse(text.split("\n")[0] ?? "")
      const isDone = first._tag === "Chunk" || first.exit?._tag === "Success"
      return first.code ?? (isDone ? 200 : (first.exit?.cause[0]?.error?.code ?? text))
    })
