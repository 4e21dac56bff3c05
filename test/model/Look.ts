/** Everything that a user finds over HTTP, beside what the model says of it. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { ChatLog } from "../../src/http/api/ChatLog.ts"
import type { ConversationPage } from "../../src/http/api/ConversationEntry.ts"
import type { Message } from "../support/WireShapes.ts"
import { call } from "./Hands.ts"
import type { Person } from "./People.ts"
import { type EntryView, entryOf, listedOf, type MessageView, rolesOf, viewOf, visible } from "./Views.ts"
import { groupsOf, type World } from "./World.ts"

/** The most messages of one answer; no script has more in a conversation. */
const limit = 200

export interface Look {
  readonly list: { readonly [conversationID: string]: EntryView }
  readonly logs: { readonly [conversationID: string]: ReadonlyArray<MessageView> | number }
  readonly roles: { readonly [groupId: string]: ReadonlyArray<string> | number }
}

/** A message under the names that the chat log has for its fields. */
export const messageIn = ({ id, conversationId, recvId, msgType, msgContent, ...same }: ChatLog): Message => ({
  ...same,
  messageId: id,
  conversationID: conversationId,
  receiveId: recvId,
  messageType: msgType,
  content: msgContent
})

/** Looks at the user's list, and at what is in it and in all groups. */
export const lookOf = (user: Person, groupIds: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const page = (yield* call("GET", "im/conversation", user)).data as typeof ConversationPage.Type
    const list = Object.values(page.conversationList)
    const messages: Array<Message> = []
    const logs: Record<string, ReadonlyArray<MessageView> | number> = {}
    const roles: Record<string, ReadonlyArray<string> | number> = {}
    for (const id of new Set([...list.map(({ conversationId }) => conversationId as string), ...groupIds])) {
      const log = yield* call("GET", `im/chatlog?conversationId=${id}&count=${limit}`, user)
      const found = log.code === undefined ? (log.data.list as ReadonlyArray<ChatLog>).map(messageIn) : []
      logs[id] = log.code ?? found.map(viewOf).reverse()
      messages.push(...found)
    }
    for (const id of groupIds) {
      const { code, data } = yield* call("GET", `social/group/users?groupId=${id}`, user)
      const members = data?.list as ReadonlyArray<{ readonly userId: string; readonly roleLevel: number }> | undefined
      roles[id] = members?.map(({ userId, roleLevel }) => `${userId} ${roleLevel}`).sort() ?? code ?? 0
    }
    const entries = list.map(({ conversationId, msg, ...entry }) => {
      const view: EntryView = { ...entry, msg: msg === null ? undefined : viewOf(messageIn(msg)) }
      return [conversationId, view]
    })
    const look: Look = { list: Object.fromEntries(entries), logs, roles }
    return { look, messages }
  })

/** What the user must find. */
export const expectedLook = (world: World, user: string): Look => {
  const groupIds = groupsOf(world).map(({ id }) => id)
  const listed = listedOf(world, user)
  const noSuch = 300001
  return {
    list: Object.fromEntries(listed.map((id) => [id, entryOf(world, user, id)])),
    logs: Object.fromEntries([...listed, ...groupIds].map((id) => [id, visible(world, user, id) ?? noSuch])),
    roles: Object.fromEntries(groupIds.map((id) => [id, rolesOf(world, user, id) ?? noSuch]))
  }
}

/** Nothing of what was recalled is in the text. */
export const assertForgotten = (world: World, text: string, where: string): void => {
  for (const word of world.forgotten) assert.notInclude(text, word, `${where} still has what was recalled`)
}
