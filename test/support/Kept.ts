/** The promise of protocol.md section 4, checked over the wire: nothing acked is lost, nothing is doubled, no gap. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { FrameType, type ServerFrame } from "../../src/domain/protocol/Frame.ts"
import { hangMillis } from "./HangLimit.ts"
import type { Peer } from "./Peer.ts"
import type { ChatAck, Message } from "./WireShapes.ts"
import type { Writer } from "./Writer.ts"

const pageMax = 200
let asked = 0

/** Asks something over the socket and waits for what comes back. */
export const ask = (peer: Peer, method: string, data: unknown = {}): Effect.Effect<ServerFrame> =>
  Effect.callback<ServerFrame>((resume) => {
    asked += 1
    const id = `ask-${asked}`
    const listen = (text: unknown) => {
      const frame: ServerFrame = JSON.parse(String(text))
      if (frame.id !== id) return
      peer.socket.off("message", listen)
      resume(Effect.succeed(frame))
    }
    peer.socket.on("message", listen)
    peer.send({ id, method, data })
    return Effect.sync(() => peer.socket.off("message", listen))
  }).pipe(
    Effect.timeoutOrElse({
      duration: hangMillis,
      orElse: () => Effect.die(new Error(`no answer to ${method} within ${hangMillis} ms`))
    })
  )

/** The id of the conversation of two users. */
export const conversationOf = (a: { readonly id: string }, b: { readonly id: string }): string =>
  [a.id, b.id].toSorted((x, y) => (BigInt(x) < BigInt(y) ? -1 : 1)).join("_")

/** The whole history, page by page, as its reader gets it. */
export const historyOf = (peer: Peer, conversationID: string): Effect.Effect<ReadonlyArray<Message>> =>
  Effect.gen(function* () {
    const all: Array<Message> = []
    for (;;) {
      const afterSeq = all.at(-1)?.seq ?? 0
      const frame = yield* ask(peer, "conversation.history", { conversationID, afterSeq, limit: pageMax })
      assert.strictEqual(frame.frameType, FrameType.data, JSON.stringify(frame))
      const page = frame.data as { readonly messages: ReadonlyArray<Message>; readonly hasMore: boolean }
      all.push(...page.messages)
      if (!page.hasMore) return all
    }
  })

/**
 * What the writers of a conversation were told is true: each of their messages is there once, with its content, under
 * the seq of each of its acks; nothing else is there; seqs are 1, 2, 3 …. Messages acked at the first attempt are in
 * the order in which their connection sent them.
 */
export const assertKept = (history: ReadonlyArray<Message>, writers: ReadonlyArray<Writer>): void => {
  assert.deepStrictEqual(
    history.map(({ seq }) => seq),
    history.map((_, index) => index + 1),
    "seqs without a gap"
  )
  const byId = new Map(history.map((message) => [message.clientId, message]))
  assert.strictEqual(byId.size, history.length, "no id twice")
  assert.sameMembers(
    [...byId.keys()],
    writers.flatMap(({ written }) => [...written.keys()])
  )
  for (const { written, answers } of writers) {
    const inOrder: Array<number> = []
    for (const [id, content] of written) {
      const { messageId, conversationID, seq, sendTime, content: kept } = byId.get(id)!
      assert.isTrue(kept === content, `the content of ${id}`)
      const all = answers.get(id) ?? []
      const acks = all.filter(({ frameType }) => frameType === FrameType.ack)
      for (const ack of acks) {
        assert.deepStrictEqual(ack.data as ChatAck, { messageId, conversationID, seq, sendTime } as ChatAck)
      }
      if (all[0]?.frameType === FrameType.ack) inOrder.push(seq)
    }
    assert.deepStrictEqual(
      inOrder,
      inOrder.toSorted((a, b) => a - b),
      "in the order of the connection"
    )
  }
}
