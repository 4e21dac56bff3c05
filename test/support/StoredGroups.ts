/** Groups in a store without HTTP, for tests of what becomes of them. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type SqlClient as Client, SqlClient } from "effect/sql"
import type { UserRepository } from "../../src/domain/accounts/User.ts"
import type { Contacts } from "../../src/domain/contacts/Contacts.ts"
import type { Friends } from "../../src/domain/contacts/Friends.ts"
import type { ConversationLists } from "../../src/domain/conversations/ConversationLists.ts"
import type { Conversations } from "../../src/domain/conversations/Conversations.ts"
import type { GroupEvent } from "../../src/domain/groups/Group.ts"
import type { GroupInvitations } from "../../src/domain/groups/GroupInvitation.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import { MessageType } from "../../src/domain/messages/Message.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import { type ConversationId, groupConversation } from "../../src/domain/shared/ConversationIds.ts"
import type { AnyFailure } from "../../src/domain/shared/Failure.ts"
import type { GroupId, GroupInvitationId, GroupRequestId, UserId } from "../../src/domain/shared/Ids.ts"
import { type DraftChanges, groupDraft } from "./Drafts.ts"
import { briefOf, nameOf } from "./Refusals.ts"
import { insertUsers } from "./StoredUsers.ts"

export type StoreServices =
  | Contacts
  | Friends
  | MessageStore
  | UserRepository
  | Groups
  | GroupInvitations
  | Conversations
  | ConversationLists
  | Client.SqlClient

export const groupId = "100" as GroupId
export const groupConversationId = groupConversation(groupId)
export const idOf = (userId: string) => userId as UserId
export const idsOf = (...userIds: ReadonlyArray<string>) => userIds as ReadonlyArray<UserId>

export const created = (userIds: ReadonlyArray<string>, isVerify = false): GroupEvent => ({
  event: "created",
  name: "us",
  icon: "icon",
  isVerify,
  userIds: idsOf(...userIds)
})
export const joined = (...userIds: ReadonlyArray<string>): GroupEvent => ({
  event: "joined",
  userIds: idsOf(...userIds)
})
/** A user joins by an invitation. */
export const joinedBy = (invitation: string, userId: string): GroupEvent => ({
  event: "joined",
  userIds: idsOf(userId),
  invitation: invitation as GroupInvitationId
})
export const approved = (...userIds: ReadonlyArray<string>): GroupEvent => ({
  event: "joined",
  userIds: idsOf(...userIds),
  asked: true
})
export const removed = (...userIds: ReadonlyArray<string>): GroupEvent => ({
  event: "removed",
  userIds: idsOf(...userIds)
})
export const left: GroupEvent = { event: "left" }
export const given = (userId: string, role: 1 | 2 | 3): GroupEvent => ({ event: "role", userId: idOf(userId), role })

let happened = 0

/** The draft of an event, by default of the one group of most tests. */
export const eventDraft = (sender: string, event: GroupEvent, changes: DraftChanges = {}): Draft => {
  happened += 1
  const { conversationId = groupId as string as ConversationId } = changes
  return groupDraft(sender, conversationId, `event ${happened}`, {
    messageType: MessageType.system,
    event,
    content: JSON.stringify(event),
    ...changes
  })
}

/** A text to the group, or a change of a message in it. */
export const wordsDraft = (sender: string, content: string, changes: DraftChanges = {}): Draft => {
  happened += 1
  const { conversationId = groupId as string as ConversationId } = changes
  return groupDraft(sender, conversationId, `words ${happened}`, { content, ...changes })
}

/** The results of drafts that are stored together, in brief. */
export const append = (...drafts: ReadonlyArray<Draft>) =>
  Effect.flatMap(MessageStore, (store) => Effect.map(store.appendBatch(drafts), (results) => results.map(briefOf)))

/** The name of the error that it fails with. */
export const errorOf = <A, R>(effect: Effect.Effect<A, AnyFailure, R>) => Effect.map(Effect.flip(effect), nameOf)

/** Puts many rows into a table at once. */
export const insertRows = (table: string, rows: ReadonlyArray<Record<string, unknown>>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (let from = 0; from < rows.length; from += 500) {
      const [first, ...others] = rows.slice(from, from + 500)
      if (first !== undefined) yield* sql`INSERT INTO ${sql(table)} ${sql.insert([first, ...others])}`
    }
  })

/** Rows of members of a group of whom nothing else is known. */
export const memberRows = (conversation: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    conversation_id: conversation,
    user_id: String(1_000_000 + index),
    joined_seq: 0,
    read_seq: 0,
    sent_seq: 0,
    role: 3
  }))

/** A conversation as this reader, or a service, finds it. */
export const historyOf = (conversationId: string = groupId, reader?: string) =>
  Effect.flatMap(MessageStore, (store) =>
    Effect.map(
      store.history(reader === undefined ? undefined : idOf(reader), {
        conversationId: conversationId as ConversationId,
        afterSeq: 0,
        limit: 200
      }),
      ({ messages }) => messages
    )
  )

/** Puts an invitation to the group into the store, which does not end; returns its id. */
export const insertInvitation = (id = "71", changes: Record<string, unknown> = {}) =>
  Effect.as(
    insertRows("group_invitations", [
      {
        ...{ id, code: `code ${id}`, group_id: groupId, created_by: "1", created_at: 1 },
        ...{ expires_at: 4_000_000_000_000, uses_max: 10, uses: 0 },
        ...changes
      }
    ]),
    id
  )

export const requestIdOf = (id: string) => id as GroupRequestId

/** A user's request to get into the group, or that of somebody who wants to bring them in. */
export const request = (id: string, userId: string, inviterId = userId) => ({
  id: requestIdOf(id),
  groupId,
  userId: idOf(userId),
  inviterId: idOf(inviterId),
  message: "let me in",
  requestedAt: 5
})

/** User 1 has founded the group with these members. */
export const founded = (userIds: ReadonlyArray<string>, isVerify = true) =>
  Effect.gen(function* () {
    yield* insertUsers
    assert.deepStrictEqual(yield* append(eventDraft("1", created(userIds, isVerify))), ["Stored 1"])
    const groups = yield* Groups
    const resultOf = (id: string) => Effect.map(groups.request(requestIdOf(id)), (found) => found?.handleResult)
    return { groups, resultOf }
  })
