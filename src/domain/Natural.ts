/** Whole numbers from 0 on: seqs, times, sizes. */
import { Schema } from "effect"

const natural = [Schema.isGreaterThanOrEqualTo(0)] as const

export const Natural = Schema.Int.check(...natural)
/** As a query string has it. */
export const NaturalFromString = Schema.FiniteFromString.check(Schema.isInt(), ...natural)
