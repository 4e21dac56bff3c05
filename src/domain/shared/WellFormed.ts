/** Texts that can be stored as they are: half of a surrogate pair has no UTF-8, though JSON can say it. */
import { Schema } from "effect"

export const isWellFormed = Schema.makeFilter((text: string) => text.isWellFormed(), {
  expected: "well-formed Unicode"
})
