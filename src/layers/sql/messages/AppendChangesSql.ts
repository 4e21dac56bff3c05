/** Writes the changes of stored messages: recalls, edits and reactions. */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { MessageChange } from "../../../domain/messages/AppendChanges.ts"
import { messageKey, reactionKey } from "../../../domain/messages/AppendFacts.ts"
import { MessageType } from "../../../domain/messages/Message.ts"
import type { ConversationId } from "../../../domain/shared/ConversationIds.ts"
import { onExisting, rowsOf, updateFrom } from "../database/SqlDialect.ts"
import { MessageState } from "./MessageRows.ts"

/** Stands for a content that is no longer stored, where it must be compared with another one. */
export const digestOf = (content: string): string => createHash("sha256").update(content).digest("base64")

/** The final state of a changed message. */
interface ChangedMessage {
  readonly conversationId: ConversationId
  readonly seq: number
  content: string
  state: number
  firstDigest: string
}

const stateOf: { readonly [Kind in MessageChange["kind"]]: number } = {
  [MessageType.recall]: MessageState.recalled,
  [MessageType.edit]: MessageState.edited,
  [MessageType.reaction]: MessageState.reacted
}

export const makeChangeMessages = (sql: SqlClient.SqlClient) => {
  const changeMessages = Effect.fnUntraced(function* (changes: ReadonlyArray<MessageChange>) {
    const changed = new Map<string, ChangedMessage>()
    for (const { kind, conversationId, targetSeq, content, before } of changes) {
      const key = messageKey(conversationId, targetSeq)
      const message = changed.get(key) ?? {
        conversationId,
        seq: targetSeq,
        content: before.content,
        state: 0,
        firstDigest: ""
      }
      message.state |= stateOf[kind]
      if (kind !== MessageType.reaction) {
        message.content = kind === MessageType.edit ? content : ""
        message.firstDigest ||= digestOf(before.content)
      }
      changed.set(key, message)
    }
    yield* sql`
      UPDATE ${updateFrom(
        sql,
        "messages",
        rowsOf(sql, [...changed.values()], {
          conversationId: "id",
          seq: "integer",
          content: "text",
          state: "integer",
          firstDigest: "id"
        }),
        "m.conversation_id = w.conversationId AND m.seq = w.seq",
        {
          first_digest: "CASE WHEN m.first_digest = '' THEN w.firstDigest ELSE m.first_digest END",
          content: "w.content",
          state: "m.state | w.state"
        }
      )}`
    yield* writeEdits(changes.filter(({ kind }) => kind === MessageType.edit))
    yield* writeReactions(changes.filter(({ kind }) => kind === MessageType.reaction))
    yield* clearRecalled(changes.filter(({ kind }) => kind === MessageType.recall))
  })

  const writeEdits = (edits: ReadonlyArray<MessageChange>) =>
    edits.length === 0
      ? Effect.void
      : sql`
          INSERT INTO message_edits (conversation_id, target_seq, seq)
          SELECT w.* FROM ${rowsOf(sql, edits, { conversationId: "id", targetSeq: "integer", seq: "integer" })} w`

  /** Remembers a recalled message as such, and deletes everything of it: its contents, those of its edits, and its reactions. */
  const clearRecalled = (recalls: ReadonlyArray<MessageChange>): Effect.Effect<void, SqlError.SqlError> =>
    Effect.gen(function* () {
      if (recalls.length === 0) return
      const places = rowsOf(sql, recalls, { conversationId: "id", targetSeq: "integer" })
      yield* sql`INSERT INTO recalls (conversation_id, seq) SELECT w.conversationId, w.targetSeq FROM ${places} w`
      const former = yield* sql<{ readonly conversationId: ConversationId; readonly seq: number }>`
        SELECT DISTINCT e.conversation_id AS conversationId, e.seq FROM ${places} w
        JOIN message_edits e ON e.conversation_id = w.conversationId AND e.target_seq = w.targetSeq`
      if (former.length > 0) {
        yield* sql`
          UPDATE ${updateFrom(
            sql,
            "messages",
            rowsOf(sql, former, { conversationId: "id", seq: "integer" }),
            "m.conversation_id = w.conversationId AND m.seq = w.seq",
            { content: "''" }
          )}`
      }
      for (const { conversationId, targetSeq } of recalls) {
        yield* sql`DELETE FROM reactions WHERE conversation_id = ${conversationId} AND seq = ${targetSeq}`
      }
    })

  /** The last reaction of each user to each message counts. */
  const writeReactions = Effect.fnUntraced(function* (given: ReadonlyArray<MessageChange>) {
    const last = new Map(
      given.map((change) => [reactionKey(change.conversationId, change.targetSeq, change.userId), change])
    )
    const kept = [...last.values()].filter(({ content }) => content !== "")
    for (const { conversationId, targetSeq, userId, content } of last.values()) {
      if (content !== "") continue
      yield* sql`
        DELETE FROM reactions WHERE conversation_id = ${conversationId} AND seq = ${targetSeq} AND user_id = ${userId}`
    }
    if (kept.length === 0) return
    yield* sql`
      INSERT INTO reactions (conversation_id, seq, user_id, reaction)
      SELECT w.* FROM ${rowsOf(sql, kept, {
        conversationId: "id",
        targetSeq: "integer",
        userId: "id",
        content: "id"
      })} w
      ${onExisting(sql, ["conversation_id", "seq", "user_id"], { reaction: "replace" })}`
  })

  return changeMessages
}
