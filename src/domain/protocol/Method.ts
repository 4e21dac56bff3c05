/** Methods, which a client sends, and events, which the server sends unasked, as typed values (protocol.md section 1.6). */
import { Schema } from "effect"
import type { ErrorName } from "../shared/ErrorTable.ts"
import { rootUserId } from "../shared/Ids.ts"
import { dataFrame, type ServerFrame } from "./Frame.ts"

/**
 * A `command` changes something and is acknowledged in the connection's mode; a `query` reads and its response is a data
 * frame in every mode; a `signal` has no response but an err frame.
 */
export type MethodKind = "command" | "query" | "signal"

/** A schema without services: a plain description of data. */
type PlainSchema = Schema.Codec<unknown, unknown>

/** A schema, and a function that encodes as it does where that is much cheaper. */
interface Encoded<S extends PlainSchema> {
  readonly schema: S
  readonly encode: (value: S["Type"]) => unknown
}

/** A method of the protocol: its payload, the data of its response, and the errors it can fail with. */
export interface Method<Kind extends MethodKind, Payload, Success extends PlainSchema, Errors extends ErrorName> {
  readonly name: string
  readonly kind: Kind
  readonly summary: string
  readonly payload: Schema.Codec<Payload, unknown>
  readonly success: Encoded<Success>
  /** Besides those of {@link everyMethod}. */
  readonly errors: ReadonlyArray<Errors>
}

/** The description of any method, for documents. */
export interface AnyMethod {
  readonly name: string
  readonly kind: MethodKind
  readonly summary: string
  readonly payload: Schema.Top
  readonly success: { readonly schema: Schema.Top }
  readonly errors: ReadonlyArray<ErrorName>
}

/** Failures that every method has: a payload that does not fit, and faults of the server. */
export const everyMethod = ["BadParameters", "DatabaseError", "ServerError"] as const
export type EveryMethod = (typeof everyMethod)[number]

/** Failures of the exchange by which mode `rigor` acknowledges a command (protocol.md section 1.4). */
export const everyRigorCommand = ["Conflict", "Unconfirmed", "Overloaded"] as const

interface Description<Payload, Success extends PlainSchema, Errors extends ErrorName> {
  readonly summary: string
  readonly payload: Schema.Codec<Payload, unknown>
  readonly success: Success
  readonly errors: ReadonlyArray<Errors>
  /** Encodes as the schema does; left out where the schema does it. */
  readonly encode?: (value: Success["Type"]) => unknown
}

const method =
  <Kind extends MethodKind>(kind: Kind) =>
  <Payload, Success extends PlainSchema, const Errors extends ErrorName>(
    name: string,
    { success, encode = Schema.encodeSync(success), ...rest }: Description<Payload, Success, Errors>
  ): Method<Kind, Payload, Success, Errors> => ({ name, kind, success: { schema: success, encode }, ...rest })

export const command = method("command")
export const query = method("query")
/** A signal has no success data. */
export const signal = <Payload, const Errors extends ErrorName>(
  name: string,
  description: Omit<Description<Payload, typeof Schema.Void, Errors>, "success" | "encode">
): Method<"signal", Payload, typeof Schema.Void, Errors> =>
  method("signal")(name, { ...description, success: Schema.Void })

/** A frame that the server sends unasked. */
export interface ServerEvent<Data> {
  readonly name: string
  readonly summary: string
  readonly data: PlainSchema
  /** The frame of an event; its `fromID` is the user who caused it, or the system. */
  readonly frame: (data: Data, options?: { readonly id?: string; readonly from?: string }) => ServerFrame
}

/** The description of any event, for documents. */
export interface AnyEvent {
  readonly name: string
  readonly summary: string
  readonly data: Schema.Top
}

export const event = <S extends PlainSchema>(
  name: string,
  {
    summary,
    data: schema,
    encode = Schema.encodeSync(schema)
  }: { readonly summary: string; readonly data: S; readonly encode?: (value: S["Type"]) => unknown }
): ServerEvent<S["Type"]> => ({
  name,
  summary,
  data: schema,
  frame: (data, { id = "", from = rootUserId } = {}) => dataFrame(id, name, from, encode(data))
})
