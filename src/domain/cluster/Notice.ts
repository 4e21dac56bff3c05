/**
 * What happens on one gateway and concerns connections of others, too; never stored (protocol.md section 1.6, `notices`).
 * Reading and typing are of no consequence when they are lost; a logout is not, and is kept until it has been heard.
 */
import { Context, Schema } from "effect"
import { ConversationId } from "../shared/ConversationIds.ts"
import { UserId } from "../shared/Ids.ts"

export const Notice = Schema.TaggedUnion({
  /** A member's read position has moved; other members do not hear of it where one of the two blocks the other. */
  Read: { conversationID: ConversationId, userId: UserId, seq: Schema.Int, onlyOwn: Schema.Boolean },
  Typing: { conversationID: ConversationId, userId: UserId },
  /** A login was revoked: its connections are to be closed. Hearing of it twice does no harm. */
  LoggedOut: { userId: UserId, sessionId: Schema.String }
})
export type Notice = typeof Notice.Type
export type LoggedOut = Extract<Notice, { readonly _tag: "LoggedOut" }>

/** Notices in one frame at most. */
export const noticesMax = 512

/** Payload of `notices`; a gateway that hears its own voice, because it is on its own list, passes over it. */
export const NoticesPayload = Schema.Struct({
  gateway: Schema.String,
  notices: Schema.Array(Notice).check(Schema.isMaxLength(noticesMax))
})

/** The way to the other gateways. */
export class NoticeRelay extends Context.Service<
  NoticeRelay,
  {
    /**
     * Hands a notice over without waiting. What cannot be brought is forgotten; a logout is kept for each gateway until
     * that has acknowledged it, its tokens have ended, or too many wait.
     */
    readonly relay: (notice: Notice) => void
    /** Whether notices of this gateway are this one's own. */
    readonly isOwn: (gateway: string) => boolean
  }
>()("fiberchat/domain/NoticeRelay") {}
