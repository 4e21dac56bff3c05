/** The envelope of every HTTP answer, as schemas (protocol.md section 2.1). */
import { Schema } from "effect"
import { HttpApiSchema, OpenApi } from "effect/http-api"
import { type ErrorName, errorTable } from "../../domain/shared/ErrorTable.ts"
import { type AnyFailure, codesOf, FailureValue, failureOfCode } from "../../domain/shared/Failure.ts"

/**
 * The purpose of an endpoint, in a line and in full. Both are one annotation, which the document takes apart
 * (`OpenApiDocument.ts`): with two for each endpoint, a flood of requests was measured to keep 120 MB more of the heap.
 */
export const about = (summary: string, description: string) =>
  OpenApi.annotations({ summary: `${summary}\n${description}` })

/** `{code: 200, msg: "Success", data}`. */
export const Success = <S extends Schema.Top>(data: S) =>
  Schema.Struct({ code: Schema.Literal(200), msg: Schema.Literal("Success"), data })

/** The success of an endpoint without data. */
export const Done = Success(Schema.Record(Schema.String, Schema.Never))

/** Wraps the data of a success. */
export const success = <A>(data: A) => ({ code: 200 as const, msg: "Success" as const, data })

/** The body of a failure. */
export const failureBody = (error: AnyFailure) => ({ code: error.code, msg: error.msg, data: null })

/** Statuses whose answers tell when to try again. */
const retryStatuses: ReadonlySet<number> = new Set([429, 503])

/** The failures of one HTTP status. */
export const failureOfStatus = <Name extends ErrorName>(status: number, names: ReadonlyArray<Name>) => {
  const body = Schema.Struct({
    code: codesOf(names),
    msg: Schema.String,
    data: Schema.Null
  }).pipe(HttpApiSchema.status(status))
  const description = names.map((name) => `${errorTable[name].code} ${errorTable[name].msg}`).join(", ")
  return FailureValue(names)
    .annotate({ description })
    .pipe(
      HttpApiSchema.encodeToWithHeaders(
        { body, headers: { "retry-after": Schema.optionalKey(Schema.String) } },
        {
          decode: ({ body, headers }) => {
            const seconds = headers["retry-after"]
            const retryAfter = seconds === undefined ? undefined : Number(seconds) * 1000
            return failureOfCode<Name>(body.code, { msg: body.msg, retryAfter })
          },
          encode: (error) => ({
            body: { code: error.code as (typeof body.Type)["code"], msg: error.msg, data: null },
            headers: retryHeaders(error)
          })
        }
      )
    )
}

/** The `Retry-After` header (seconds, rounded up) of answers that have one. */
export const retryHeaders = (error: AnyFailure): { readonly "retry-after"?: string } =>
  retryStatuses.has(error.status) ? { "retry-after": String(Math.ceil((error.retryAfter ?? 1000) / 1000)) } : {}

/** Failures of every endpoint: a request that does not fit, and faults of the server. */
const everyEndpoint = [
  "BadParameters",
  "PayloadTooLarge",
  "UnsupportedMediaType",
  "RateLimited",
  "DatabaseError",
  "ServerError"
] as const

/** The failures of an endpoint: these, and those of every endpoint; one schema for each HTTP status. */
export const failuresOf = <const Name extends ErrorName = never>(...names: ReadonlyArray<Name>) => {
  const rows = [...new Set([...everyEndpoint, ...names])]
  return [...Map.groupBy(rows, (name) => errorTable[name].status)]
    .sort(([one], [other]) => one - other)
    .map(([status, ofStatus]) => failureOfStatus(status, ofStatus))
}
