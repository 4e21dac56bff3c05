/** Rights to recall, edit and react to a message, and their end (protocol.md section 1.6). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { Role } from "../../src/domain/groups/Group.ts"
import {
  type ChangeView,
  type ChangeWindows,
  checkChange,
  reactionsMax
} from "../../src/domain/messages/ChangeRules.ts"
import type { Draft, UnsentChange } from "../../src/domain/messages/Draft.ts"
import { type Message, MessageType } from "../../src/domain/messages/Message.ts"
import { changeRefusals } from "../../src/domain/messages/Refusals.ts"
import type { ErrorName } from "../../src/domain/shared/ErrorTable.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { draft } from "../support/Drafts.ts"
import { occurrences } from "../support/Occurrences.ts"
import { codeOf } from "../support/Refusals.ts"

const RoleOf = Schema.Literals([0, 1, 2, 3])
const image = JSON.stringify({ url: "https://example.com/a.png" })

const Case = Schema.Struct({
  kind: Schema.Literals(["recall", "edit", "reaction"]),
  content: Schema.Literals(["", "👍", "r0", image]),
  isOwn: Schema.Boolean,
  /** 1 is an image, 7 and above nothing that a user has written. */
  targetType: Schema.Literals([0, 0, 0, 1, 6, 7, 8, 9, 10]),
  isRecalled: Schema.Literals([false, false, false, true]),
  senderRole: Schema.Literals([1, 2, 3]),
  authorRole: RoleOf,
  /** Milliseconds between the two, and the windows: they meet often. */
  age: Schema.Literals([-1, 0, 9, 10, 11, 19, 20, 21, 1_000_000]),
  recallMillis: Schema.Literals([0, 10, 20]),
  editMillis: Schema.Literals([0, 10, 20]),
  /** How many there are of different kinds, and the sender's own, alone or with others. */
  reactions: Schema.Literals([0, reactionsMax - 1, reactionsMax]),
  own: Schema.Literals(["none", "alone", "shared"])
})
type Case = typeof Case.Type

const inputOf = (one: Case): { draft: Extract<Draft, UnsentChange>; view: ChangeView; windows: ChangeWindows } => {
  const change = draft("1", "2", "change", {
    messageType: MessageType[one.kind],
    content: one.kind === "recall" ? "" : one.content,
    sendTime: 5_000_000,
    targetSeq: 1
  })
  const target: Message = {
    messageId: change.messageId,
    clientId: "target",
    conversationId: change.conversationId,
    seq: 1,
    chatType: 1,
    senderId: (one.isOwn ? "1" : "2") as UserId,
    receiveId: (one.isOwn ? "2" : "1") as UserId,
    sendTime: 5_000_000 - one.age,
    messageType: one.targetType,
    content: one.isRecalled ? "" : "words",
    ...(one.isRecalled ? { recalled: true } : {})
  }
  return {
    draft: change as Extract<Draft, UnsentChange>,
    view: {
      target,
      senderRole: one.senderRole,
      authorRole: one.isOwn ? one.senderRole : one.authorRole,
      reactions: new Map(
        Array.from({ length: one.reactions }, (_, index) => [`r${index}`, index === 1 && one.own === "shared" ? 2 : 1])
      ),
      ownReaction: one.reactions > 0 && one.own !== "none" ? "r1" : ""
    },
    windows: { recallMillis: one.recallMillis, editMillis: one.editMillis }
  }
}

const problemOf = (checked: ReturnType<typeof checkChange>) => (Result.isFailure(checked) ? checked.failure : undefined)

const isWithin = (age: number, windowMillis: number): boolean => windowMillis === 0 || age <= windowMillis

/** The rules of the protocol. */
const expected = (one: Case): ErrorName | undefined => {
  if (one.targetType >= 7) return "NoMessage"
  if (one.isRecalled) return "Conflict"
  if (one.kind === "reaction") {
    const isKnown = one.reactions > 0 && one.content === "r0"
    const isExchange = one.own === "alone"
    return one.reactions < reactionsMax || one.content === "" || isKnown || isExchange ? undefined : "Conflict"
  }
  if (one.kind === "recall") {
    const isManager = one.senderRole !== Role.member
    if (one.isOwn) return isManager || isWithin(one.age, one.recallMillis) ? undefined : "TooLate"
    const isLower = one.authorRole === Role.former || one.authorRole > one.senderRole
    return isManager && isLower ? undefined : "Forbidden"
  }
  if (!one.isOwn) return "Forbidden"
  if (one.targetType === 0 && one.content === "") return "BadContent"
  if (one.targetType === 1 && one.content !== image) return "BadContent"
  if (one.targetType === 6 && one.content !== image) return "BadContent"
  return isWithin(one.age, one.editMillis) ? undefined : "TooLate"
}

const kinds = ["recall", "edit", "reaction"] as const
const results = ["allowed", "NoMessage", "Conflict", "TooLate", "Forbidden", "BadContent"] as const
const cases = kinds.flatMap((kind) => results.map((result) => `${kind}: ${result}` as const))
/** The errors that drafts of a kind declare, and success: each of them must occur, and no other. */
const possible = (kind: (typeof kinds)[number]): ReadonlyArray<string> => [
  "allowed",
  ...changeRefusals[MessageType[kind]]
]
const seen = occurrences(
  "the rules of changes",
  Object.fromEntries(
    kinds.flatMap((kind) => results.map((result) => [`${kind}: ${result}`, possible(kind).includes(result) ? 5 : 0]))
  ) as Record<(typeof cases)[number], number>
)

describe("the rules of changes", () => {
  it.effect.prop(
    "are those of the protocol, to the millisecond, for every role, type and age",
    [Case],
    ([one]) =>
      Effect.sync(() => {
        const { draft, view, windows } = inputOf(one)
        const problem = problemOf(checkChange(draft, view, windows))
        assert.strictEqual(problem?.code, codeOf(expected(one)))
        assert.include(possible(one.kind), problem?._tag ?? "allowed")
        seen.run()
        seen.saw(`${one.kind}: ${(expected(one) ?? "allowed") as (typeof results)[number]}`)
      }),
    { arbitrary: { runs: 5_000 } }
  )
  seen.check()

  it.effect.prop(
    "never let anybody but its sender put words into a message, and nobody after its recall",
    [Case],
    ([one]) =>
      Effect.sync(() => {
        const { draft, view, windows } = inputOf(one)
        const problem = problemOf(checkChange(draft, view, windows))
        if (one.kind === "edit" && !one.isOwn) assert.isDefined(problem)
        if (one.isRecalled) assert.isDefined(problem)
        // More time makes nothing possible that was not.
        if (problem === undefined || problem._tag !== "TooLate") return
        const later = { ...draft, sendTime: draft.sendTime + 1 }
        assert.isTrue(problemOf(checkChange(later, view, windows))?._tag === "TooLate")
      }),
    { arbitrary: { runs: 1_000 } }
  )
})
