/** Whole numbers from 0 on: seqs, times, sizes. */
import { Schema } from "effect"

export const Natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
/** As a query string has it. */
export const NaturalFromString = Schema.FiniteFromString.check(Schema.isInt(), Schema.isGreaterThanOrEqualTo(0))
