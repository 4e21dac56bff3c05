/**
 * Expected failures: each error of the table is a type of its own, and carries its number through HTTP responses,
 * RPC failures and WebSocket err frames (protocol.md section 2.3).
 */
import { Data, Schema, SchemaTransformation } from "effect"
import { type ErrorName, errorTable } from "./ErrorTable.ts"

/** Details of a failure. */
interface Details {
  /** The text of the error table, or a more exact one. */
  readonly msg: string
  /** Milliseconds after which trying again can help: the `Retry-After` header, or a field of the err frame. */
  readonly retryAfter?: number
}

class FailureOf<out Name extends ErrorName> extends Data.Error<Details> {
  /** The name in the error table, for control flow: `Effect.catchTag("NoMessage", …)`. */
  readonly _tag: Name

  constructor(name: Name, details: Details) {
    super(details)
    this._tag = name
  }

  get code(): (typeof errorTable)[Name]["code"] {
    return errorTable[this._tag].code
  }

  /** The HTTP status. */
  get status(): (typeof errorTable)[Name]["status"] {
    return errorTable[this._tag].status
  }

  override get message(): string {
    return `${this.code} ${this.msg}`
  }
}

/** One of these failures, as a union: after one of them is handled the others remain. */
export type Failure<Name extends ErrorName> = Name extends ErrorName ? FailureOf<Name> : never

/** Any failure, for code that treats all alike. */
export type AnyFailure = Failure<ErrorName>

/** The failure `name`, with a more exact text and a waiting time where they help, and the cause for operators. */
export const failure = <Name extends ErrorName>(
  name: Name,
  options?: { readonly msg?: string; readonly retryAfter?: number; readonly cause?: unknown }
): Failure<Name> => {
  const error = new FailureOf(name, {
    msg: options?.msg ?? errorTable[name].msg,
    ...(options?.retryAfter === undefined ? {} : { retryAfter: Math.ceil(options.retryAfter) })
  })
  // Never leaves the process: it is no field.
  if (options?.cause !== undefined) error.cause = options.cause
  return error as Failure<Name>
}

export const isFailure = (value: unknown): value is AnyFailure => value instanceof FailureOf

const nameByCode = new Map<number, ErrorName>(
  Object.entries(errorTable).map(([name, { code }]) => [code, name as ErrorName])
)

/** The failure with a number that came over a wire. The caller has checked that the number is that of one of `Name`. */
export const failureOfCode = <Name extends ErrorName>(
  code: (typeof errorTable)[Name]["code"],
  options: { readonly msg: string; readonly retryAfter?: number | undefined }
): Failure<Name> => {
  const { msg, retryAfter } = options
  const name = nameByCode.get(code) as Name
  return failure(name, retryAfter === undefined ? { msg } : { msg, retryAfter })
}

/** These failures as values, without an encoding. */
export const FailureValue = <Name extends ErrorName>(names: ReadonlyArray<Name>) =>
  Schema.declare((value): value is Failure<Name> => isFailure(value) && names.includes(value._tag as Name))

/** The numbers of these errors. */
export const codesOf = <Name extends ErrorName>(names: ReadonlyArray<Name>) =>
  Schema.Literals(names.map((name) => errorTable[name].code))

/** These failures as RPC carries them: `{_tag: "ApiError", code, msg, retryAfter?}` (protocol.md section 3). */
export const FailureSchema = <Name extends ErrorName>(...names: ReadonlyArray<Name>) =>
  Schema.Struct({
    _tag: Schema.tag("ApiError"),
    code: codesOf(names),
    msg: Schema.String,
    retryAfter: Schema.optionalKey(Schema.Int)
  }).pipe(
    Schema.decodeTo(
      FailureValue(names),
      SchemaTransformation.transform({
        decode: ({ code, msg, retryAfter }) => failureOfCode<Name>(code, { msg, retryAfter }),
        encode: (error) => ({
          _tag: "ApiError" as const,
          code: error.code as (typeof errorTable)[Name]["code"],
          msg: error.msg,
          ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter })
        })
      })
    )
  )
