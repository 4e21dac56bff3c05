/** What users do to the server, and what it answers, as both the server and the model get it. */

/** What is done under an id of the user's own, and has one effect however often it is done. */
export type Keyed = { readonly user: string; readonly id: string } & (
  | { readonly kind: "say"; readonly to: Place; readonly content: string }
  | {
      readonly kind: "change"
      readonly to: Place
      readonly seq: number
      readonly type: ChangeType
      readonly content: string
    }
  | { readonly kind: "found"; readonly name: string; readonly userIds: ReadonlyArray<string> }
)

export type Command =
  | Keyed
  | ({ readonly user: string } & (
      | { readonly kind: "bring"; readonly groupId: string; readonly userIds: ReadonlyArray<string> }
      /** Removing oneself is leaving. */
      | { readonly kind: "remove"; readonly groupId: string; readonly userId: string }
      | { readonly kind: "role"; readonly groupId: string; readonly userId: string; readonly role: 1 | 2 | 3 }
      | { readonly kind: "read"; readonly conversationID: string; readonly seq: number }
      | { readonly kind: "arrange"; readonly changes: { readonly [conversationID: string]: Arrangement } }
      | { readonly kind: "setUp"; readonly to: Place }
    ))

/** Where a user writes: to another one, or into a group. */
export interface Place {
  readonly conversationID: string
  /** The other user, or the group. */
  readonly receiveId: string
  readonly chatType: 0 | 1
}

/** Recall, edit or reaction. */
export type ChangeType = 8 | 9 | 10

/** What a user makes of a conversation in their list. */
export interface Arrangement {
  readonly isShow?: boolean
  readonly pinned?: boolean
  readonly muted?: boolean
  readonly read?: number
}

/** What became of a command; a success tells as much as its answer does. */
export type Outcome =
  | { readonly code: number }
  | {
      readonly code?: undefined
      readonly conversationID?: string
      readonly seq?: number
      readonly messageId?: string
      readonly sendTime?: number
      /** The id of the invitation by which a user has joined. */
      readonly invitation?: string
    }

/** A command that was carried out. */
export interface Done {
  readonly command: Command
  readonly outcome: Outcome
}

/** The id of the private conversation of two users. */
export const conversationOf = (a: string, b: string): string => (BigInt(a) < BigInt(b) ? [a, b] : [b, a]).join("_")
