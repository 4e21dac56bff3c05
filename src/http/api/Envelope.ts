/** The envelope of every HTTP answer, as schemas (protocol.md section 2.1). */
import { Schema } from "effect"
import { HttpApiSchema } from "effect/http-api"
import { ApiError, errorStatuses, errorTable } from "../../domain/shared/ErrorTable.ts"

/** `{code: 200, msg: "Success", data}`. */
export const Success = <S extends Schema.Top>(data: S) =>
  Schema.Struct({ code: Schema.Literal(200), msg: Schema.Literal("Success"), data })

/** The success of what has nothing to tell. */
export const Done = Success(Schema.Record(Schema.String, Schema.Never))

/** Wraps what a handler returns. */
export const success = <A>(data: A) => ({ code: 200 as const, msg: "Success" as const, data })

/** The body of a failure. */
export const failure = (error: ApiError) => ({ code: error.code, msg: error.msg, data: null })

/** Statuses whose answers tell when to try again. */
const retryStatuses: ReadonlySet<number> = new Set([429, 503])

const failureOfStatus = (status: number) => {
  const rows = Object.values(errorTable).filter((row) => row.status === status)
  const body = Schema.Struct({
    code: Schema.Literals(rows.map(({ code }) => code)),
    msg: Schema.String,
    data: Schema.Null
  })
    .annotate({ identifier: `Failure${status}` })
    .pipe(HttpApiSchema.status(status))
  const description = rows.map(({ code, msg }) => `${code} ${msg}`).join(", ")
  return ApiError.annotate({ description }).pipe(
    HttpApiSchema.encodeToWithHeaders(
      { body, headers: { "retry-after": Schema.optionalKey(Schema.String) } },
      {
        decode: ({ body, headers }) => {
          const seconds = headers["retry-after"]
          return new ApiError({
            code: body.code,
            msg: body.msg,
            ...(seconds === undefined ? {} : { retryAfter: Number(seconds) * 1000 })
          })
        },
        encode: (error) => ({ body: failure(error), headers: retryHeaders(error) })
      }
    )
  )
}

/** The `Retry-After` header (seconds, rounded up) of answers that have one. */
export const retryHeaders = (error: ApiError): { readonly "retry-after"?: string } =>
  retryStatuses.has(error.status) ? { "retry-after": String(Math.ceil((error.retryAfter ?? 1000) / 1000)) } : {}

/** The failures of an endpoint: the whole error table, a schema per HTTP status. */
export const failures = errorStatuses.map(failureOfStatus)
