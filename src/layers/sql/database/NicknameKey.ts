/** The form in which nicknames are stored to be found. */
import { foldedName } from "../../../domain/shared/Text.ts"

/** Code points of a key that are kept: one character can become up to eighteen. */
const nicknameKeyMax = 128

/** Folded by this code: SQL's own case folding knows ASCII only. */
export const nicknameKey = (nickname: string): string => [...foldedName(nickname)].slice(0, nicknameKeyMax).join("")
