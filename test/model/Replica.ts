/** What a device makes of the messages that it has: changes come as messages of their own, which it applies in order. */
import type { Message } from "../support/WireShapes.ts"
import { type MessageView, reactionsOf, viewOf } from "./Views.ts"

/** The conversation as its user reads it, from messages that each came at some time, before or after its changes. */
export const replicaOf = (messages: ReadonlyMap<number, Message>, reader: string): ReadonlyArray<MessageView> => {
  const inOrder = [...messages.values()].sort((a, b) => a.seq - b.seq)
  const views = new Map(inOrder.map((message) => [message.seq, viewOf(message)]))
  const reactions = new Map<number, Map<string, string>>()
  /** Changes of what was said before the user joined change nothing of theirs. */
  const set = (seq: number, change: Partial<MessageView>) => {
    const view = views.get(seq)
    if (view !== undefined) views.set(seq, { ...view, ...change })
  }
  for (const { sendId, messageType, targetSeq = 0, content } of inOrder) {
    if (messageType === 8) {
      set(targetSeq, { content: "", recalled: true })
      reactions.delete(targetSeq)
      for (const edit of inOrder)
        if (edit.messageType === 9 && edit.targetSeq === targetSeq) set(edit.seq, { content: "" })
    }
    if (messageType === 9) set(targetSeq, { content, edited: true })
    if (messageType === 10) {
      const given = reactions.get(targetSeq) ?? new Map<string, string>()
      reactions.set(targetSeq, given)
      if (content === "") given.delete(sendId)
      else given.set(sendId, content)
    }
  }
  return [...views.values()].map((view) => ({
    ...view,
    reactions: reactionsOf(reactions.get(view.seq) ?? new Map(), reader)
  }))
}
