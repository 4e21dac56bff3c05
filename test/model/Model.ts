/** What protocol.md section 4 promises, as a few maps in memory. */
import { assert } from "@effect/vitest"
import type { Sent } from "./Device.ts"

/** A message that was sent, and what the server said of it. */
export interface Sending {
  readonly sender: string
  readonly receiver: string
  readonly id: string
  readonly content: string
  readonly sent: Sent
}

export interface Stored {
  readonly seq: number
  readonly messageId: string
  readonly clientId: string
  readonly sendId: string
  readonly content: string
}

export const conversationOf = (a: string, b: string): string => (BigInt(a) < BigInt(b) ? [a, b] : [b, a]).join("_")

export class Model {
  /** Messages by conversation, in order of seq. */
  readonly conversations = new Map<string, Array<Stored>>()
  private readonly first = new Map<string, Stored & { readonly conversationID: string }>()
  private readonly readSeqs = new Map<string, number>()

  /** Takes what was sent at the same time; `sendings` of one device are in the order in which it sent them. */
  take(sendings: ReadonlyArray<Sending>): void {
    const fresh = new Map<string, Sending>()
    for (const sending of sendings) {
      const { sender, receiver, id, content, sent } = sending
      const key = `${sender}/${id}`
      const conversationID = conversationOf(sender, receiver)
      const known = this.first.get(key) ?? asStored(fresh.get(key))
      if (sent._tag === "Refused") {
        // Refused for nothing but another content, be it one that is sent in the same moment.
        assert.strictEqual(sent.code, 100007)
        const rivals = sendings.filter((rival) => rival.sender === sender && rival.id === id)
        const isRival = (rival: Sending) =>
          rival.sent._tag === "Acked" && (rival.content !== content || rival.receiver !== receiver)
        assert.isTrue(
          known === undefined || (known.conversationID === conversationID && known.content === content)
            ? rivals.some(isRival)
            : true
        )
        continue
      }
      assert.strictEqual(sent.ack.conversationID, conversationID)
      if (known === undefined) fresh.set(key, sending)
      else {
        const { messageId, seq } = sent.ack
        assert.deepStrictEqual(
          { conversationID, content, messageId, seq },
          { conversationID: known.conversationID, content: known.content, messageId: known.messageId, seq: known.seq }
        )
      }
    }
    const stored = [...fresh.values()].map((sending) => asStored(sending)!).sort((a, b) => a.seq - b.seq)
    for (const message of stored) {
      const messages = this.conversations.get(message.conversationID) ?? []
      this.conversations.set(message.conversationID, messages)
      // The next number: none is left out and none is given twice.
      assert.strictEqual(message.seq, messages.length + 1)
      const { conversationID, ...rest } = message
      messages.push(rest)
      this.first.set(`${message.sendId}/${message.clientId}`, message)
      this.read(message.sendId, conversationID, message.seq)
    }
  }

  /** A read position moves forward only. */
  read(user: string, conversationID: string, seq: number): void {
    const key = `${conversationID} ${user}`
    this.readSeqs.set(key, Math.max(this.readSeqs.get(key) ?? 0, seq))
  }

  readSeq(user: string, conversationID: string): number {
    return this.readSeqs.get(`${conversationID} ${user}`) ?? 0
  }

  lastSeq(conversationID: string): number {
    return this.conversations.get(conversationID)?.length ?? 0
  }

  /** The conversations that a user is a member of. */
  of(user: string): ReadonlyArray<string> {
    return [...this.conversations.keys()].filter((id) => id.split("_").includes(user))
  }
}

const asStored = (sending: Sending | undefined) =>
  sending?.sent._tag !== "Acked"
    ? undefined
    : {
        conversationID: sending.sent.ack.conversationID as string,
        seq: sending.sent.ack.seq,
        messageId: sending.sent.ack.messageId as string,
        clientId: sending.id,
        sendId: sending.sender,
        content: sending.content
      }

/** What the model knows of a message. */
export const briefOf = ({ seq, messageId, clientId, sendId, content }: Stored): Stored => ({
  seq,
  messageId,
  clientId,
  sendId,
  content
})
