/** The valid contents of a message: its size, and its shape for each type (protocol.md section 1.6). */
import { Result, Schema } from "effect"
import { GroupEvent } from "../groups/Group.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import { Natural } from "../shared/Natural.ts"
import { isPresentable } from "../shared/Text.ts"
import { MessageType } from "./Message.ts"

/** The longest content, in bytes of UTF-8. */
export const contentBytesMax = 16 * 1024
/** The longest reaction, in UTF-16 units: an emoji with all that joins it. */
export const reactionMax = 32

const Url = Schema.String.check(Schema.isBetweenLength(1, 4096))
const Seconds = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/** The required fields of the JSON content of each structured type; more fields are allowed. */
const structuredContent = {
  [MessageType.image]: Schema.Struct({
    url: Url,
    width: Schema.optionalKey(Natural),
    height: Schema.optionalKey(Natural)
  }),
  [MessageType.file]: Schema.Struct({ url: Url, name: Schema.String, size: Schema.optionalKey(Natural) }),
  [MessageType.audio]: Schema.Struct({ url: Url, duration: Schema.optionalKey(Seconds) }),
  [MessageType.video]: Schema.Struct({ url: Url, duration: Schema.optionalKey(Seconds) }),
  [MessageType.location]: Schema.Struct({
    latitude: Schema.Finite.check(Schema.isBetween({ minimum: -90, maximum: 90 })),
    longitude: Schema.Finite.check(Schema.isBetween({ minimum: -180, maximum: 180 })),
    title: Schema.optionalKey(Schema.String)
  }),
  [MessageType.custom]: Schema.Unknown,
  [MessageType.system]: GroupEvent
}

const contentDecoders: {
  readonly [T in MessageType]?: (content: string) => Result.Result<unknown, { readonly message: string }>
} = Object.fromEntries(
  Object.entries(structuredContent).map(([type, schema]) => [
    type,
    Schema.decodeUnknownResult(Schema.fromJsonString(Schema.toEncoded(schema)))
  ])
)

const bad = (msg: string) => Result.fail(failure("BadContent", { msg }))

/**
 * Fails where the content is not well-formed Unicode or does not fit its type: a text that is not empty, JSON of the type's
 * shape, a short text for a reaction. An edit must fit the type of its target, which only the store knows.
 */
export const checkContent = (type: MessageType, content: string): Result.Result<void, Failure<"BadContent">> => {
  // Half of a surrogate pair has no UTF-8: the stored text would differ from the sent one.
  if (!content.isWellFormed()) return bad("the content is not well-formed Unicode")
  if (type === MessageType.text) return content === "" ? bad("a text is not empty") : Result.void
  if (type === MessageType.reaction) {
    if (content.length > reactionMax) return bad(`a reaction has at most ${reactionMax} UTF-16 units`)
    return content === "" || isPresentable(content) ? Result.void : bad("a reaction shows something, without controls")
  }
  const decoded = contentDecoders[type]?.(content)
  return decoded === undefined || Result.isSuccess(decoded)
    ? Result.void
    : bad(`the content does not fit its type: ${decoded.failure.message}`)
}

const utf8 = new TextEncoder()

/** Whether the content is within {@link contentBytesMax}; most texts are decided by their length alone. */
export const isContentSmall = (content: string): boolean =>
  content.length * 3 <= contentBytesMax ||
  (content.length <= contentBytesMax && utf8.encode(content).length <= contentBytesMax)
