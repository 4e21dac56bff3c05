/** Random drafts for one group, a private conversation and three users, some of them earlier ones once more. */
import { Schema } from "effect"
import { reactionsMax } from "../../src/domain/messages/ChangeRules.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import { MessageType } from "../../src/domain/messages/Message.ts"
import type { MessagePolicy } from "../../src/domain/messages/MessagePolicy.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { GroupInvitationId } from "../../src/domain/shared/Ids.ts"
import { draft, groupDraft } from "./Drafts.ts"

export const users = ["1", "2", "10"]
const User = Schema.Literals(["1", "2", "10"])
/** The founder may most. */
const Sender = Schema.Literals(["1", "1", "1", "2", "10"])
const Anybody = Schema.Literals(["1", "2", "10", "2", "10", "9"])
const Named = Schema.Union([
  Schema.Tuple([Anybody]),
  Schema.Tuple([Schema.Literals(["2", "10"]), Schema.Literals(["10"])])
])
export const groupId = "100" as ConversationId
/** An invitation to the group that the drafts outlive, and use up. */
export const invitation = { id: "71" as GroupInvitationId, groupId, expiresAt: 50, usesLeft: 2 }
/** The draft comes again of which so many others came before this one; 0 for one that is new. */
const Again = Schema.Literals([0, 0, 0, 0, 0, 1, 2, 3, 4, 6])
const Seq = Schema.Literals([1, 2, 2, 3, 3, 4])
const Late = Schema.Literals([0, 0, 5, 20])

/** Three times as often as what stands beside it. */
const often = <A>(one: A): readonly [A, A, A] => [one, one, one]

const Event = Schema.Union([
  Schema.Struct({
    event: Schema.Literal("created"),
    name: Schema.Literal("we"),
    icon: Schema.Literal(""),
    isVerify: Schema.Boolean,
    userIds: Named
  }),
  ...often(Schema.Struct({ event: Schema.Literal("joined"), userIds: Named })),
  Schema.Struct({ event: Schema.Literal("joined"), userIds: Schema.Tuple([User]), asked: Schema.Literal(true) }),
  ...often(
    Schema.Struct({
      event: Schema.Literal("joined"),
      userIds: Schema.Tuple([Schema.Literals(["2", "10", "10"])]),
      invitation: Schema.Literals(["71", "71", "72"])
    })
  ),
  Schema.Struct({ event: Schema.Literal("left") }),
  Schema.Struct({ event: Schema.Literal("removed"), userIds: Schema.Tuple([Anybody]) }),
  ...often(Schema.Struct({ event: Schema.Literal("role"), userId: User, role: Schema.Literals([1, 2, 2, 3]) })),
  Schema.Struct({ event: Schema.Literal("changed"), isVerify: Schema.Boolean })
])
/** `isAltered`: under the id of the earlier draft comes another one, by the same sender. */
const Base = {
  sender: Sender,
  again: Again,
  isAltered: Schema.Literals([false, false, true]),
  isOfGroup: Schema.Boolean,
  late: Late
}
const Wanted = Schema.Union([
  Schema.Struct({ ...Base, kind: Schema.Literal("text"), content: Schema.Literals(["x", "y"]), to: Anybody }),
  ...often(Schema.Struct({ ...Base, kind: Schema.Literal("event"), event: Event })),
  Schema.Struct({ ...Base, kind: Schema.Literal("recall"), seq: Seq }),
  Schema.Struct({ ...Base, kind: Schema.Literal("edit"), content: Schema.Literals(["x", "y", "z"]), seq: Seq }),
  Schema.Struct({
    ...Base,
    kind: Schema.Literal("reaction"),
    content: Schema.Literals(["", "👍", "👎", "🎉"]),
    seq: Seq
  })
])
export const Script = Schema.Struct({
  /** The content of the store before the batch, and the batch. */
  before: Schema.Array(Wanted).check(Schema.isMaxLength(8)),
  batch: Schema.Array(Wanted).check(Schema.isBetweenLength(2, 16)),
  /** Whether there is a group, and a message in it and in a private conversation. */
  isFounded: Schema.Literals([true, true, true, true, false]),
  asking: Schema.Array(User).check(Schema.isBetweenLength(1, 3)),
  /** Users who let nobody bring them into groups. */
  shut: Schema.Array(Schema.Literals(["2", "10"])).check(Schema.isMaxLength(1)),
  blocks: Schema.Array(Schema.Tuple([User, User])).check(Schema.isMaxLength(1)),
  friends: Schema.Array(Schema.Tuple([User, User])).check(Schema.isMaxLength(4)),
  /** Others who have given the first words of the group a reaction of their own each. */
  crowd: Schema.Literals([0, reactionsMax - 2, reactionsMax - 1]),
  /** Whether the drafts come from a log, which may bring them again. */
  isLogged: Schema.Boolean,
  requireFriendship: Schema.Literals([false, false, false, true]),
  groupHistory: Schema.Literals(["joined", "all"])
})

