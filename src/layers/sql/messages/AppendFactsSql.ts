/** Reads the facts on which the drafts of a batch depend: one statement for each kind of fact that any of them needs. */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { PairFacts, UserPair } from "../../../domain/contacts/UserPair.ts"
import { type Role, usersOf } from "../../../domain/groups/Group.ts"
import type { PendingRequest } from "../../../domain/groups/GroupRules.ts"
import {
  type AppendFacts,
  type ConversationEnd,
  clientKey,
  type GroupFacts,
  type InvitationFacts,
  type KnownMessage,
  type Membership,
  memberKey,
  messageKey,
  noFacts,
  reactionKey
} from "../../../domain/messages/AppendFacts.ts"
import { type Draft, targetSeqOf } from "../../../domain/messages/Draft.ts"
import { MessageType } from "../../../domain/messages/Message.ts"
import { ChatType, type ConversationId } from "../../../domain/shared/ConversationIds.ts"
import type { GroupInvitationId, UserId } from "../../../domain/shared/Ids.ts"
import { HandleResult } from "../../../domain/shared/Request.ts"
import { joinInOrder, rowsOf } from "../database/SqlDialect.ts"
import { admittingAmong, pairFacts } from "../people/UserPairs.ts"
import { type MessageRow, messageColumns, messageOf } from "./MessageRows.ts"
import { readRefused } from "./RefusedDrafts.ts"

interface Member {
  readonly conversationId: ConversationId
  readonly userId: UserId
}

interface MessagePosition {
  readonly conversationId: ConversationId
  readonly seq: number
}

/** A message, and a user who may have reacted to it. */
interface UserReaction extends MessagePosition {
  readonly userId: UserId
}

/** The messages that are stored under the ids of these drafts. */
export const readKnown = (
  sql: SqlClient.SqlClient,
  drafts: ReadonlyArray<Draft>
): Effect.Effect<AppendFacts["known"], SqlError.SqlError> => {
  const keys = drafts.map(({ senderId, clientId }) => ({ senderId, clientId }))
  return Effect.map(
    sql<MessageRow & { readonly first_digest: string }>`
      SELECT ${sql.literal(messageColumns)}, m.first_digest
      FROM ${rowsOf(sql, keys, { senderId: "id", clientId: "id" })} w
      ${joinInOrder(sql)} messages m ON m.sender_id = w.senderId AND m.client_id = w.clientId`,
    (rows) =>
      new Map(
        rows.map((row): [string, KnownMessage] => [
          clientKey(row.sender_id, row.client_id),
          { message: messageOf(row), firstDigest: row.first_digest }
        ])
      )
  )
}

/**
 * Reads the facts; within a transaction whose version has been taken, they stay true until its end. A new friendship and
 * the end of a block go by another lock (`UserPairs.ts`): these are as of the moment at which they were read.
 */
