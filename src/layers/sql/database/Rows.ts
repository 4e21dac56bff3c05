/**
 * Rows decoded by schemas, where a request reads a few of them (docs/architecture.md, "The two databases"). A row that does
 * not fit was not written by this code: a defect.
 */
import { Effect, Schema, SchemaTransformation } from "effect"

/** Decodes the rows of a statement. */
export const rowsAs = <A, I>(row: Schema.Codec<A, I>) => {
  const decode = Schema.decodeUnknownEffect(Schema.Array(row))
  return <E, R>(statement: Effect.Effect<ReadonlyArray<unknown>, E, R>): Effect.Effect<ReadonlyArray<A>, E, R> =>
    Effect.flatMap(statement, (rows) => Effect.orDie(decode(rows)))
}

/** Decodes the only row of a statement, or its first one; `undefined` without rows. */
export const rowAs = <A, I>(row: Schema.Codec<A, I>) => {
  const decode = rowsAs(row)
  return <E, R>(statement: Effect.Effect<ReadonlyArray<unknown>, E, R>): Effect.Effect<A | undefined, E, R> =>
    Effect.map(decode(statement), ([first]) => first)
}

/** A column that may be `NULL`, as `undefined`. */
export const Nullable = <A extends {}, I>(value: Schema.Codec<A, I>) =>
  Schema.NullOr(value).pipe(
    Schema.decodeTo(
      Schema.UndefinedOr(Schema.toType(value)),
      SchemaTransformation.transform({ decode: (column) => column ?? undefined, encode: (field) => field ?? null })
    )
  )

/** `COUNT(*) AS count`. */
export const CountRow = Schema.Struct({ count: Schema.Int })