const draftOf = (wanted: typeof Wanted.Type, clientId: string, now: number): Draft => {
  const { sender, isOfGroup, late } = wanted
  const changes = { sendTime: now - late }
  if (wanted.kind === "text") {
    const content = { ...changes, content: wanted.content }
    return isOfGroup
      ? groupDraft(sender, groupId, clientId, content)
      : draft(sender, wanted.to, clientId, { ...content, messageType: MessageType.text })
  }
  if (wanted.kind === "event") {
    return groupDraft(sender, groupId, clientId, {
      ...changes,
      messageType: MessageType.system,
      content: JSON.stringify(wanted.event)
    })
  }
  const change = {
    ...changes,
    messageType: MessageType[wanted.kind],
    content: wanted.kind === "recall" ? "" : wanted.content,
    targetSeq: wanted.seq
  }
  return isOfGroup
    ? groupDraft(sender, groupId, clientId, change)
    : draft(sender, sender === "1" ? "2" : "1", clientId, change)
}

export const founding = groupDraft("1", groupId, "founding", {
  messageType: MessageType.system,
  content: JSON.stringify({ event: "created", name: "us", icon: "", isVerify: false, userIds: ["2"] }),
  sendTime: 0
})

export const firstWords = [
  groupDraft("2", groupId, "first words", { sendTime: 0 }),
  draft("1", "2", "first words", { sendTime: 0 })
]

/** The drafts, some of which are earlier ones once more. */
const draftsOf = (list: ReadonlyArray<typeof Wanted.Type>, earlier: ReadonlyArray<Draft>, now: number) => {
  const drafts = [...earlier]
  for (const wanted of list) {
    const first = wanted.again === 0 ? undefined : drafts.at(-wanted.again)
    const moment = now + 3 * drafts.length
    if (first === undefined) drafts.push(draftOf(wanted, `m${drafts.length}`, moment))
    else if (!wanted.isAltered) drafts.push(first)
    else drafts.push(draftOf({ ...wanted, sender: first.senderId as typeof wanted.sender }, first.clientId, moment))
  }
  return drafts.slice(earlier.length)
}

/** The drafts of a script: what is stored before, and the batch. */
export const draftsOfScript = (script: typeof Script.Type) => {
  const before = draftsOf(script.before, script.isFounded ? firstWords : [], 0)
  const batch = draftsOf(script.batch, [...firstWords, ...before], 5)
  const logged = (drafts: ReadonlyArray<Draft>) =>
    script.isLogged ? drafts.map((one): Draft => ({ ...one, mayComeAgain: true })) : drafts
  return { before: logged(before), batch: logged(batch) }
}

/** The policy of a script; its windows are as short as the time that its drafts take. */
export const policyOf = ({ requireFriendship, groupHistory }: typeof Script.Type): MessagePolicy["Service"] => ({
  windows: { recallMillis: 10, editMillis: 15 },
  requireFriendship,
  groupHistory
})