export const makeReadFacts = (sql: SqlClient.SqlClient, requireFriendship: boolean) => {
  const columns = sql.literal(messageColumns)
  const join = joinInOrder(sql)

  /** No statement for nothing. */
  const forAny = <Wanted, A>(
    wanted: ReadonlyArray<Wanted>,
    none: A,
    read: (wanted: ReadonlyArray<Wanted>) => Effect.Effect<A, SqlError.SqlError>
  ): Effect.Effect<A, SqlError.SqlError> => (wanted.length === 0 ? Effect.succeed(none) : read(wanted))

  const ends = (drafts: ReadonlyArray<Draft>) => {
    const ids = drafts.map(({ conversationId }) => ({ conversationId }))
    return Effect.map(
      sql<{
        readonly id: ConversationId
        readonly last_seq: number
        readonly last_time: number
        readonly readable_count: number
      }>`
        SELECT DISTINCT c.id, c.last_seq, c.last_time, c.readable_count FROM ${rowsOf(sql, ids, { conversationId: "id" })} w
        ${join} conversations c ON c.id = w.conversationId`,
      (rows) =>
        new Map(
          rows.map((row): [ConversationId, ConversationEnd] => [
            row.id,
            { seq: row.last_seq, sendTime: row.last_time, readable: row.readable_count }
          ])
        )
    )
  }

  const users = (wanted: ReadonlyArray<{ readonly userId: UserId }>) =>
    Effect.map(
      sql<{ readonly id: UserId }>`
        SELECT DISTINCT u.id FROM ${rowsOf(sql, wanted, { userId: "id" })} w ${join} users u ON u.id = w.userId`,
      (rows) => new Set(rows.map((row) => row.id))
    )

  const members = (wanted: ReadonlyArray<Member>) =>
    Effect.map(
      sql<{
        readonly conversation_id: ConversationId
        readonly user_id: UserId
        readonly role: Role
        readonly joined_seq: number
      }>`
        SELECT DISTINCT m.conversation_id, m.user_id, m.role, m.joined_seq
        FROM ${rowsOf(sql, wanted, { conversationId: "id", userId: "id" })} w
        ${join} conversation_members m ON m.conversation_id = w.conversationId AND m.user_id = w.userId`,
      (rows) =>
        new Map(
          rows.map((row): [string, Membership] => [
            memberKey(row.conversation_id, row.user_id),
            { role: row.role, joinedSeq: row.joined_seq }
          ])
        )
    )

  const groups = (wanted: ReadonlyArray<{ readonly conversationId: ConversationId }>) =>
    Effect.map(
      sql<{ readonly id: ConversationId; readonly is_verify: number; readonly member_count: number }>`
        SELECT g.id, g.is_verify, g.member_count
        FROM (SELECT DISTINCT conversationId FROM ${rowsOf(sql, wanted, { conversationId: "id" })} v) w
        ${join} groups_ g ON g.id = w.conversationId`,
      (rows) =>
        new Map(
          rows.map((row): [ConversationId, GroupFacts] => [
            row.id,
            { isVerify: row.is_verify === 1, memberCount: row.member_count }
          ])
        )
    )

  const asked = (wanted: ReadonlyArray<Member>) =>
    Effect.map(
      sql<{
        readonly group_id: ConversationId
        readonly user_id: UserId
        readonly inviter_id: UserId
        readonly awaits_user: number
      }>`
        SELECT r.group_id, r.user_id, r.inviter_id, r.awaits_user FROM ${rowsOf(sql, wanted, { conversationId: "id", userId: "id" })} w
        ${join} group_requests r
        ON r.user_id = w.userId AND r.handle_result = ${HandleResult.none} AND r.group_id = w.conversationId`,
      (rows) =>
        new Map(
          rows.map((row): [string, PendingRequest] => [
            memberKey(row.group_id, row.user_id),
            { inviterId: row.inviter_id, awaitsUser: row.awaits_user === 1 }
          ])
        )
    )

  const invitations = (wanted: ReadonlyArray<{ readonly invitationId: GroupInvitationId }>) =>
    Effect.map(
      sql<{
        readonly id: GroupInvitationId
        readonly group_id: ConversationId
        readonly expires_at: number
        readonly uses_left: number
      }>`
        SELECT DISTINCT i.id, i.group_id, i.expires_at, i.uses_max - i.uses AS uses_left
        FROM ${rowsOf(sql, wanted, { invitationId: "id" })} w ${join} group_invitations i ON i.id = w.invitationId`,
      (rows) =>
        new Map(
          rows.map((row): [GroupInvitationId, InvitationFacts] => [
            row.id,
            { groupId: row.group_id, expiresAt: row.expires_at, usesLeft: row.uses_left }
          ])
        )
    )

  const targets = (wanted: ReadonlyArray<MessagePosition>) =>
    Effect.map(
      sql<MessageRow>`
        SELECT DISTINCT ${columns} FROM ${rowsOf(sql, wanted, { conversationId: "id", seq: "integer" })} w
        ${join} messages m ON m.conversation_id = w.conversationId AND m.seq = w.seq`,
      (rows) => new Map(rows.map((row) => [messageKey(row.conversation_id, row.seq), messageOf(row)]))
    )

  /** The same place may be wanted by many, whose reactions must not be counted that often. */
  const reactions = (wanted: ReadonlyArray<UserReaction>) =>
    Effect.map(
      sql<{
        readonly conversation_id: ConversationId
        readonly seq: number
        readonly reaction: string
        readonly reactors: number
      }>`
        SELECT r.conversation_id, r.seq, r.reaction, COUNT(*) AS reactors
        FROM (
          SELECT DISTINCT conversationId, seq FROM ${rowsOf(sql, wanted, { conversationId: "id", seq: "integer" })} v
        ) w
        ${join} reactions r ON r.conversation_id = w.conversationId AND r.seq = w.seq
        GROUP BY r.conversation_id, r.seq, r.reaction`,
      (rows) =>
        new Map(
          [...Map.groupBy(rows, (row) => messageKey(row.conversation_id, row.seq))].map(([key, found]) => [
            key,
            new Map(found.map((row) => [row.reaction, row.reactors]))
          ])
        )
    )

  const ownReactions = (wanted: ReadonlyArray<UserReaction>) =>
    Effect.map(
      sql<{
        readonly conversation_id: ConversationId
        readonly seq: number
        readonly user_id: UserId
        readonly reaction: string
      }>`
        SELECT r.conversation_id, r.seq, r.user_id, r.reaction
        FROM ${rowsOf(sql, wanted, { conversationId: "id", seq: "integer", userId: "id" })} w
        ${join} reactions r
        ON r.conversation_id = w.conversationId AND r.seq = w.seq AND r.user_id = w.userId`,
      (rows) => new Map(rows.map((row) => [reactionKey(row.conversation_id, row.seq, row.user_id), row.reaction]))
    )

  return Effect.fnUntraced(function* (drafts: ReadonlyArray<Draft>): Effect.fn.Return<AppendFacts, SqlError.SqlError> {
    const end = yield* ends(drafts)
    const wanted = wantedBy(drafts, end)
    const target = yield* forAny(wanted.targets, noFacts.targets, targets)
    // Whether a message may be recalled goes by the role of its author, too.
    const authors = [...target.values()].flatMap(({ chatType, conversationId, senderId }) =>
      chatType === ChatType.group ? [{ conversationId, userId: senderId }] : []
    )
    const askedFor = yield* forAny(wanted.asked, noFacts.asked, asked)
    const inviting = wanted.asked.flatMap(({ conversationId, userId: otherId }) => {
      const request = askedFor.get(memberKey(conversationId, otherId))
      return request === undefined ? [] : [{ conversationId, userId: request.inviterId, otherId }]
    })
    const pairs = [...wanted.pairs, ...inviting]
    const { blocks, friends }: PairFacts = yield* forAny<UserPair, PairFacts>(pairs, noFacts, (some) =>
      pairFacts(sql, requireFriendship, some)
    )
    return {
      known: yield* readKnown(sql, drafts),
      refused: yield* forAny(
        drafts.flatMap(({ messageId, mayComeAgain }) => (mayComeAgain === true ? [{ draftId: messageId }] : [])),
        noFacts.refused,
        (some) => readRefused(sql, some)
      ),
      ends: end,
      blocks,
      friends,
      users: yield* forAny(wanted.users, noFacts.users, users),
      members: yield* forAny([...wanted.members, ...authors, ...inviting], noFacts.members, members),
      groups: yield* forAny(wanted.groups, noFacts.groups, groups),
      admitting: yield* forAny(wanted.bringing, noFacts.admitting, (some) =>
        admittingAmong(sql, requireFriendship, some)
      ),
      asked: askedFor,
      invitations: yield* forAny(wanted.invitations, noFacts.invitations, invitations),
      targets: target,
      reactions: yield* forAny(wanted.reactions, noFacts.reactions, reactions),
      ownReactions: yield* forAny(wanted.reactions, noFacts.ownReactions, ownReactions)
    }
  })
}

