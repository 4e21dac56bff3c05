/** What a user's history says of a conversation; nothing where nobody has written yet. */
import { type Frame, type Message, request, type } from "./Frames.ts"
import type { Peer } from "./Peer.ts"

const noConversation = 300_001

/** The newest messages, ascending. */
export const newestOf = async (peer: Peer, conversationID: string): Promise<ReadonlyArray<Message>> => {
  const answer: Frame = await peer.settle(request("conversation.history", { conversationID, limit: 200 }))
  if (answer.frameType !== type.err) return answer.data.messages
  if (answer.data.code === noConversation) return []
  throw new Error(`the history was refused: ${JSON.stringify(answer.data)}`)
}

/** Those of the newest messages that the sender gave these ids. */
export const storedAs = async (
  peer: Peer,
  conversationID: string,
  ids: ReadonlyArray<string>
): Promise<ReadonlyArray<Message>> =>
  (await newestOf(peer, conversationID)).filter(({ clientId }) => ids.includes(clientId))

/** Seq of the conversation's last message, 0 for none. */
export const lastSeqOf = async (peer: Peer, conversationID: string): Promise<number> =>
  (await newestOf(peer, conversationID)).at(-1)?.seq ?? 0
