/** Attempts of a malicious or broken client, and how each must be refused. */
import { type Account, askChatLog } from "../harness/Account.ts"
import { codeOf, codes, type WireFrame } from "../harness/Wire.ts"
import type { ChatClient } from "./ChatClient.ts"
import { contentBytesMax } from "./Contents.ts"
import type { Check } from "./Proof.ts"

/** An attempt, the code that it must be refused with, and the one that came: 0 or 200 when it was not refused. */
export interface Refusal {
  readonly attempt: string
  readonly expected: number
  readonly got: number
}

/** The participants: a client that misbehaves, the one it talks to, and a stranger to both. */
export interface Cast {
  readonly client: ChatClient
  readonly other: Account
  readonly stranger: ChatClient
}

/** Tries everything once, one after the other. None of it may have an effect: that is the history's to say. */
export const tryBadThings = async (cast: Cast, conversationID: string): Promise<ReadonlyArray<Refusal>> => {
  const { client, other, stranger } = cast
  const mine = client.account.userId
  const [first] = client.acknowledged()
  const refusals: Array<Refusal> = []
  const attempt = async (what: string, expected: number, answer: Promise<WireFrame>) => {
    refusals.push({ attempt: what, expected, got: codeOf(await answer) })
  }
  const send = (by: ChatClient, id: string, data: object) => by.ask("conversation.chat", data, id)
  const text = (content: string) => ({ messageType: 0, content })

  await attempt(
    "a message in the other's name (sendId)",
    codes.forbidden,
    send(client, "bad-spoofed", { ...client.chat("not by me"), sendId: other.userId })
  )
  await attempt(
    "an id that already names another content",
    codes.conflict,
    send(client, first?.id ?? "", client.chat("what I never said"))
  )
  await attempt(
    "a message to the other with a conversationID that is not theirs",
    codes.noConversation,
    send(client, "bad-conversation", { ...client.chat("astray"), conversationID: `${mine}_${stranger.account.userId}` })
  )
  await attempt(
    "a stranger's message into the conversation",
    codes.noConversation,
    send(stranger, "bad-stranger", { chatType: 1, receiveId: mine, conversationID, message: text("let me in") })
  )
  await attempt(
    "a stranger's look at the history (WebSocket)",
    codes.noConversation,
    stranger.ask("conversation.history", { conversationID })
  )
  const { code } = await askChatLog(stranger.account, conversationID, 0)
  refusals.push({ attempt: "a stranger's look at the chatlog (HTTP)", expected: codes.noConversation, got: code })
  await attempt(
    "16 KiB + 1 byte of content, ASCII",
    codes.contentTooLarge,
    send(client, "bad-large", client.chat("x".repeat(contentBytesMax + 1)))
  )
  await attempt(
    "16 KiB + 1 byte of content in 5 462 characters",
    codes.contentTooLarge,
    send(client, "bad-large-cjk", client.chat(`${"漢".repeat(5_461)}é`))
  )
  return refusals
}

/** Whether each attempt was refused with its code. */
export const proveRefused = (refusals: ReadonlyArray<Refusal>): Check => {
  const wrong = refusals.filter(({ expected, got }) => got !== expected)
  return {
    name: "refused",
    held: wrong.length === 0,
    found:
      wrong.length === 0
        ? `${refusals.length} bad things, each with its code`
        : wrong.map(({ attempt, expected, got }) => `${attempt}: ${got} instead of ${expected}`).join("; ")
  }
}
