/** How much of a list of messages goes into one frame. */
import type { Message } from "./Message.ts"

/** Content of one page, in UTF-16 units: escaped as JSON it is at most half a mebibyte, with the rest of it. */
const pageContentMax = 64 * 1024

/** As many of the first messages as fit into one frame; at least one. */
export const fitting = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> => {
  let size = 0
  const end = messages.findIndex((message, index) => {
    size += message.content.length
    return index > 0 && size > pageContentMax
  })
  return end < 0 ? messages : messages.slice(0, end)
}
