/** How much of a list goes into one frame. */
import type { Message } from "./Message.ts"

/** Contents and reactions of one page, in UTF-16 units. Escaped as JSON, with its other fields, a page is 512 KiB at most. */
const pageContentMax = 64 * 1024
/** The size of a reaction without its text: the names of its fields, and its numbers. */
const reactionSize = 8

/** As many of the first as fit into a page of this size; at least one. */
export const firstFitting = <A>(
  items: ReadonlyArray<A>,
  sizeOf: (item: A) => number,
  sizeMax: number
): ReadonlyArray<A> => {
  let size = 0
  const end = items.findIndex((item, index) => {
    size += sizeOf(item)
    return index > 0 && size > sizeMax
  })
  return end < 0 ? items : items.slice(0, end)
}

const sizeOfMessage = ({ content, reactions }: Message): number =>
  reactions === undefined
    ? content.length
    : reactions.reduce((size, { reaction }) => size + reactionSize + reaction.length, content.length)

/** As many of the first messages as fit into one frame; at least one. */
export const fitting = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> =>
  firstFitting(messages, sizeOfMessage, pageContentMax)
