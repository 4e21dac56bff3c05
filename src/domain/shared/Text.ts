/** Texts that people read: what they may hold, and one spelling for what looks the same. */
import { Schema, SchemaTransformation } from "effect"

/** Texts that can be stored as they are: half of a surrogate pair has no UTF-8, though JSON can say it. */
export const isWellFormed = Schema.makeFilter((text: string) => text.isWellFormed(), {
  expected: "well-formed Unicode"
})

/** Controls, and marks that change the direction of the text around them. The marks of single letters may stay. */
const unruly = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u
/** Something that shows: no space, mark or filler alone. */
const visible = /[^\p{White_Space}\p{C}\p{M}\u115F\u1160\u2800\u3164\uFFA0]|\p{Co}/u

const isRuly = Schema.makeFilter((text: string) => !unruly.test(text), {
  expected: "no controls, and no marks of direction"
})
const isVisible = Schema.makeFilter((text: string) => visible.test(text), { expected: "something that can be seen" })

/** Whether a text can stand beside others: it shows something, and does not change how they show. */
export const isPresentable = (text: string): boolean => text.isWellFormed() && !unruly.test(text) && visible.test(text)

/** A name as users give it, of at most so many code points: kept in NFC, without spaces at its ends. */
export const NameInput = (max: number) =>
  Schema.String.check(Schema.isBetweenCodePoints(1, max), isWellFormed).pipe(
    Schema.decodeTo(
      Schema.String.check(Schema.isBetweenCodePoints(1, max), isRuly, isVisible),
      SchemaTransformation.transform({ decode: (text) => text.normalize("NFC").trim(), encode: (text) => text })
    )
  )

/**
 * A reaction, one for all that look the same: NFC, without the selector of the emoji's coloured form (U+FE0F), which some
 * keyboards add and others do not.
 */
export const reactionOf = (text: string): string => text.normalize("NFC").replaceAll("\uFE0F", "")

/** The form in which names are compared: without case, also that of Turkish, Greek and German. */
export const foldedName = (name: string): string =>
  name
    .normalize("NFKC")
    // Through upper case, where ß and ẞ are SS.
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    // İ, I, i and ı are one letter, as are the two small sigmas.
    .replace(/i\u0307/g, "i")
    .replaceAll("ı", "i")
    .replaceAll("ς", "σ")

/** A password as it is hashed, by the OpaqueString profile of PRECIS (RFC 8265): NFC, and one kind of space. */
export const opaqueString = (password: string): string => password.replace(/\p{Zs}/gu, " ").normalize("NFC")
