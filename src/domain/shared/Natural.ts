/** Whole numbers from 0 on: seqs, times, sizes. */
import { Schema, SchemaTransformation } from "effect"

export const Natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
/** A number in a query string: decimal digits only. */
export const NaturalFromString = Schema.String.check(
  Schema.isPattern(/^[0-9]{1,16}$/u, { expected: "a whole number from 0 on" })
).pipe(Schema.decodeTo(Natural, SchemaTransformation.numberFromString))