/** The keys of the facts that these drafts need; an empty list costs no statement. */
const wantedBy = (drafts: ReadonlyArray<Draft>, ends: AppendFacts["ends"]) => {
  const pairs: Array<UserPair> = []
  const users: Array<{ readonly userId: UserId }> = []
  const members: Array<Member> = []
  const groups: Array<{ readonly conversationId: ConversationId }> = []
  const bringing: Array<UserPair> = []
  const asked: Array<Member> = []
  const invitations: Array<{ readonly invitationId: GroupInvitationId }> = []
  const targets: Array<MessagePosition> = []
  const reactions: Array<UserReaction> = []
  for (const draft of drafts) {
    const { conversationId, senderId } = draft
    if (draft.chatType === ChatType.single) {
      const { receiveId } = draft
      pairs.push({ userId: senderId, otherId: receiveId })
      // Users are never removed, so a conversation that exists proves that its members do.
      if (!ends.has(conversationId)) users.push({ userId: senderId }, { userId: receiveId })
    } else members.push({ conversationId, userId: senderId })
    const seq = targetSeqOf(draft)
    if (seq !== undefined) {
      targets.push({ conversationId, seq })
      if (draft.messageType === MessageType.reaction) reactions.push({ conversationId, seq, userId: senderId })
    }
    if (draft.messageType !== MessageType.system) continue
    const { event } = draft
    groups.push({ conversationId })
    users.push({ userId: senderId })
    for (const userId of usersOf(event, senderId)) {
      pairs.push({ userId: senderId, otherId: userId })
      users.push({ userId })
      members.push({ conversationId, userId })
      const isJoining = event.event === "created" || event.event === "joined"
      if (event.event === "joined") asked.push({ conversationId, userId })
      if (isJoining && userId !== senderId) bringing.push({ userId: senderId, otherId: userId })
    }
    if (event.event === "joined" && event.invitation !== undefined) invitations.push({ invitationId: event.invitation })
  }
  return { pairs, users, members, groups, bringing, asked, invitations, targets, reactions }
}
